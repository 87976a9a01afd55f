/* SPDX-License-Identifier: MIT */
/* Several addresses: which one wins, how long a dead one costs, and ends at every stage. */
#include "protocol/link/tcp_race.h"

#include <string.h>
#include <unistd.h>

#include "tests/unit/link/link_fixture.h"
#include "tests/unit/link/tcp_fixture.h"

static struct tcp_race *race;
static struct {
    size_t count, winner;
    int status, fd;
    bool close_within;
} done;
static uint64_t started_ms;

static void on_done(void *ctx, int status, size_t winner, int fd)
{
    assert_ptr_equal(ctx, &done);
    done.count++;
    done.status = status;
    done.winner = winner;
    done.fd = fd;
    if (done.close_within) {
        tcp_race_close(race);
        race = NULL;
    }
}

static int setup(void **state)
{
    link_fixture_setup(state);
    memset(&done, 0, sizeof(done));
    done.fd = -1;
    return 0;
}

static int teardown(void **state)
{
    tcp_race_close(race);
    race = NULL;
    if (done.fd >= 0)
        close(done.fd);
    return link_fixture_teardown(state);
}

static void start(const struct tcp_address *addresses, size_t count)
{
    started_ms = uv_hrtime() / 1000000;
    uv_update_time(&uv);
    assert_int_equal(tcp_race_start(&uv, addresses, count, on_done, &done, &race), 0);
    assert_int_equal(done.count, 0);
}

static uint64_t took_ms(void)
{
    return uv_hrtime() / 1000000 - started_ms;
}

static void the_first_of_two_good_addresses_wins(void **state)
{
    struct tcp_address addresses[2];
    int listeners[2] = {listen_tcp("127.0.0.1", &addresses[0]), listen_tcp("::1", &addresses[1])};
    start(addresses, 2);
    RUN_UNTIL(done.count == 1);
    assert_int_equal(done.status, 0);
    assert_int_equal(done.winner, 0);
    assert_int_equal(write(done.fd, "x", 1), 1);
    int fd = accept_tcp(listeners[0]);
    assert_true(accept(listeners[1], NULL, NULL) < 0); /* nobody was there */
    close(fd);
    close(listeners[0]);
    close(listeners[1]);
}

static void a_first_that_refuses_makes_way_at_once(void **state)
{
    struct tcp_address addresses[2] = {refusing_address()};
    int listener = listen_tcp("::1", &addresses[1]);
    start(addresses, 2);
    RUN_UNTIL(done.count == 1);
    assert_int_equal(done.status, 0);
    assert_int_equal(done.winner, 1);
    assert_true(took_ms() < TCP_RACE_DELAY_MS);
    close(listener);
}

static void a_dead_first_costs_a_quarter_of_a_second(void **state)
{
    struct dead_end dead_end;
    struct tcp_address addresses[2];
    dead_end_init(&dead_end);
    addresses[0] = dead_end.address;
    int listener = listen_tcp("127.0.0.1", &addresses[1]);
    start(addresses, 2);
    RUN_UNTIL(done.count == 1);
    assert_int_equal(done.status, 0);
    assert_int_equal(done.winner, 1);
    assert_in_range(took_ms(), TCP_RACE_DELAY_MS - 1, 4 * TCP_RACE_DELAY_MS);
    close(listener);
    dead_end_finish(&dead_end);
}

static void a_slow_first_still_wins_when_the_others_are_dead(void **state)
{
    struct dead_end slow, dead;
    dead_end_init(&slow);
    dead_end_init(&dead);
    struct tcp_address addresses[2] = {slow.address, dead.address};
    start(addresses, 2);
    assert_true(wakeups_within(TCP_RACE_DELAY_MS + 100) < 10); /* both are under way */
    assert_int_equal(done.count, 0);
    int fd = accept_tcp(slow.listener); /* makes room: the next try of the system gets in */
    RUN_UNTIL(done.count == 1);
    assert_int_equal(done.status, 0);
    assert_int_equal(done.winner, 0);
    close(fd);
    dead_end_finish(&slow);
    dead_end_finish(&dead);
}

static void a_refusal_says_more_than_a_missing_way(void **state)
{
    struct tcp_address nowhere = {.any = {.sa_family = AF_MAX}}; /* a family that the system does not have */
    struct tcp_address addresses[3] = {nowhere, refusing_address(), nowhere};
    start(addresses, 3);
    RUN_UNTIL(done.count == 1);
    assert_int_equal(done.status, UV_ECONNREFUSED);
    assert_int_equal(done.fd, -1);
    assert_true(wakeups_within(20) < 5);
    assert_int_equal(done.count, 1);
}

static void failures_within_the_start_are_told_later(void **state)
{
    struct tcp_address nowhere = {.any = {.sa_family = AF_MAX}};
    start(&nowhere, 1);
    RUN_UNTIL(done.count == 1);
    assert_int_equal(done.status, UV_EAFNOSUPPORT);
}

static void closing_at_every_stage_tells_nothing_and_leaves_nothing(void **state)
{
    struct dead_end dead_end;
    dead_end_init(&dead_end);
    struct tcp_address addresses[TCP_RACE_ADDRESSES_MAX];
    for (size_t i = 0; i < TCP_RACE_ADDRESSES_MAX; i++)
        addresses[i] = dead_end.address;
    static const uint64_t STAGES_MS[] = {0, 1, TCP_RACE_DELAY_MS + 20, 3 * TCP_RACE_DELAY_MS + 20};
    for (size_t i = 0; i < sizeof(STAGES_MS) / sizeof(STAGES_MS[0]); i++) {
        start(addresses, TCP_RACE_ADDRESSES_MAX);
        if (STAGES_MS[i] > 0)
            assert_true(wakeups_within(STAGES_MS[i]) < 20);
        tcp_race_close(race);
        race = NULL;
        assert_true(wakeups_within(5) < 5);
        assert_int_equal(done.count, 0);
    }
    dead_end_finish(&dead_end);
}

static void closing_within_the_callback_is_fine(void **state)
{
    struct tcp_address addresses[2];
    int listener = listen_tcp("127.0.0.1", &addresses[0]);
    addresses[1] = refusing_address();
    done.close_within = true;
    start(addresses, 2);
    RUN_UNTIL(done.count == 1);
    assert_int_equal(done.status, 0);
    close(done.fd);
    done.count = 0;
    start(addresses + 1, 1);
    RUN_UNTIL(done.count == 1);
    assert_int_equal(done.status, UV_ECONNREFUSED);
    close(listener);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_of_two_good_addresses_wins),
        TEST(a_first_that_refuses_makes_way_at_once),
        TEST(a_dead_first_costs_a_quarter_of_a_second),
        TEST(a_slow_first_still_wins_when_the_others_are_dead),
        TEST(a_refusal_says_more_than_a_missing_way),
        TEST(failures_within_the_start_are_told_later),
        TEST(closing_at_every_stage_tells_nothing_and_leaves_nothing),
        TEST(closing_within_the_callback_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
