/* SPDX-License-Identifier: MIT */
/* tcp listeners: addresses, both ports, whom they see, and a flood of connections that say nothing. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "protocol/link/listener.h"
#include "tests/unit/link/link_fixture.h"
#include "tests/unit/link/tcp_fixture.h"

#define HELD_MAX 256 /* as the reception does it: the oldest goes */

static struct listener *listener;
static struct probe probes[8];
static struct listener_peer peers[8];
static struct stream *held[HELD_MAX];
static size_t streams, refusals;
static bool flood;
static char problem[TEXT_REASON_MAX + 1];

static void on_stream(void *ctx, struct stream *stream, const struct listener_peer *peer)
{
    size_t number = streams++;
    if (flood) {
        stream_close(held[number % HELD_MAX]);
        held[number % HELD_MAX] = stream;
        stream_set_handler(stream, &PROBE_HANDLER, &probes[0]);
        return;
    }
    assert_true(number < 8);
    peers[number] = *peer;
    probe_init(&probes[number], stream);
}

static void on_refused(void *ctx, enum link_kind kind, const char *who)
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
    flood = false;
    memset(held, 0, sizeof(held));
    memset(probes, 0, sizeof(probes));
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
    for (size_t i = 0; i < HELD_MAX; i++)
        stream_close(held[i]);
    for (size_t i = 0; i < streams && !flood; i++)
        probe_finish(&probes[i]);
    return link_fixture_teardown(state);
}

static int start(const char *address, uint16_t control, uint16_t events)
{
    char text[128];
    struct link_spec spec;
    struct listener_options options = {0};
    snprintf(text, sizeof(text), "tcp:%s:%u:%u", address, control, events);
    assert_int_equal(link_spec_parse_listen(text, &spec, problem), 0);
    return listener_create(&loop, &spec, &options, &HANDLER, NULL, &listener, problem);
}

static int dial(const char *address, uint16_t port)
{
    struct tcp_address parsed;
    assert_int_equal(tcp_address_parse(address, port, &parsed), 0);
    return connect_tcp(&parsed);
}

/* Connects, sends a frame and compares what the listener's owner was told of the client. */
static void expect_stream(const char *address, uint16_t port)
{
    size_t number = streams;
    struct peer peer;
    peer_init(&peer, dial(address, port));
    struct tcp_address own;
    socklen_t size = sizeof(own);
    char who[TCP_ADDRESS_TEXT_SIZE];
    assert_int_equal(getsockname(peer.fd, &own.any, &size), 0);
    tcp_address_format(&own, who, sizeof(who));
    peer_write_frame(&peer, FRAME_MESSAGE, "hi", 2);
    RUN_UNTIL(streams == number + 1 && probes[number].frames == 1);
    assert_string_equal(peers[number].who, who);
    assert_int_equal(peers[number].kind, LINK_TCP);
    assert_false(peers[number].is_private);
    peer_finish(&peer);
    RUN_UNTIL(probes[number].ends == 1);
}

static void both_ports_of_an_ipv4_address_take_streams(void **state)
{
    uint16_t control = free_port(), events = free_port();
    assert_int_equal(start("127.0.0.1", control, events), 0);
    expect_stream("127.0.0.1", control);
    expect_stream("127.0.0.1", events);
    assert_true(wakeups_within(50) < 5);
}

static void one_port_for_both_is_bound_once(void **state)
{
    uint16_t port = free_port();
    assert_int_equal(start("127.0.0.1", port, port), 0);
    expect_stream("127.0.0.1", port);
}

static void an_ipv6_address_takes_streams(void **state)
{
    uint16_t port = free_port();
    assert_int_equal(start("[::1]", port, port), 0);
    expect_stream("::1", port);
}

static void the_any_address_of_ipv6_takes_ipv4_as_well(void **state)
{
    uint16_t port = free_port();
    assert_int_equal(start("[::]", port, port), 0);
    expect_stream("::1", port);
    expect_stream("127.0.0.1", port);
    assert_null(strstr(peers[1].who, "ffff"));
}

static void a_port_in_use_is_told_and_nothing_is_left(void **state)
{
    struct tcp_address taken;
    int other = listen_tcp("127.0.0.1", &taken);
    uint16_t control = free_port();
    char says[32];
    assert_int_equal(start("127.0.0.1", control, port_of(&taken)), UV_EADDRINUSE);
    snprintf(says, sizeof(says), "127.0.0.1 port %u", port_of(&taken));
    assert_non_null(strstr(problem, says));
    assert_int_equal(start("127.0.0.1", control, control), 0); /* the half that was made is gone */
    close(other);
}

static void a_restart_does_not_wait_for_old_connections(void **state)
{
    uint16_t port = free_port();
    assert_int_equal(start("127.0.0.1", port, port), 0);
    int client = dial("127.0.0.1", port);
    RUN_UNTIL(streams == 1);
    probe_close(&probes[0]); /* our side first: the system keeps the pair for a while */
    stop();
    char c;
    RUN_UNTIL(recv(client, &c, 1, MSG_DONTWAIT) == 0);
    close(client);
    assert_int_equal(start("127.0.0.1", port, port), 0);
    expect_stream("127.0.0.1", port);
}

static void thousands_that_say_nothing_are_survived(void **state)
{
    enum { CLIENTS = 3000 };
    static int clients[CLIENTS];
    uint16_t port = free_port();
    flood = true;
    assert_int_equal(start("127.0.0.1", port, port), 0);
    uint64_t started = uv_hrtime();
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = dial("127.0.0.1", port);
        if (i % 100 == 0)
            uv_run(&uv, UV_RUN_NOWAIT);
    }
    RUN_UNTIL(streams == CLIENTS);
    assert_in_range(descriptors_open(), 0, CLIENTS + HELD_MAX + 100);
    assert_true((uv_hrtime() - started) / 1000000 < 10000);
    assert_int_equal(refusals, 0);
    assert_true(wakeups_within(50) < 10);
    size_t ends = probes[0].ends;
    int late = dial("127.0.0.1", port); /* one more still comes in, and the oldest of those held goes */
    RUN_UNTIL(streams == CLIENTS + 1);
    assert_int_equal(probes[0].ends, ends);
    close(late);
    for (size_t i = 0; i < CLIENTS; i++)
        close(clients[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_ports_of_an_ipv4_address_take_streams),
        TEST(one_port_for_both_is_bound_once),
        TEST(an_ipv6_address_takes_streams),
        TEST(the_any_address_of_ipv6_takes_ipv4_as_well),
        TEST(a_port_in_use_is_told_and_nothing_is_left),
        TEST(a_restart_does_not_wait_for_old_connections),
        TEST(thousands_that_say_nothing_are_survived),
    };
    struct rlimit limit; /* both ends of the flood are in this process */
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
