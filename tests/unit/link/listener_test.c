/* SPDX-License-Identifier: MIT */
/* Where the agent listens: socket files and their rights, serial devices that come back, descriptors that run
 * out. */
#include "protocol/link/listener.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "tests/unit/link/link_fixture.h"

static struct listener *listener;
static struct probe probes[8];
static size_t streams, refusals;
static char control_path[96], events_path[96], problem[TEXT_REASON_MAX + 1];

static void on_stream(void *ctx, struct stream *stream)
{
    assert_true(streams < 8);
    probe_init(&probes[streams++], stream);
}

static void on_refused(void *ctx, const char *who)
{
    refusals++;
}

static void on_end(void *ctx, int status, const char *text)
{
    fail();
}

static const struct listener_handler HANDLER = {
    .on_stream = on_stream, .on_refused = on_refused, .on_end = on_end};

static int setup(void **state)
{
    link_fixture_setup(state);
    listener = NULL;
    streams = refusals = 0;
    make_path(control_path, sizeof(control_path), "control");
    make_path(events_path, sizeof(events_path), "events");
    return 0;
}

static void stop(void)
{
    if (listener != NULL)
        listener_close(listener);
    listener = NULL;
}

static int teardown(void **state)
{
    stop();
    for (size_t i = 0; i < streams; i++)
        probe_finish(&probes[i]);
    return link_fixture_teardown(state);
}

static int start(const char *format, const char *first, const char *second)
{
    char text[300];
    struct link_spec spec;
    struct listener_options options = {0};
    snprintf(text, sizeof(text), "%s%s%s%s", format, first, second[0] != '\0' ? "," : "", second);
    assert_int_equal(link_spec_parse_listen(text, &spec, problem), 0);
    return listener_create(&loop, &spec, &options, &HANDLER, NULL, &listener, problem);
}

static void both_sockets_take_streams_and_are_ours_alone(void **state)
{
    assert_int_equal(start("unix:", control_path, events_path), 0);
    struct stat info;
    const char *const paths[] = {control_path, events_path};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(stat(paths[i], &info), 0);
        assert_int_equal(info.st_mode & 07777, 0600);
        struct peer peer;
        peer_init(&peer, connect_unix(paths[i]));
        peer_write_frame(&peer, FRAME_MESSAGE, "hi", 2);
        RUN_UNTIL(streams == i + 1 && probes[i].frames == 1);
        peer_finish(&peer);
        RUN_UNTIL(probes[i].ends == 1);
    }
    assert_true(wakeups_within(50) < 5);
    stop();
    assert_true(access(control_path, F_OK) < 0);
    assert_true(access(events_path, F_OK) < 0);
}

static void a_stale_socket_is_replaced(void **state)
{
    close(listen_unix(control_path));
    assert_int_equal(start("unix:", control_path, ""), 0);
    close(connect_unix(control_path));
    RUN_UNTIL(streams == 1);
}

static void a_live_socket_and_other_files_are_left_alone(void **state)
{
    int live = listen_unix(events_path);
    assert_int_equal(start("unix:", control_path, events_path), UV_EADDRINUSE);
    assert_non_null(strstr(problem, events_path));
    assert_true(access(control_path, F_OK) < 0); /* the half that was made is gone */
    close(connect_unix(events_path));            /* the other one still is */
    close(live);
    int file = open(control_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_equal(write(file, "precious", 8), 8);
    close(file);
    assert_int_equal(start("unix:", control_path, ""), UV_EADDRINUSE);
    struct stat info;
    assert_int_equal(stat(control_path, &info), 0);
    assert_int_equal(info.st_size, 8);
    assert_int_equal(start("unix:", "/nonexistent/socket", ""), UV_ENOENT);
}

static void tcp_is_refused(void **state)
{
    assert_int_equal(start("tcp:", "127.0.0.1:5002", ""), STATUS_NEEDS_AUTHENTICATION);
}

static void a_serial_listener_follows_its_socket(void **state)
{
    int host = listen_unix(control_path);
    assert_int_equal(start("serial:", control_path, ""), 0);
    for (int round = 0; round < 2; round++) { /* the second time it has opened it again by itself */
        int fd = -1;
        RUN_UNTIL((fd = accept4(host, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
        close(fd);
    }
    close(host);
    assert_int_equal(streams, 0);
    assert_true(wakeups_within(100) < 10);
}

static void a_serial_device_that_is_not_there_is_told(void **state)
{
    assert_int_equal(start("serial:", "/nonexistent/port", ""), UV_ENOENT);
    assert_non_null(strstr(problem, "/nonexistent/port"));
}

static void without_descriptors_clients_are_turned_away_and_nothing_spins(void **state)
{
    assert_int_equal(start("unix:", control_path, ""), 0);
    struct peer first, late;
    peer_init(&first, connect_unix(control_path)); /* in the queue, not accepted */
    peer_init(&late, connect_unix(control_path));
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit = before;
    limit.rlim_cur = 64;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    int hogs[64], count = 0;
    while ((hogs[count] = dup(STDERR_FILENO)) >= 0)
        count++;
    RUN_UNTIL(refusals == 2);
    assert_true(wakeups_within(50) < 10);
    assert_int_equal(streams, 0);
    while (count > 0)
        close(hogs[--count]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    RUN_UNTIL((peer_read(&first), peer_read(&late), first.eof && late.eof));
    close(connect_unix(control_path));
    RUN_UNTIL(streams == 1);
    peer_finish(&first);
    peer_finish(&late);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_sockets_take_streams_and_are_ours_alone),
        TEST(a_stale_socket_is_replaced),
        TEST(a_live_socket_and_other_files_are_left_alone),
        TEST(tcp_is_refused),
        TEST(a_serial_listener_follows_its_socket),
        TEST(a_serial_device_that_is_not_there_is_told),
        TEST(without_descriptors_clients_are_turned_away_and_nothing_spins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
