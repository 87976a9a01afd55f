/* SPDX-License-Identifier: MIT */
/* Streams (events, ports --watch), terminals and signals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host-bridge/cli/cli.h"
#include "host-bridge/cli/escape.h"
#include "host-bridge/cli/event_stream.h"
#include "protocol/base/clock.h"
#include "tests/unit/cli/fake_api.h"
#include "tests/unit/cli/fixtures.h"

#define EVENT(id, type, rest)                                                                                \
    "event: " type "\nid: " id "\ndata: {\"vm\":\"web\",\"time\":\"2026-01-31T12:00:00.000Z\"" rest "}\n\n"

static const struct fake_route ROUTES[] = {
    {"GET", "/api/v1/events?since=0", 200,
     "event: gap\nid: 0\ndata: {\"from\":1,\"to\":5}\n\n" EVENT("1", "vm.connected", "")
         EVENT("2", "port.opened", ",\"port\":" PORT_WEB),
     FAKE_STREAM},
    {"GET", "/api/v1/events?vm=web&since=1", 200,
     "event: gap\nid: 1\ndata: {\"from\":1,\"to\":1}\n\n" EVENT(
         "2", "vm.disconnected", ",\"reason\":\"no\\u001b[1m\",\"code\":\"SILENT\""),
     FAKE_STREAM},
    {"GET", "/api/v1/events", 200, EVENT("7", "vm.added", ""), FAKE_STREAM_END},
    {"GET", "/api/v1/events", 200, EVENT("8", "vm.removed", ""), FAKE_STREAM_RESUMED},
    {"GET", "/api/v1/events?vm=none", 404, PROBLEM("NOT_FOUND", "no guest none", "null"), FAKE_ANSWER},
    {"GET", "/api/v1/events?vm=odd", 200, "event: x\nid: 1\ndata: this is no JSON\n\n", FAKE_STREAM},
    {"GET", "/api/v1/events?vm=web", 200,
     EVENT("3", "port.opened", ",\"port\":" PORT_WEB)
         EVENT("4", "forward.opened", ",\"forward\":" FORWARD_WEB),
     FAKE_STREAM},
    {"GET", "/api/v1/events?vm=calm", 200, NULL, FAKE_STREAM_END},
    {"GET", "/api/v1/events?vm=calm&since=0", 200, EVENT("5", "vm.connected", ""), FAKE_STREAM},
    {"GET", "/api/v1/events?vm=mute", 0, NULL, FAKE_HANG},
    {"GET", "/api/v1/vms/web/ports", 200, PORTS_ANSWER, FAKE_ANSWER},
    {"GET", "/api/v1/vms", 200, GUESTS_ANSWER, FAKE_ANSWER},
    {"GET", "/api/v1/vms/hang/ports", 0, NULL, FAKE_HANG},
};

static struct fake_api api;
static struct run run;
static char shown[65536];

#define RUN(...) run_hospes(&run, api.socket, (const char *const[]){__VA_ARGS__, NULL})

static int start(void **state)
{
    fake_api_start(&api, ROUTES, COUNT_OF(ROUTES));
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    shown[0] = '\0';
    return 0;
}

static int stop(void **state)
{
    run_finish(&run);
    fake_api_stop(&api);
    return 0;
}

static void events_prints_the_ring_and_ends(void **state)
{
    RUN("events");
    assert_string_equal(run.err, "");
    assert_int_equal(run.status, 0);
    assert_string_equal(
        run.out,
        "     1  2026-01-31 12:00:00  web           vm.connected    \n"
        "     2  2026-01-31 12:00:00  web           port.opened       tcp 0.0.0.0:80 nginx, forward, "
        "host http://localhost:8080/\n");
}

static void events_since_a_number_of_one_guest(void **state)
{
    RUN("events", "web", "--since", "1", "--json");
    assert_int_equal(run.status, 0);
    assert_string_equal(run.out,
                        "{\"id\":1,\"type\":\"gap\",\"from\":1,\"to\":1}\n"
                        "{\"id\":2,\"type\":\"vm.disconnected\",\"vm\":\"web\",\"time\":"
                        "\"2026-01-31T12:00:00.000Z\",\"reason\":\"no\\u001B[1m\",\"code\":\"SILENT\"}\n");
    run_finish(&run);
    RUN("events", "web", "--since", "1");
    assert_non_null(strstr(run.out, "no\\x1b[1m (SILENT)\n"));
}

static void events_of_an_unknown_guest_fail(void **state)
{
    RUN("events", "none", "--follow");
    assert_int_equal(run.status, 1);
    assert_string_equal(run.err, "hospes: no guest none\n");
}

static void a_stream_that_holds_no_json_is_an_error(void **state)
{
    RUN("events", "odd", "--follow");
    assert_int_equal(run.status, 1);
    assert_non_null(strstr(run.err, "holds what is no event"));
}

static void a_stream_that_never_begins_times_out(void **state)
{
    setenv("HOSPES_TIMEOUT", "1", 1);
    RUN("events", "mute", "--follow");
    unsetenv("HOSPES_TIMEOUT");
    assert_int_equal(run.status, 3);
}

static void follow_resumes_after_a_restart_and_ends_on_sigint(void **state)
{
    int fd = -1;
    pid_t pid =
        run_on_terminal(api.socket, (const char *const[]){"events", "--follow", "--json", NULL}, 200, &fd);
    assert_true(run_terminal_shows(fd, "\"id\":7", shown, sizeof(shown)));
    assert_true(run_terminal_shows(fd, "\"id\":8", shown, sizeof(shown)));
    assert_true(fake_api_was_asked(&api, "GET /api/v1/events last=7"));
    kill(pid, SIGINT);
    assert_int_equal(run_wait(pid), 0);
    close(fd);
}

static void follow_waits_for_a_killed_bridge(void **state)
{
    int fd = -1;
    pid_t pid =
        run_on_terminal(api.socket, (const char *const[]){"events", "web", "--follow", NULL}, 200, &fd);
    assert_true(run_terminal_shows(fd, "forward.opened", shown, sizeof(shown)));
    fake_api_kill(&api);
    assert_true(run_terminal_shows(fd, "went away", shown, sizeof(shown)));
    shown[0] = '\0';
    fake_api_start(&api, ROUTES, COUNT_OF(ROUTES));
    assert_true(run_terminal_shows(fd, "forward.opened", shown, sizeof(shown)));
    assert_true(fake_api_was_asked(&api, "GET /api/v1/events?vm=web last=4"));
    kill(pid, SIGTERM);
    assert_int_equal(run_wait(pid), 0);
    close(fd);
}

static void nothing_is_missed_when_no_event_came_before_the_restart(void **state)
{
    int fd = -1;
    pid_t pid =
        run_on_terminal(api.socket, (const char *const[]){"events", "calm", "--follow", NULL}, 200, &fd);
    assert_true(run_terminal_shows(fd, "vm.connected", shown, sizeof(shown)));
    kill(pid, SIGINT);
    assert_int_equal(run_wait(pid), 0);
    close(fd);
}

static void watch_draws_the_table_over_the_last_one(void **state)
{
    int fd = -1;
    pid_t pid = run_on_terminal(api.socket, (const char *const[]){"ports", "web", "--watch", NULL}, 120, &fd);
    assert_true(run_terminal_shows(fd, "http://localhost:8080/", shown, sizeof(shown)));
    fake_api_kill(&api);
    assert_true(run_terminal_shows(fd, "went away", shown, sizeof(shown)));
    fake_api_start(&api, ROUTES, COUNT_OF(ROUTES));
    assert_true(run_terminal_shows(fd, "\x1b[3A\r\x1b[J", shown, sizeof(shown)));
    kill(pid, SIGINT);
    assert_int_equal(run_wait(pid), 0);
    close(fd);
}

static void watch_into_a_pipe_prints_lines(void **state)
{
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pipe_fds[1], STDOUT_FILENO);
        close(pipe_fds[0]);
        close(pipe_fds[1]);
        setenv("HOSPES_SOCKET", api.socket, 1);
        execl(HOSPES_PROGRAM, HOSPES_PROGRAM, "ports", "web", "--watch", "--json", (char *)NULL);
        _exit(127);
    }
    close(pipe_fds[1]);
    assert_true(run_terminal_shows(pipe_fds[0], "\"type\":\"forward.opened\"", shown, sizeof(shown)));
    assert_memory_equal(shown, "{\"type\":\"snapshot\",\"vm\":\"web\",\"ports\":[{", 40);
    assert_true(run_terminal_shows(pipe_fds[0], "{\"id\":3,\"type\":\"port.opened\"", shown, sizeof(shown)));
    close(pipe_fds[0]); /* nobody reads any more: it ends by itself, without an error */
    assert_int_equal(run_wait(pid), 0);
}

static void a_terminal_gets_colour_unless_it_is_unwanted(void **state)
{
    static const struct {
        const char *variable, *value;
        bool colour;
    } CASES[] = {{"TERM", "xterm", true}, {"NO_COLOR", "1", false}, {"TERM", "dumb", false}};
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        int fd = -1;
        setenv(CASES[i].variable, CASES[i].value, 1);
        pid_t pid = run_on_terminal(api.socket, (const char *const[]){"vms", NULL}, 200, &fd);
        shown[0] = '\0';
        run_terminal_shows(fd, "nothing that it would ever print", shown, sizeof(shown));
        assert_int_equal(run_wait(pid), 0);
        assert_non_null(strstr(shown, "web-1"));
        assert_true((strstr(shown, "\x1b[32m") != NULL) == CASES[i].colour);
        close(fd);
    }
}

static void lines_are_cut_to_the_width_of_the_terminal(void **state)
{
    int fd = -1;
    setenv("NO_COLOR", "1", 1);
    pid_t pid = run_on_terminal(api.socket, (const char *const[]){"vms", NULL}, 60, &fd);
    run_terminal_shows(fd, "nothing that it would ever print", shown, sizeof(shown));
    assert_int_equal(run_wait(pid), 0);
    assert_non_null(strstr(shown, "…"));
    char *rest = shown;
    for (char *line; (line = strsep(&rest, "\r\n")) != NULL;)
        assert_true(escape_width(line) <= 60);
    close(fd);
}

static void a_long_wait_shows_progress_and_sigint_ends_it(void **state)
{
    int fd = -1;
    pid_t pid = run_on_terminal(api.socket, (const char *const[]){"ports", "hang", NULL}, 80, &fd);
    assert_true(run_terminal_shows(fd, "waiting for an answer", shown, sizeof(shown)));
    kill(pid, SIGINT);
    assert_int_equal(run_wait(pid), 128 + SIGINT);
    close(fd);
}

static void a_full_disk_is_an_error(void **state)
{
    pid_t pid = fork();
    if (pid == 0) {
        setenv("HOSPES_SOCKET", api.socket, 1);
        if (freopen("/dev/full", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL)
            _exit(127);
        execl(HOSPES_PROGRAM, HOSPES_PROGRAM, "vms", (char *)NULL);
        _exit(127);
    }
    assert_int_equal(run_wait(pid), 1);
}

static void a_reader_that_left_is_no_error(void **state)
{
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    close(pipe_fds[0]);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pipe_fds[1], STDOUT_FILENO);
        setenv("HOSPES_SOCKET", api.socket, 1);
        execl(HOSPES_PROGRAM, HOSPES_PROGRAM, "vms", (char *)NULL);
        _exit(127);
    }
    close(pipe_fds[1]);
    assert_int_equal(run_wait(pid), 0);
}

static bool hear_nothing(void *ctx, const char *type, const char *id, const json_t *data)
{
    return true;
}

static void a_bridge_that_stays_away_is_given_up(void **state)
{
    char socket_path[] = "/nonexistent/api.sock";
    struct client_options options = {.socket_path = socket_path, .timeout_ms = 1000};
    struct event_stream stream = {.follow = true, .patience_ms = 300, .on_event = hear_nothing};
    char *said = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&said, &size);
    struct cli cli = {.out = memory, .err = memory, .client = client_create(&options)};
    uint64_t begun = clock_monotonic_ms();
    assert_int_equal(event_stream_run(&cli, &stream), CLI_UNREACHABLE);
    assert_true(clock_monotonic_ms() - begun >= 300);
    client_destroy(cli.client);
    fclose(memory);
    assert_non_null(strstr(said, "the bridge does not run"));
    free(said);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_bridge_that_stays_away_is_given_up),
        TEST(events_prints_the_ring_and_ends),
        TEST(events_since_a_number_of_one_guest),
        TEST(events_of_an_unknown_guest_fail),
        TEST(a_stream_that_holds_no_json_is_an_error),
        TEST(a_stream_that_never_begins_times_out),
        TEST(follow_resumes_after_a_restart_and_ends_on_sigint),
        TEST(follow_waits_for_a_killed_bridge),
        TEST(nothing_is_missed_when_no_event_came_before_the_restart),
        TEST(watch_draws_the_table_over_the_last_one),
        TEST(watch_into_a_pipe_prints_lines),
        TEST(a_terminal_gets_colour_unless_it_is_unwanted),
        TEST(lines_are_cut_to_the_width_of_the_terminal),
        TEST(a_long_wait_shows_progress_and_sigint_ends_it),
        TEST(a_full_disk_is_an_error),
        TEST(a_reader_that_left_is_no_error),
    };
    setenv("TZ", "UTC", 1);
    escape_init_locale();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
