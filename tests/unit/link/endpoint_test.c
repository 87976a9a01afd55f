/* SPDX-License-Identifier: MIT */
/* How an endpoint prepares a tcp link, and what it says of the privacy of each kind. */
#include "protocol/link/endpoint.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "tests/unit/link/link_fixture.h"
#include "tests/unit/link/tcp_fixture.h"

static struct endpoint *endpoint;
static struct {
    size_t count;
    int status;
    char text[TEXT_REASON_MAX + 1];
    bool close_within;
} ready;
static size_t closed;
static struct probe probes[4];
static size_t probe_count;
static char socket_path[96];

static void on_lost(void *ctx, int status, const char *text) {}

static void on_closed(void *ctx)
{
    closed++;
}

static void stop(void)
{
    while (probe_count > 0)
        probe_finish(&probes[--probe_count]);
    if (endpoint == NULL)
        return;
    closed = 0;
    endpoint_close(endpoint, on_closed, NULL);
    endpoint = NULL;
    assert_int_equal(closed, 0);
}

static void on_ready(void *ctx, int status, const char *text)
{
    assert_ptr_equal(ctx, &ready);
    ready.count++;
    ready.status = status;
    snprintf(ready.text, sizeof(ready.text), "%s", text);
    if (ready.close_within)
        stop();
}

static int setup(void **state)
{
    link_fixture_setup(state);
    memset(&ready, 0, sizeof(ready));
    make_path(socket_path, sizeof(socket_path), "socket");
    return 0;
}

static int teardown(void **state)
{
    bool was_open = endpoint != NULL;
    stop();
    if (was_open)
        RUN_UNTIL(closed == 1);
    return link_fixture_teardown(state);
}

static void create(const char *link)
{
    struct link_spec spec;
    char problem[TEXT_REASON_MAX + 1] = "";
    if (link_spec_parse_dial(link, &spec, problem) < 0)
        fail_msg("%s", problem);
    assert_int_equal(endpoint_create(&loop, &spec, on_lost, NULL, &endpoint), 0);
}

static void create_tcp(const char *host, uint16_t control, uint16_t events)
{
    char link[128];
    snprintf(link, sizeof(link), "tcp:%s:%u:%u", host, control, events);
    create(link);
}

static void prepare(void)
{
    uv_update_time(&uv);
    assert_int_equal(endpoint_prepare(endpoint, on_ready, &ready), 0);
    assert_int_equal(ready.count, 0);
}

static struct probe *open_stream(enum endpoint_port port)
{
    struct stream *stream;
    assert_int_equal(endpoint_open(endpoint, port, &stream), 0);
    probe_init(&probes[probe_count], stream);
    assert_int_equal(stream_send(stream, FRAME_MESSAGE, span_of_text("hello")), 0);
    return &probes[probe_count++];
}

static void expect_hello(int listener)
{
    struct peer peer;
    struct frame_header header;
    struct buffer payload;
    peer_init(&peer, accept_tcp(listener));
    RUN_UNTIL(peer_take_frame(&peer, &header, &payload));
    assert_true(span_equals(buffer_span(&payload), span_of_text("hello")));
    buffer_finish(&payload);
    peer_finish(&peer);
}

static void assert_nobody_waits(int listener)
{
    assert_true(accept(listener, NULL, NULL) < 0);
}

/* ---- tcp ---- */

static void a_prepared_link_uses_its_connection_and_then_its_address(void **state)
{
    struct tcp_address control, events;
    int control_listener = listen_tcp("127.0.0.1", &control),
        events_listener = listen_tcp("127.0.0.1", &events);
    create_tcp("localhost", port_of(&control), port_of(&events));
    assert_true(endpoint_has_events_port(endpoint));
    prepare();
    RUN_UNTIL(ready.count == 1);
    assert_int_equal(ready.status, 0);
    assert_string_equal(ready.text, "");
    open_stream(ENDPOINT_CONTROL);
    expect_hello(control_listener); /* the connection that found the address is this one */
    assert_nobody_waits(control_listener);
    open_stream(ENDPOINT_EVENTS);
    expect_hello(events_listener);
    open_stream(ENDPOINT_CONTROL);
    expect_hello(control_listener);
    assert_false(endpoint_is_private(endpoint));
    close(control_listener);
    close(events_listener);
}

static void an_ipv6_address_with_one_port_for_everything(void **state)
{
    struct tcp_address address;
    int listener = listen_tcp("::1", &address);
    create_tcp("[::1]", port_of(&address), port_of(&address));
    assert_false(endpoint_has_events_port(endpoint));
    prepare();
    RUN_UNTIL(ready.count == 1);
    assert_int_equal(ready.status, 0);
    for (size_t i = 0; i < 3; i++) {
        open_stream(ENDPOINT_CONTROL);
        expect_hello(listener);
    }
    close(listener);
}

static void an_agent_that_is_gone_since_ends_the_next_stream(void **state)
{
    struct tcp_address address;
    int listener = listen_tcp("127.0.0.1", &address);
    create_tcp("127.0.0.1", port_of(&address), port_of(&address));
    prepare();
    RUN_UNTIL(ready.count == 1);
    open_stream(ENDPOINT_CONTROL);
    close(listener);
    struct probe *late = open_stream(ENDPOINT_CONTROL);
    RUN_UNTIL(late->ends == 1);
    assert_int_equal(late->end_status, UV_ECONNREFUSED);
    RUN_UNTIL(probes[0].ends == 1);
}

static void what_does_not_answer_is_told_and_opens_nothing(void **state)
{
    struct tcp_address address = refusing_address();
    struct stream *stream;
    char text[TCP_ADDRESS_TEXT_SIZE];
    tcp_address_format(&address, text, sizeof(text));
    create_tcp("127.0.0.1", port_of(&address), 1);
    assert_int_equal(endpoint_open(endpoint, ENDPOINT_CONTROL, &stream), STATUS_NOT_CONNECTED);
    prepare();
    RUN_UNTIL(ready.count == 1);
    assert_int_equal(ready.status, UV_ECONNREFUSED);
    assert_string_equal(ready.text, text);
    assert_string_equal(status_text(ready.status), "connection refused");
    assert_int_equal(endpoint_open(endpoint, ENDPOINT_CONTROL, &stream), STATUS_NOT_CONNECTED);
}

static void a_reset_begins_anew(void **state)
{
    struct tcp_address address;
    int listener = listen_tcp("127.0.0.1", &address);
    create_tcp("127.0.0.1", port_of(&address), port_of(&address));
    for (size_t i = 0; i < 3; i++) { /* before it answers */
        prepare();
        if (i > 0)
            uv_run(&uv, UV_RUN_NOWAIT);
        endpoint_reset(endpoint);
        ready.count = 0;
    }
    assert_true(wakeups_within(20) < 10);
    assert_int_equal(ready.count, 0);
    prepare();
    RUN_UNTIL(ready.count == 1);
    endpoint_reset(endpoint); /* after: the connection that nobody used is closed */
    struct stream *stream;
    assert_int_equal(endpoint_open(endpoint, ENDPOINT_CONTROL, &stream), STATUS_NOT_CONNECTED);
    ready.count = 0;
    prepare();
    RUN_UNTIL(ready.count == 1);
    assert_int_equal(ready.status, 0);
    close(listener);
}

static void closing_at_every_stage_leaves_nothing(void **state)
{
    static const char *const HOSTS[] = {"localhost", "127.0.0.1"};
    struct tcp_address address;
    int listener = listen_tcp("127.0.0.1", &address);
    for (int stage = 0; stage < 5; stage++) {
        for (size_t host = 0; host < 2; host++) {
            memset(&ready, 0, sizeof(ready));
            ready.close_within = stage == 2;
            create_tcp(HOSTS[host], port_of(&address), port_of(&address));
            if (stage > 0)
                prepare();
            if (stage > 1)
                RUN_UNTIL(ready.count == 1);
            if (stage == 4)
                open_stream(ENDPOINT_CONTROL);
            stop();
            RUN_UNTIL(closed == 1);
            assert_int_equal(ready.count, stage > 1 ? 1 : 0);
        }
    }
    close(listener);
}

/* ---- all kinds ---- */

static void other_links_have_nothing_to_prepare(void **state)
{
    static const char *const LINKS[] = {"vsock:3", "hybrid:/run/v", "unix:/run/u", "serial:/run/s",
                                        "exec:true"};
    for (size_t i = 0; i < sizeof(LINKS) / sizeof(LINKS[0]); i++) {
        create(LINKS[i]);
        assert_int_equal(endpoint_prepare(endpoint, on_ready, &ready), 1);
        assert_false(endpoint_is_private(endpoint)); /* nothing is known of a peer yet */
        stop();
        RUN_UNTIL(closed == 1);
    }
    assert_int_equal(ready.count, 0);
}

static void ports_are_those_that_are_dialled(void **state)
{
    static const struct {
        const char *link;
        uint32_t control, events;
    } LINKS[] = {{"vsock:3", 5002, 5003}, {"hybrid:/run/v,7,9", 7, 9}, {"tcp:h", 5002, 5002},
                 {"tcp:h:7:9", 7, 9},     {"unix:/run/u", 0, 0},       {"serial:/run/s", 0, 0},
                 {"exec:true", 0, 0}};
    for (size_t i = 0; i < sizeof(LINKS) / sizeof(LINKS[0]); i++) {
        create(LINKS[i].link);
        assert_int_equal(endpoint_port(endpoint, ENDPOINT_CONTROL), LINKS[i].control);
        assert_int_equal(endpoint_port(endpoint, ENDPOINT_EVENTS), LINKS[i].events);
        stop();
        RUN_UNTIL(closed == 1);
    }
}

/* Listens at socket_path: as another user, where this one may make it one. */
static pid_t listen_as(uid_t uid)
{
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        bool fine = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
                    (geteuid() != 0 || setresuid(uid, uid, uid) == 0) && listen(fd, 16) == 0;
        if (!fine || write(pipes[1], "x", 1) != 1)
            _exit(1);
        while (true)
            pause();
    }
    char c;
    close(pipes[1]);
    assert_int_equal(read(pipes[0], &c, 1), 1);
    close(pipes[0]);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    unlink(socket_path);
}

static void sockets_are_private_when_we_listen_there_ourselves(void **state)
{
    static const char *const KINDS[] = {"unix", "hybrid", "serial"};
    for (size_t i = 0; i < 3; i++) {
        char link[128];
        snprintf(link, sizeof(link), "%s:%s", KINDS[i], socket_path);
        create(link);
        bool others_are_public = geteuid() == 0; /* else the other user is this one, too */
        pid_t other = listen_as(54321);
        open_stream(ENDPOINT_CONTROL);
        assert_int_equal(endpoint_is_private(endpoint), !others_are_public);
        end(other);
        int own = listen_unix(socket_path);
        if (i < 2) { /* one of this try was not ours; a serial link has one transport only */
            open_stream(ENDPOINT_EVENTS);
            assert_int_equal(endpoint_is_private(endpoint), !others_are_public);
        }
        while (probe_count > 0)
            probe_finish(&probes[--probe_count]);
        endpoint_reset(endpoint);
        assert_false(endpoint_is_private(endpoint));
        open_stream(ENDPOINT_CONTROL);
        assert_true(endpoint_is_private(endpoint));
        stop();
        RUN_UNTIL(closed == 1);
        close(own);
        unlink(socket_path);
    }
}

static void devices_and_commands_are_private(void **state)
{
    char link[128];
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    snprintf(link, sizeof(link), "serial:%s", ptsname(master));
    const char *const links[] = {link, "exec:cat"};
    for (size_t i = 0; i < 2; i++) {
        create(links[i]);
        open_stream(ENDPOINT_CONTROL);
        assert_true(endpoint_is_private(endpoint));
        stop();
        RUN_UNTIL(closed == 1);
    }
    close(master);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_prepared_link_uses_its_connection_and_then_its_address),
        TEST(an_ipv6_address_with_one_port_for_everything),
        TEST(an_agent_that_is_gone_since_ends_the_next_stream),
        TEST(what_does_not_answer_is_told_and_opens_nothing),
        TEST(a_reset_begins_anew),
        TEST(closing_at_every_stage_leaves_nothing),
        TEST(other_links_have_nothing_to_prepare),
        TEST(ports_are_those_that_are_dialled),
        TEST(sockets_are_private_when_we_listen_there_ourselves),
        TEST(devices_and_commands_are_private),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
