/* SPDX-License-Identifier: MIT */
/* From a name to a connection: lookups, their order, deadlines, and ends at every stage. */
#include "protocol/link/tcp_dial.h"

#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "protocol/link/tcp_race.h"
#include "tests/unit/link/link_fixture.h"
#include "tests/unit/link/tcp_fixture.h"

#define LONG_MS 10000

static struct tcp_dial *dial;
static struct {
    size_t count;
    int status, fd;
    char text[TEXT_REASON_MAX + 1], address[TCP_ADDRESS_TEXT_SIZE];
    bool close_within;
} done;

static void on_done(void *ctx, int status, const char *text, int fd, const struct tcp_address *address)
{
    done.count++;
    done.status = status;
    done.fd = fd;
    assert_true((status == 0) == (address != NULL));
    snprintf(done.text, sizeof(done.text), "%s", text);
    if (address != NULL)
        tcp_address_format(address, done.address, sizeof(done.address));
    if (done.close_within) {
        tcp_dial_close(dial);
        dial = NULL;
    }
}

static int setup(void **state)
{
    link_fixture_setup(state);
    memset(&done, 0, sizeof(done));
    done.fd = -1;
    return 0;
}

static void stop(void)
{
    tcp_dial_close(dial);
    dial = NULL;
    if (done.fd >= 0)
        close(done.fd);
    done.fd = -1;
}

static int teardown(void **state)
{
    stop();
    return link_fixture_teardown(state);
}

static void start(const char *host, uint16_t port, uint64_t timeout_ms)
{
    uv_update_time(&uv);
    assert_int_equal(tcp_dial_start(&uv, host, port, timeout_ms, on_done, NULL, &dial), 0);
    assert_int_equal(done.count, 0);
}

/* ---- libuv's threads, all of them busy ---- */

#define THREADS 4 /* libuv's default; main says so, too */

static uv_sem_t go_on;
static uv_work_t works[THREADS];
static size_t works_left;

static void work(uv_work_t *request)
{
    uv_sem_wait(&go_on);
}

static void handle_work_done(uv_work_t *request, int status)
{
    works_left--;
}

static void occupy_threads(void)
{
    assert_int_equal(uv_sem_init(&go_on, 0), 0);
    works_left = THREADS;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(uv_queue_work(&uv, &works[i], work, handle_work_done), 0);
}

static void release_threads(void)
{
    for (size_t i = 0; i < THREADS; i++)
        uv_sem_post(&go_on);
    RUN_UNTIL(works_left == 0);
    uv_sem_destroy(&go_on);
}

/* ---- tests ---- */

static void numeric_addresses_of_both_families_connect(void **state)
{
    static const char *const HOSTS[] = {"127.0.0.1", "::1"};
    for (size_t i = 0; i < 2; i++) {
        struct tcp_address address;
        char text[TCP_ADDRESS_TEXT_SIZE];
        int listener = listen_tcp(HOSTS[i], &address);
        tcp_address_format(&address, text, sizeof(text));
        done.count = 0;
        start(HOSTS[i], port_of(&address), LONG_MS);
        RUN_UNTIL(done.count == 1);
        assert_int_equal(done.status, 0);
        assert_string_equal(done.address, text);
        assert_string_equal(done.text, "");
        int fd = accept_tcp(listener);
        assert_int_equal(write(done.fd, "x", 1), 1);
        close(fd);
        close(listener);
        stop();
    }
}

static void a_name_is_looked_up_and_the_address_that_answers_is_found(void **state)
{
    struct tcp_address address;
    char text[TCP_ADDRESS_TEXT_SIZE];
    int listener = listen_tcp("127.0.0.1", &address); /* where localhost is ::1 as well, that one refuses */
    tcp_address_format(&address, text, sizeof(text));
    start("localhost", port_of(&address), LONG_MS);
    RUN_UNTIL(done.count == 1);
    assert_int_equal(done.status, 0);
    assert_string_equal(done.address, text);
    close(listener);
}

static void a_refusal_names_the_address(void **state)
{
    struct tcp_address address = refusing_address();
    char text[TCP_ADDRESS_TEXT_SIZE];
    tcp_address_format(&address, text, sizeof(text));
    start("127.0.0.1", port_of(&address), LONG_MS);
    RUN_UNTIL(done.count == 1);
    assert_int_equal(done.status, UV_ECONNREFUSED);
    assert_string_equal(done.text, text);
    assert_int_equal(done.fd, -1);
}

static void a_name_that_nobody_has_is_told_as_such(void **state)
{
    start("no..such..name", 5002, LONG_MS); /* never asked of a server: names have no empty parts */
    RUN_UNTIL_WITHIN(LONG_MS, done.count == 1);
    assert_int_equal(done.status, UV_EAI_NONAME);
    assert_string_equal(done.text, "no..such..name");
    assert_string_equal(status_text(done.status), "no machine of this name is known");
}

static void names_that_can_be_none_are_refused_at_once(void **state)
{
    char name[300];
    memset(name, 'a', sizeof(name));
    name[299] = '\0';
    assert_true(tcp_dial_start(&uv, name, 1, LONG_MS, on_done, NULL, &dial) < 0);
    assert_null(dial);
    assert_int_equal(tcp_dial_start(&uv, "\xff\xfe", 1, LONG_MS, on_done, NULL, &dial), UV_EINVAL);
    assert_null(dial);
}

static void a_lookup_without_answer_ends_at_the_deadline(void **state)
{
    occupy_threads();
    start("localhost", 5002, 50);
    RUN_UNTIL(done.count == 1);
    assert_int_equal(done.status, UV_ETIMEDOUT);
    assert_string_equal(done.text, "looking up localhost");
    stop();
    release_threads();
    assert_int_equal(done.count, 1);
}

static void a_connect_without_answer_ends_at_the_deadline(void **state)
{
    struct dead_end dead_end;
    char text[TCP_ADDRESS_TEXT_SIZE];
    dead_end_init(&dead_end);
    tcp_address_format(&dead_end.address, text, sizeof(text));
    start("127.0.0.1", port_of(&dead_end.address), 50);
    RUN_UNTIL(done.count == 1);
    assert_int_equal(done.status, UV_ETIMEDOUT);
    assert_string_equal(done.text, text);
    dead_end_finish(&dead_end);
}

static void a_lookup_that_waits_is_called_back(void **state)
{
    occupy_threads();
    start("localhost", 5002, LONG_MS);
    assert_true(wakeups_within(5) < 5);
    stop();
    assert_true(wakeups_within(5) < 5); /* gone, though the threads are still busy */
    assert_int_equal(done.count, 0);
    release_threads();
    assert_int_equal(done.count, 0);
}

/* A thread has taken some of these lookups when they are closed, and not others. */
static void closing_while_lookups_are_under_way_tells_nothing(void **state)
{
    for (size_t i = 0; i < 50; i++) {
        start("localhost", 5002, LONG_MS);
        for (size_t turns = 0; turns < i; turns++)
            sched_yield();
        stop();
    }
    while (uv_run(&uv, UV_RUN_ONCE) != 0)
        continue;
    assert_int_equal(done.count, 0);
}

static void closing_while_connecting_tells_nothing(void **state)
{
    struct dead_end dead_end;
    dead_end_init(&dead_end);
    static const uint64_t STAGES_MS[] = {0, 1, 50};
    for (size_t i = 0; i < 3; i++) {
        start("127.0.0.1", port_of(&dead_end.address), LONG_MS);
        if (STAGES_MS[i] > 0)
            assert_true(wakeups_within(STAGES_MS[i]) < 10);
        stop();
        assert_true(wakeups_within(5) < 5);
        assert_int_equal(done.count, 0);
    }
    dead_end_finish(&dead_end);
}

static void closing_within_the_callback_is_fine_whatever_it_says(void **state)
{
    struct tcp_address address;
    int listener = listen_tcp("127.0.0.1", &address);
    struct dead_end dead_end;
    dead_end_init(&dead_end);
    const struct {
        const char *host;
        uint16_t port;
        int status;
    } cases[] = {
        {"127.0.0.1", port_of(&address), 0},
        {"localhost", port_of(&address), 0},
        {"no..such..name", 1, UV_EAI_NONAME},
        {"127.0.0.1", port_of(&dead_end.address), UV_ETIMEDOUT},
    };
    done.close_within = true;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        done.count = 0;
        start(cases[i].host, cases[i].port, cases[i].status == UV_ETIMEDOUT ? 50 : LONG_MS);
        RUN_UNTIL_WITHIN(LONG_MS, done.count == 1);
        assert_int_equal(done.status, cases[i].status);
        stop();
    }
    close(listener);
    dead_end_finish(&dead_end);
}

/* ---- order ---- */

struct found {
    struct addrinfo info;
    struct tcp_address address;
};

static struct addrinfo *list(struct found *out, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(tcp_address_parse(texts[i], 0, &out[i].address), 0);
        out[i].info = (struct addrinfo){.ai_family = out[i].address.any.sa_family,
                                        .ai_addr = &out[i].address.any,
                                        .ai_next = i + 1 < count ? &out[i + 1].info : NULL};
    }
    return &out[0].info;
}

static void expect_order(const char *const *texts, size_t count, const char *expected)
{
    struct found found[40];
    struct tcp_address ordered[TCP_RACE_ADDRESSES_MAX];
    char all[TCP_RACE_ADDRESSES_MAX * TCP_ADDRESS_TEXT_SIZE] = "";
    size_t size = tcp_dial_order(list(found, texts, count), 7, ordered);
    for (size_t i = 0; i < size; i++) {
        size_t used = strlen(all);
        tcp_address_format(&ordered[i], all + used, sizeof(all) - used);
        strcat(all, " ");
    }
    assert_string_equal(all, expected);
}

static void families_take_turns_and_keep_their_order(void **state)
{
    static const char *const SIX_FIRST[] = {"::1", "::2", "::3", "192.0.2.1", "192.0.2.2"};
    expect_order(SIX_FIRST, 5, "[::1]:7 192.0.2.1:7 [::2]:7 192.0.2.2:7 [::3]:7 ");
    static const char *const FOUR_FIRST[] = {"192.0.2.1", "::1", "192.0.2.1", "::1", "192.0.2.2"};
    expect_order(FOUR_FIRST, 5, "192.0.2.1:7 [::1]:7 192.0.2.2:7 ");
    static const char *const ONE[] = {"192.0.2.1"};
    expect_order(ONE, 1, "192.0.2.1:7 ");
}

static void no_more_addresses_than_a_race_takes(void **state)
{
    static char texts[40][16];
    const char *pointers[40];
    struct found found[40];
    struct tcp_address ordered[TCP_RACE_ADDRESSES_MAX];
    for (size_t i = 0; i < 40; i++) {
        snprintf(texts[i], sizeof(texts[i]), i % 2 == 0 ? "192.0.2.%zu" : "::%zu", i + 1);
        pointers[i] = texts[i];
    }
    assert_int_equal(tcp_dial_order(list(found, pointers, 40), 7, ordered), TCP_RACE_ADDRESSES_MAX);
    assert_int_equal(tcp_dial_order(NULL, 7, ordered), 0);
    found[0].info = (struct addrinfo){.ai_family = AF_UNIX};
    assert_int_equal(tcp_dial_order(&found[0].info, 7, ordered), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    setenv("UV_THREADPOOL_SIZE", "4", 1);
    const struct CMUnitTest tests[] = {
        TEST(numeric_addresses_of_both_families_connect),
        TEST(a_name_is_looked_up_and_the_address_that_answers_is_found),
        TEST(a_refusal_names_the_address),
        TEST(a_name_that_nobody_has_is_told_as_such),
        TEST(names_that_can_be_none_are_refused_at_once),
        TEST(a_lookup_without_answer_ends_at_the_deadline),
        TEST(a_connect_without_answer_ends_at_the_deadline),
        TEST(a_lookup_that_waits_is_called_back),
        TEST(closing_while_lookups_are_under_way_tells_nothing),
        TEST(closing_while_connecting_tells_nothing),
        TEST(closing_within_the_callback_is_fine_whatever_it_says),
        TEST(families_take_turns_and_keep_their_order),
        TEST(no_more_addresses_than_a_race_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
