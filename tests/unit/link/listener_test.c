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
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "protocol/link/mux_link.h"
#include "tests/unit/link/link_fixture.h"

static struct listener *listener;
static struct probe probes[8];
static size_t streams, refusals;
static struct listener_peer last_peer;
static char refused_who[64];
static char control_path[96], events_path[96], problem[TEXT_REASON_MAX + 1];

static void on_stream(void *ctx, struct stream *stream, const struct listener_peer *peer)
{
    assert_true(streams < 8);
    last_peer = *peer;
    probe_init(&probes[streams++], stream);
}

static void on_refused(void *ctx, enum link_kind kind, const char *who)
{
    assert_int_equal(kind, LINK_UNIX);
    snprintf(refused_who, sizeof(refused_who), "%s", who);
    refusals++;
}

static void on_end(void *ctx, int status, const char *text)
{
    fail();
}

static const struct listener_handler HANDLER = {
    .on_stream = on_stream, .on_refused = on_refused, .on_end = on_end};

static void on_mux_end(void *ctx, int status, const char *text) {}

static const struct mux_link_handler MUX_HANDLER = {.on_end = on_mux_end};

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

/* Another process connects: as another user, where this one may make it one. Returns its pid. */
static pid_t connect_as(uid_t uid)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        snprintf(address.sun_path, sizeof(address.sun_path), "%s", control_path);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        bool fine = (geteuid() != 0 || setresuid(uid, uid, uid) == 0) &&
                    connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
        char c;
        while (fine && read(fd, &c, 1) > 0) /* until it is closed there */
            continue;
        _exit(fine ? 0 : 1);
    }
    return pid;
}

static void peers_are_known_by_their_credentials(void **state)
{
    static const uid_t OTHER = 54321;
    bool may_change = geteuid() == 0;
    assert_int_equal(start("unix:", control_path, ""), 0);
    close(connect_unix(control_path));
    RUN_UNTIL(streams == 1);
    char who[64];
    snprintf(who, sizeof(who), "uid %u (pid %d)", (unsigned)geteuid(), (int)getpid());
    assert_string_equal(last_peer.who, who);
    assert_int_equal(last_peer.kind, LINK_UNIX);
    assert_true(last_peer.is_private);
    assert_int_equal(chmod(directory, 0711), 0);
    assert_int_equal(chmod(control_path, 0666), 0); /* somebody was careless */
    pid_t pid = connect_as(OTHER);
    snprintf(who, sizeof(who), "uid %u (pid %d)", (unsigned)(may_change ? OTHER : geteuid()), (int)pid);
    if (may_change) {
        RUN_UNTIL(refusals == 1);
        assert_string_equal(refused_who, who);
        assert_int_equal(streams, 1);
    } else {
        RUN_UNTIL(streams == 2);
        assert_string_equal(last_peer.who, who);
        probe_close(&probes[1]);
    }
    int result = -1;
    assert_int_equal(waitpid(pid, &result, 0), pid);
    assert_int_equal(result, 0);
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

static void streams_of_a_serial_socket_say_who_listens_there(void **state)
{
    int host = listen_unix(control_path), fd = -1;
    assert_int_equal(start("serial:", control_path, ""), 0);
    RUN_UNTIL((fd = accept4(host, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
    struct mux_link_options options = {.side = MUX_DIALER};
    struct mux_link *mux;
    struct stream *stream;
    struct probe probe;
    assert_int_equal(mux_link_create(&loop, fd, fd, &options, &MUX_HANDLER, NULL, &mux), 0);
    assert_int_equal(mux_link_open(mux, &stream), 0);
    probe_init(&probe, stream);
    assert_int_equal(stream_send(stream, FRAME_MESSAGE, span_of_text("hi")), 0);
    RUN_UNTIL(streams == 1 && probes[0].frames == 1);
    char who[64];
    snprintf(who, sizeof(who), "uid %u (pid %d)", (unsigned)geteuid(), (int)getpid());
    assert_string_equal(last_peer.who, who);
    assert_int_equal(last_peer.kind, LINK_SERIAL);
    assert_true(last_peer.is_private);
    probe_finish(&probe);
    mux_link_close(mux);
    close(host);
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
        TEST(peers_are_known_by_their_credentials),
        TEST(streams_of_a_serial_socket_say_who_listens_there),
        TEST(a_serial_listener_follows_its_socket),
        TEST(a_serial_device_that_is_not_there_is_told),
        TEST(without_descriptors_clients_are_turned_away_and_nothing_spins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
