/* SPDX-License-Identifier: MIT */
/* agent/features/ports/port_watch on this machine's kernel: each tier, as root (in a network namespace of its
 * own) and as nobody. HOSPES_TEST_WITHOUT_PERF=1 puts T1 in the place of T0 where the machine has no tracing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/agent/watch_fixture.h"

#define TEST_NAME    "agent_port_watch_test"
#define NOBODY       65534
#define FOREIGN_PORT 24680
#define OWN_PORT     24681

static bool private_network;

static bool without_perf(void)
{
    const char *value = getenv("HOSPES_TEST_WITHOUT_PERF");
    return value != NULL && strcmp(value, "1") == 0;
}

/* The prestate of a test is its mode. */
static struct watch_mode mode_of(void **state)
{
    struct watch_mode mode = *(const struct watch_mode *)*state;
    if (mode.tier == PORT_TIER_T0 && without_perf())
        mode = (struct watch_mode){.tier = PORT_TIER_T1};
    return mode;
}

struct expectation {
    uint8_t protocol;
    const char *address;
    uint16_t port;
    int32_t pid; /* 0 = any, but known */
};

static bool is_known_with_process(const struct watch_fixture *fixture, const void *argument)
{
    const struct expectation *expected = argument;
    const struct port_fact *fact =
        fixture_find(fixture, expected->protocol, expected->address, expected->port);
    return fact != NULL && fact->pid != 0 && (expected->pid == 0 || fact->pid == expected->pid);
}

static bool is_gone(const struct watch_fixture *fixture, const void *argument)
{
    const struct expectation *expected = argument;
    return fixture_find(fixture, expected->protocol, expected->address, expected->port) == NULL;
}

static bool has_count(const struct watch_fixture *fixture, const void *argument)
{
    return fixture->count == *(const size_t *)argument;
}

static void listener_is_reported_with_its_process(void **state)
{
    struct watch_fixture *fixture = fixture_create(mode_of(state), NULL, 0);
    struct expectation expected = {PORT_TCP, "127.0.0.1", 0, getpid()};
    int fd = fixture_listen(PORT_TCP, "127.0.0.1", 0, false, &expected.port);
    fixture_wait(fixture, is_known_with_process, &expected);
    const struct port_fact *fact = fixture_find(fixture, PORT_TCP, "127.0.0.1", expected.port);
    assert_string_equal(fact->name, TEST_NAME);
    assert_non_null(strstr(fact->command, TEST_NAME));
    assert_int_equal(fact->uid, getuid());
    assert_false(fact->v6only);
    assert_true(fact->age_ms < 15000);
    close(fd);
    fixture_wait(fixture, is_gone, &expected);
    fixture_destroy(fixture);
}

static void last_close_leaves_an_empty_set(void **state)
{
    struct watch_fixture *fixture = fixture_create(mode_of(state), NULL, 0);
    size_t before = fixture->count;
    size_t more = before + 2;
    if (private_network)
        assert_int_equal(before, 0);
    int first = fixture_listen(PORT_TCP, "127.0.0.1", 0, false, NULL);
    int second = fixture_listen(PORT_TCP, "::1", 0, false, NULL);
    fixture_wait(fixture, has_count, &more);
    close(first);
    close(second);
    fixture_wait(fixture, has_count, &before);
    fixture_take_snapshot(fixture);
    assert_int_equal(fixture->count, before);
    fixture_destroy(fixture);
}

static void dual_stack_and_v6only_are_told_apart(void **state)
{
    struct watch_fixture *fixture = fixture_create(mode_of(state), NULL, 0);
    struct expectation dual = {PORT_TCP, "::", 0, getpid()};
    struct expectation only = {PORT_TCP, "::", 0, getpid()};
    int dual_fd = fixture_listen(PORT_TCP, "::", 0, false, &dual.port);
    int only_fd = fixture_listen(PORT_TCP, "::", 0, true, &only.port);
    fixture_wait(fixture, is_known_with_process, &dual);
    fixture_wait(fixture, is_known_with_process, &only);
    assert_false(fixture_find(fixture, PORT_TCP, "::", dual.port)->v6only);
    assert_true(fixture_find(fixture, PORT_TCP, "::", only.port)->v6only);
    close(dual_fd);
    close(only_fd);
    fixture_wait(fixture, is_gone, &dual);
    fixture_wait(fixture, is_gone, &only);
    fixture_destroy(fixture);
}

/* Where the kernel does not tell of ended UDP sockets, the heartbeat finds them. */
static void wait_for_udp_close(struct watch_fixture *fixture, const struct expectation *expected)
{
    if (strstr(port_watch_tier_text(fixture->watch), "UDP at heartbeats") != NULL)
        port_watch_check(fixture->watch);
    fixture_wait(fixture, is_gone, expected);
}

static void udp_is_reported_and_its_close(void **state)
{
    struct watch_fixture *fixture = fixture_create(mode_of(state), NULL, 0);
    struct expectation expected = {PORT_UDP, "127.0.0.1", (uint16_t)(20000 + getpid() % 4000), getpid()};
    int fd = fixture_listen(PORT_UDP, "127.0.0.1", expected.port, false, NULL);
    fixture_wait(fixture, is_known_with_process, &expected);
    assert_string_equal(fixture_find(fixture, PORT_UDP, "127.0.0.1", expected.port)->name, TEST_NAME);
    close(fd);
    wait_for_udp_close(fixture, &expected);
    fixture_destroy(fixture);
}

static void ephemeral_udp_is_reported_once_it_has_lived(void **state)
{
    struct watch_fixture *fixture = fixture_create(mode_of(state), NULL, 0);
    struct expectation expected = {PORT_UDP, "127.0.0.1", 0, getpid()};
    int fd = fixture_listen(PORT_UDP, "127.0.0.1", 0, false, &expected.port);
    fixture_wait(fixture, is_known_with_process, &expected);
    assert_true(fixture_find(fixture, PORT_UDP, "127.0.0.1", expected.port)->age_ms >= 1000);
    close(fd);
    wait_for_udp_close(fixture, &expected);
    fixture_destroy(fixture);
}

static void what_listened_before_is_in_the_snapshot_and_in_no_delta(void **state)
{
    struct expectation expected = {PORT_TCP, "127.0.0.1", 0, getpid()};
    struct expectation later = {PORT_TCP, "127.0.0.1", 0, getpid()};
    int fd = fixture_listen(PORT_TCP, "127.0.0.1", 0, false, &expected.port);
    struct watch_fixture *fixture = fixture_create(mode_of(state), NULL, 0);
    assert_non_null(fixture_find(fixture, PORT_TCP, "127.0.0.1", expected.port));
    fixture_wait(fixture, is_known_with_process, &expected);
    fixture->count = 0; /* deltas alone from here on */
    int later_fd = fixture_listen(PORT_TCP, "127.0.0.1", 0, false, &later.port);
    fixture_wait(fixture, is_known_with_process, &later);
    assert_null(fixture_find(fixture, PORT_TCP, "127.0.0.1", expected.port));
    close(later_fd);
    fixture_wait(fixture, is_gone, &later);
    fixture_destroy(fixture);
    close(fd);
}

/* A server in another process, which ends when the pipe closes. Told its port by *ret_port. */
static pid_t start_server(uint16_t port, bool foreign_network, int *ret_end, uint16_t *ret_port)
{
    int end[2];
    int told[2];
    assert_int_equal(pipe(end), 0);
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char byte;
        close(end[1]);
        if (foreign_network && unshare(CLONE_NEWNET) < 0)
            _exit(1);
        (void)fixture_listen(PORT_TCP, "0.0.0.0", port, false, &port);
        if (write(told[1], &port, sizeof(port)) != sizeof(port))
            _exit(1);
        (void)!read(end[0], &byte, 1);
        _exit(0);
    }
    close(end[0]);
    close(told[1]);
    assert_int_equal(read(told[0], ret_port, sizeof(*ret_port)), sizeof(*ret_port));
    close(told[0]);
    *ret_end = end[1];
    return child;
}

static void end_server(pid_t child, int end)
{
    close(end);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void server_that_restarts_is_reported_with_its_new_process(void **state)
{
    struct watch_fixture *fixture = fixture_create(mode_of(state), NULL, 0);
    struct expectation expected = {PORT_TCP, "0.0.0.0", 0, 0};
    int end;
    expected.pid = start_server(0, false, &end, &expected.port);
    fixture_wait(fixture, is_known_with_process, &expected);
    end_server(expected.pid, end);
    expected.pid = start_server(expected.port, false, &end, &expected.port);
    fixture_wait(fixture, is_known_with_process, &expected);
    end_server(expected.pid, end);
    fixture_wait(fixture, is_gone, &expected);
    fixture_destroy(fixture);
}

static void listener_in_another_network_namespace_is_not_reported(void **state)
{
    struct watch_fixture *fixture = fixture_create(mode_of(state), NULL, 0);
    struct expectation marker = {PORT_TCP, "127.0.0.1", 0, getpid()};
    uint16_t foreign;
    int end;
    pid_t child = start_server(FOREIGN_PORT, true, &end, &foreign);
    int fd = fixture_listen(PORT_TCP, "127.0.0.1", 0, false, &marker.port);
    fixture_wait(fixture, is_known_with_process, &marker);
    assert_null(fixture_find(fixture, PORT_TCP, "0.0.0.0", foreign));
    end_server(child, end);
    close(fd);
    fixture_wait(fixture, is_gone, &marker);
    fixture_destroy(fixture);
}

static void own_ports_are_not_reported(void **state)
{
    static const uint16_t OWN[] = {OWN_PORT};
    struct watch_fixture *fixture = fixture_create(mode_of(state), OWN, 1);
    struct expectation marker = {PORT_TCP, "127.0.0.1", 0, getpid()};
    int own = fixture_listen(PORT_TCP, "127.0.0.1", OWN_PORT, false, NULL);
    int fd = fixture_listen(PORT_TCP, "127.0.0.1", 0, false, &marker.port);
    fixture_wait(fixture, is_known_with_process, &marker);
    assert_null(fixture_find(fixture, PORT_TCP, "127.0.0.1", OWN_PORT));
    close(own);
    close(fd);
    fixture_wait(fixture, is_gone, &marker);
    fixture_destroy(fixture);
}

static void storm_ends_with_the_truth(void **state)
{
    struct watch_fixture *fixture = fixture_create(mode_of(state), NULL, 0);
    size_t before = fixture->count;
    int fds[200];
    for (size_t i = 0; i < 200; i++) {
        fds[i] = fixture_listen(PORT_TCP, "127.0.0.1", 0, false, NULL);
        if (i % 10 == 0)
            uv_run(&fixture->loop, UV_RUN_NOWAIT);
        if (i % 2 == 0) {
            close(fds[i]);
            fds[i] = -1;
        }
    }
    size_t expected = before + 100;
    fixture_wait(fixture, has_count, &expected);
    for (size_t i = 0; i < 200; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    fixture_wait(fixture, has_count, &before);
    fixture_destroy(fixture);
}

static bool is_closed_by_delta(const struct watch_fixture *fixture, const void *argument)
{
    return fixture->watch == NULL && fixture->closed;
}

static void watch_may_be_closed_from_its_own_news(void **state)
{
    struct watch_fixture *fixture = fixture_create(mode_of(state), NULL, 0);
    fixture->close_on_delta = true;
    int fd = fixture_listen(PORT_TCP, "127.0.0.1", 0, false, NULL);
    fixture_wait(fixture, is_closed_by_delta, NULL);
    assert_int_equal(fixture->deltas, 1);
    close(fd);
    fixture_destroy(fixture);
}

static void heartbeats_change_nothing_that_is_true(void **state)
{
    struct watch_fixture *fixture = fixture_create(mode_of(state), NULL, 0);
    struct expectation expected = {PORT_TCP, "127.0.0.1", 0, getpid()};
    int fd = fixture_listen(PORT_TCP, "127.0.0.1", 0, false, &expected.port);
    fixture_wait(fixture, is_known_with_process, &expected);
    size_t deltas = fixture->deltas;
    for (int i = 0; i < 10; i++)
        port_watch_check(fixture->watch);
    assert_int_equal(fixture->deltas, deltas);
    close(fd);
    fixture_wait(fixture, is_gone, &expected);
    fixture_destroy(fixture);
}

static void find_active_timer(uv_handle_t *handle, void *ctx)
{
    const struct watch_fixture *fixture = handle->loop->data;
    if (handle->type == UV_TIMER && handle != (const uv_handle_t *)&fixture->deadline && uv_is_active(handle))
        *(bool *)ctx = true;
}

static bool has_no_timer(const struct watch_fixture *fixture, const void *argument)
{
    bool active = false;
    uv_walk((uv_loop_t *)(uintptr_t)&fixture->loop, find_active_timer, &active);
    return !active;
}

/* Once is enough: a check that finds other processes' ports changed may start one. */
static bool has_no_timer_after_a_check(const struct watch_fixture *fixture, const void *argument)
{
    port_watch_check(fixture->watch);
    return has_no_timer(fixture, argument);
}

static void idle_tracepoint_watch_has_no_timer(void **state)
{
    if (without_perf())
        return; /* asked for: T1 polls by its nature */
    struct watch_fixture *fixture = fixture_create((struct watch_mode){.tier = PORT_TIER_T0}, NULL, 0);
    struct expectation expected = {PORT_TCP, "127.0.0.1", 0, getpid()};
    fixture->loop.data = fixture;
    int fd = fixture_listen(PORT_TCP, "127.0.0.1", 0, false, &expected.port);
    fixture_wait(fixture, is_known_with_process, &expected);
    fixture_wait(fixture, has_no_timer, NULL);
    fixture_wait(fixture, has_no_timer_after_a_check, NULL);
    close(fd);
    fixture_wait(fixture, is_gone, &expected);
    fixture_destroy(fixture);
}

static void best_tier_is_taken_and_explained(void **state)
{
    struct watch_fixture *fixture = fixture_create((struct watch_mode){.tier = PORT_TIER_AUTO}, NULL, 0);
    const char *text = port_watch_tier_text(fixture->watch);
    bool traces = getuid() == 0 && !without_perf();
    if (traces) {
        assert_int_equal(port_watch_tier(fixture->watch), PORT_TIER_T0);
        assert_memory_equal(text, "tracepoint", strlen("tracepoint"));
    } else if (!without_perf()) {
        assert_int_equal(port_watch_tier(fixture->watch), PORT_TIER_T1);
        assert_string_equal(text, "polling: tracing needs root or CAP_PERFMON");
    } else {
        assert_true(strlen(text) > strlen("polling: "));
    }
    assert_int_equal(port_watch_left_out(fixture->watch), 0);
    fixture_destroy(fixture);
}

static void watch_that_is_not_there_closes_at_once(void **state)
{
    port_watch_close(NULL, NULL, NULL);
}

/* 3: a kernel that traces but has no tcp_diag and udp_diag */
static struct watch_mode modes[] = {
    {.tier = PORT_TIER_T0}, {.tier = PORT_TIER_T1}, {.tier = PORT_TIER_T2}, {PORT_TIER_T0, true}};

#define tier_test(test, tier)                                                                                \
    {                                                                                                        \
#test " T" #tier, test, NULL, NULL, &modes[tier]                                                     \
    }

#define TIER_TESTS(tier)                                                                                     \
    tier_test(listener_is_reported_with_its_process, tier), tier_test(last_close_leaves_an_empty_set, tier), \
        tier_test(dual_stack_and_v6only_are_told_apart, tier),                                               \
        tier_test(udp_is_reported_and_its_close, tier),                                                      \
        tier_test(ephemeral_udp_is_reported_once_it_has_lived, tier),                                        \
        tier_test(what_listened_before_is_in_the_snapshot_and_in_no_delta, tier),                            \
        tier_test(server_that_restarts_is_reported_with_its_new_process, tier),                              \
        tier_test(own_ports_are_not_reported, tier), tier_test(storm_ends_with_the_truth, tier),             \
        tier_test(watch_may_be_closed_from_its_own_news, tier),                                              \
        tier_test(heartbeats_change_nothing_that_is_true, tier)

static int run_as_root(void)
{
    const struct CMUnitTest tests[] = {
        TIER_TESTS(0),
        TIER_TESTS(1),
        TIER_TESTS(2),
        TIER_TESTS(3),
        tier_test(listener_in_another_network_namespace_is_not_reported, 0),
        tier_test(listener_in_another_network_namespace_is_not_reported, 1),
        tier_test(listener_in_another_network_namespace_is_not_reported, 2),
        cmocka_unit_test(idle_tracepoint_watch_has_no_timer),
        cmocka_unit_test(best_tier_is_taken_and_explained),
    };
    return cmocka_run_group_tests_name("as root", tests, NULL, NULL);
}

static int run_as_nobody(void)
{
    const struct CMUnitTest tests[] = {
        TIER_TESTS(1),
        TIER_TESTS(2),
        cmocka_unit_test(best_tier_is_taken_and_explained),
        cmocka_unit_test(watch_that_is_not_there_closes_at_once),
    };
    return cmocka_run_group_tests_name("without privilege", tests, NULL, NULL);
}

/* In a child, since there is no way back. */
static int run_without_privilege(void)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0 ||
            prctl(PR_SET_DUMPABLE, 1) < 0)
            exit(99);
        exit(run_as_nobody() != 0);
    }
    int status = 1;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(void)
{
    if (getuid() != 0)
        return run_as_nobody();
    private_network = fixture_enter_private_network();
    if (!private_network) {
        fprintf(stderr, "root, but no network namespace of its own\n");
        return 1;
    }
    int failed = run_as_root();
    return run_without_privilege() + failed;
}
