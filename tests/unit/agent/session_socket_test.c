/* SPDX-License-Identifier: MIT */
/* The session socket: requests and answers, waiting, and clients that mean no good. The client side is
 * written by hand here and runs in the same loop's pauses. */
#include "agent/session_socket.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/base/log.h"
#include "protocol/base/status.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/identity/scratch_folder.h"

#define ANSWER_MAX    65536
#define PATIENCE_TICK 10
#define PATIENCE      1000 /* ticks */
#define IDLE_MS       200

static uv_loop_t loop;
static struct scratch_folder folder;
static struct offers *offers;
static struct session_socket *session;
static char state_dir[128], socket_path[128], answer[ANSWER_MAX], request[ANSWER_MAX + 64];

static void handle_delta(void *ctx, const struct offers_message *delta)
{
    assert_true(delta->offer_count + delta->gone_count == 1);
}

static void handle_news(void *ctx, uint64_t id, enum offer_news news, uint64_t bytes, const char *problem)
{
    session_socket_tell(session, id, news, bytes, problem);
}

static void handle_line(void *ctx, enum log_level level, const char *line)
{
    /* The tests provoke them. */
}

static void open_socket(bool files)
{
    char problem[TEXT_REASON_MAX + 1];
    struct session_socket_options options = {
        .uv = &loop, .offers = files ? offers : NULL, .path = socket_path, .idle_ms = IDLE_MS};
    session_socket_prepare(socket_path);
    assert_int_equal(session_socket_create(&options, &session, problem), 0);
}

static int setup(void **state)
{
    log_set_sink(handle_line, NULL);
    scratch_make(&folder);
    snprintf(state_dir, sizeof(state_dir), "%s/state", folder.path);
    snprintf(socket_path, sizeof(socket_path), "%s/run/session.sock", folder.path);
    scratch_write_text(&folder, "a", "hello");
    uv_loop_init(&loop);
    struct offers_options options = {
        .uv = &loop, .state_dir = state_dir, .on_delta = handle_delta, .on_news = handle_news};
    assert_int_equal(offers_create(&options, &offers), 0);
    open_socket(true);
    return 0;
}

static int teardown(void **state)
{
    session_socket_close(session);
    offers_close(offers);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    scratch_remove(&folder);
    log_set_sink(NULL, NULL);
    return 0;
}

static void turn(void)
{
    uv_run(&loop, UV_RUN_NOWAIT);
}

static int dial(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    strncpy(address.sun_path, socket_path, sizeof(address.sun_path) - 1);
    for (int i = 0; connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0; i++) {
        assert_int_equal(errno, EAGAIN); /* the backlog is full */
        assert_true(i < PATIENCE);
        turn();
    }
    return fd;
}

static void say(int fd, const char *text)
{
    size_t size = strlen(text), done = 0;
    for (int i = 0; done < size; i++) {
        ssize_t sent = send(fd, text + done, size - done, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
            return; /* it has heard enough */
        assert_true(i < PATIENCE && (sent >= 0 || errno == EAGAIN));
        done += sent > 0 ? (size_t)sent : 0;
        turn();
    }
}

/* Turns the loop until a line has come: without its end, in `answer`. False: the agent has closed. */
static bool hear(int fd)
{
    size_t size = 0;
    for (int i = 0; i < PATIENCE; i++) {
        turn();
        struct pollfd wanted = {.fd = fd, .events = POLLIN};
        if (poll(&wanted, 1, PATIENCE_TICK) <= 0)
            continue;
        while (size < sizeof(answer) - 1) {
            ssize_t got = recv(fd, answer + size, 1, 0);
            if (got == 0 || (got < 0 && errno == ECONNRESET))
                return false;
            if (got < 0)
                break;
            if (answer[size] == '\n') {
                answer[size] = '\0';
                return true;
            }
            size++;
        }
    }
    fail_msg("no answer within %d ms", PATIENCE * PATIENCE_TICK);
    return false;
}

static void says(const char *what)
{
    if (strstr(answer, what) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", answer, what);
}

/* One request, its answer, and the end of the connection. */
static void ask(const char *line, const char *expected)
{
    int fd = dial();
    say(fd, line);
    assert_true(hear(fd));
    says(expected);
    assert_false(hear(fd));
    close(fd);
}

static const char *offer_request(bool wait)
{
    snprintf(request, sizeof(request), "{\"request\":\"offer\",\"paths\":[\"%s\"],\"wait\":%s}\n",
             scratch_path(&folder, "a"), wait ? "true" : "false");
    return request;
}

static int offer_and_wait(void)
{
    int fd = dial();
    say(fd, offer_request(true));
    assert_true(hear(fd));
    says("\"state\":\"offered\"");
    assert_int_equal(offers_table(offers)->count, 1);
    return fd;
}

static uint64_t only_offer(void)
{
    assert_int_equal(offers_table(offers)->count, 1);
    return offers_table(offers)->records[0]->facts.id;
}

static void the_socket_is_for_everybody(void **state)
{
    assert_int_equal(scratch_mode(&folder, "run/session.sock"), 0666);
    assert_int_equal(scratch_mode(&folder, "run"), 0755);
}

static void requests_have_answers(void **state)
{
    ask(offer_request(false), "\"bytes\":5");
    ask("{\"request\":\"offers\"}\n", "\"name\":\"a\"");
    snprintf(request, sizeof(request), "{\"request\":\"withdraw\",\"id\":%llu}\n",
             (unsigned long long)only_offer());
    ask(request, "withdrawn");
    assert_int_equal(offers_table(offers)->count, 0);
    ask(request, "NOT_FOUND");
}

static void who_waits_is_told_to_the_end(void **state)
{
    const struct offer_record *record;
    int fd = offer_and_wait();
    uint64_t id = only_offer();
    assert_int_equal(offers_begin(offers, id, &record), 0);
    assert_true(hear(fd));
    says("\"moving\"");
    for (uint64_t bytes = 1; bytes <= 5; bytes++)
        offers_progress(offers, id, bytes);
    assert_true(hear(fd)); /* the five in one, a quarter of a second later */
    says("\"bytes\":5");
    offers_end(offers, id, UV_ECONNRESET);
    assert_true(hear(fd));
    says("\"offered\"");
    offers_end(offers, id, 0);
    assert_true(hear(fd));
    says("\"taken\"");
    assert_false(hear(fd));
    close(fd);
    fd = offer_and_wait();
    assert_int_equal(offers_decline(offers, only_offer()), 0);
    assert_true(hear(fd));
    says("\"declined\"");
    assert_false(hear(fd));
    close(fd);
}

static void who_waits_and_goes_away_withdraws(void **state)
{
    int fd = offer_and_wait();
    close(fd);
    for (int i = 0; i < PATIENCE && offers_table(offers)->count > 0; i++)
        turn();
    assert_int_equal(offers_table(offers)->count, 0);
}

static void who_waits_is_not_taken_for_idle(void **state)
{
    int fd = offer_and_wait();
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    for (int i = 0; i < 2 * IDLE_MS / PATIENCE_TICK; i++) {
        turn();
        assert_int_equal(poll(&wanted, 1, PATIENCE_TICK), 0);
    }
    assert_int_equal(offers_table(offers)->count, 1);
    close(fd);
}

static void an_offer_outlives_the_agent_that_ends(void **state)
{
    int fd = offer_and_wait();
    session_socket_close(session);
    session = NULL;
    assert_false(hear(fd));
    close(fd);
    assert_int_equal(offers_table(offers)->count, 1);
}

static void nonsense_is_refused(void **state)
{
    static const struct {
        const char *line, *status;
    } CASES[] = {
        {"\n", "MALFORMED"},
        {"[]\n", "MALFORMED"},
        {"{\"request\":5}\n", "MALFORMED"},
        {"{\"request\":\"offer\",\"request\":\"offers\"}\n", "MALFORMED"},
        {"{\"request\":\"offer\",\"paths\":[[[[[[]]]]]]}\n", "MALFORMED"},
        {"{\"request\":\"reboot\"}\n", "NOT_SUPPORTED"},
        {"{\"request\":\"offer\"}\n", "INVALID"},
        {"{\"request\":\"offer\",\"paths\":[]}\n", "INVALID"},
        {"{\"request\":\"offer\",\"paths\":\"/a\"}\n", "INVALID"},
        {"{\"request\":\"offer\",\"paths\":[5]}\n", "INVALID"},
        {"{\"request\":\"offer\",\"paths\":[\"a\"]}\n", "INVALID"},
        {"{\"request\":\"offer\",\"paths\":[\"/tmp/a\\u001b[2J\"]}\n", "INVALID"},
        {"{\"request\":\"offer\",\"paths\":[\"/tmp/\\u0000\"]}\n", "MALFORMED"},
        {"{\"request\":\"offer\",\"paths\":[\"/nowhere/at/all\"]}\n", "ENOENT"},
        {"{\"request\":\"withdraw\"}\n", "INVALID"},
        {"{\"request\":\"withdraw\",\"id\":-1}\n", "INVALID"},
        {"{\"request\":\"withdraw\",\"id\":9223372036854775807}\n", "NOT_FOUND"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++)
        ask(CASES[i].line, CASES[i].status);
    strcpy(request, "{\"request\":\"offer\",\"paths\":[");
    for (int i = 0; i <= FILES_PATHS_MAX; i++)
        strcat(request, i == 0 ? "\"/a\"" : ",\"/a\"");
    strcat(request, "]}\n");
    ask(request, "INVALID");
    assert_int_equal(offers_table(offers)->count, 0);
}

static void a_line_that_does_not_end_is_refused(void **state)
{
    int fd = dial();
    memset(request, ' ', SESSION_LINE_MAX);
    request[SESSION_LINE_MAX] = '\0';
    say(fd, request);
    assert_true(hear(fd));
    says("TOO_LARGE");
    close(fd);
}

static void deep_nesting_is_no_danger(void **state)
{
    memset(request, '[', SESSION_LINE_MAX - 1);
    strcpy(request + SESSION_LINE_MAX - 1, "\n");
    ask(request, "MALFORMED");
}

static void who_says_nothing_is_closed(void **state)
{
    int silent = dial(), half = dial();
    say(half, "{\"request\":");
    assert_false(hear(silent));
    assert_false(hear(half));
    close(silent);
    close(half);
}

static void a_user_has_not_more_clients_than_the_limit(void **state)
{
    int fds[SESSION_CLIENTS_A_USER_MAX];
    for (int i = 0; i < SESSION_CLIENTS_A_USER_MAX; i++)
        fds[i] = dial();
    int further = dial();
    assert_true(hear(further));
    says("LIMIT");
    assert_false(hear(further));
    close(further);
    for (int i = 0; i < SESSION_CLIENTS_A_USER_MAX; i++)
        close(fds[i]);
}

static void with_the_class_switched_off_it_says_so(void **state)
{
    session_socket_close(session);
    turn();
    open_socket(false);
    ask(offer_request(false), "NOT_ALLOWED");
    says("switched off");
}

static int offer_as_nobody(void *ctx)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    strncpy(address.sun_path, socket_path, sizeof(address.sun_path) - 1);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return 1;
    return send(fd, ctx, strlen(ctx), 0) == (ssize_t)strlen(ctx) ? 0 : 2;
}

static void others_see_nothing_of_mine(void **state)
{
    if (geteuid() != 0) { /* no other user to be: what others may is decided by the uid alone */
        assert_int_equal(offers_withdraw(offers, geteuid() + 1, 1), STATUS_NOT_FOUND);
        return;
    }
    chmod(folder.path, 0755);
    ask(offer_request(false), "offered");
    snprintf(request, sizeof(request), "{\"request\":\"withdraw\",\"id\":%llu}\n",
             (unsigned long long)only_offer());
    scratch_run_as(65534, offer_as_nobody, request);
    for (int i = 0; i < 100; i++)
        turn();
    assert_int_equal(offers_table(offers)->count, 1);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* as the program does */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_socket_is_for_everybody, setup, teardown),
        cmocka_unit_test_setup_teardown(requests_have_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(who_waits_is_told_to_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(who_waits_and_goes_away_withdraws, setup, teardown),
        cmocka_unit_test_setup_teardown(who_waits_is_not_taken_for_idle, setup, teardown),
        cmocka_unit_test_setup_teardown(an_offer_outlives_the_agent_that_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(nonsense_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_line_that_does_not_end_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(deep_nesting_is_no_danger, setup, teardown),
        cmocka_unit_test_setup_teardown(who_says_nothing_is_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_user_has_not_more_clients_than_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(with_the_class_switched_off_it_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(others_see_nothing_of_mine, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
