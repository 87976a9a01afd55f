/* SPDX-License-Identifier: MIT */
/* TCP connections carried over streams: bytes, half-closes, resets, refusals, bounds and leaks. */
#include "services/relay/tcp_flow.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "protocol/link/stream_fd.h"
#include "tests/unit/relay/relay_fixture.h"

#define EACH_CARRIER(carrier) for (enum carrier carrier = OVER_SOCKET; carrier <= OVER_MUX; carrier++)

static uint8_t pattern[5 * 1024 * 1024 + 17];

struct transfer {
    struct peer *from, *to;
    size_t amount, sent;
    uint32_t seed;
};

/* Writes what goes and reads what comes, in pieces of many sizes. True when `to` has all of it. */
static bool transfer_step(struct transfer *transfer)
{
    for (int i = 0; i < 8 && transfer->sent < transfer->amount; i++) {
        transfer->seed = transfer->seed * 1664525u + 1013904223u;
        size_t piece = (transfer->seed >> 8) % 300000 + 1, left = transfer->amount - transfer->sent;
        ssize_t size = write(transfer->from->fd, pattern + transfer->sent, piece < left ? piece : left);
        if (size < 0)
            break;
        transfer->sent += (size_t)size;
    }
    return peer_read(transfer->to) == transfer->amount;
}

static void carry(struct peer *from, struct peer *to, size_t amount)
{
    struct transfer transfer = {.from = from, .to = to, .amount = amount, .seed = (uint32_t)amount};
    fill_pattern(pattern, amount, 3);
    RUN_UNTIL_WITHIN(30000, transfer_step(&transfer));
    assert_true(span_equals(buffer_span(&to->in), span_of(pattern, amount)));
    buffer_finish(&to->in);
}

static bool is_reset(struct peer *peer)
{
    peer_read(peer);
    return peer->error == ECONNRESET;
}

static bool is_eof(struct peer *peer)
{
    peer_read(peer);
    return peer->eof;
}

static bool flows_are_over(void)
{
    return bridge_flows.active == 0 && agent_flows.active == 0;
}

static void bytes_go_both_ways_in_all_sizes(void **state)
{
    static const size_t AMOUNTS[] = {1, 100, 16384, 65536, 300001, sizeof(pattern)};
    EACH_CARRIER(carrier)
    {
        struct peer client, server;
        relay_fixture_use(carrier);
        open_flow_to_server(&client, &server);
        uint64_t out = bridge_flows.bytes_out, in = bridge_flows.bytes_in, total = 0;
        for (size_t i = 0; i < sizeof(AMOUNTS) / sizeof(AMOUNTS[0]); i++) {
            carry(&client, &server, AMOUNTS[i]);
            carry(&server, &client, AMOUNTS[i]);
            total += AMOUNTS[i];
        }
        assert_int_equal(bridge_flows.bytes_out - out, total);
        assert_int_equal(bridge_flows.bytes_in - in, total);
        assert_true(wakeups_within(50) < 10);
        peer_finish(&client);
        RUN_UNTIL(is_eof(&server));
        peer_finish(&server);
        RUN_UNTIL(flows_are_over());
    }
}

static void each_side_may_close_its_half_first(void **state)
{
    EACH_CARRIER(carrier)
    {
        for (int first = 0; first < 2; first++) {
            struct peer ends[2];
            relay_fixture_use(carrier);
            open_flow_to_server(&ends[0], &ends[1]);
            struct peer *early = &ends[first], *late = &ends[1 - first];
            carry(early, late, 200000);
            shutdown(early->fd, SHUT_WR);
            RUN_UNTIL(is_eof(late));
            assert_true(wakeups_within(50) < 10); /* half-closed and idle */
            assert_false(flows_are_over());
            carry(late, early, 700001);
            shutdown(late->fd, SHUT_WR);
            RUN_UNTIL(is_eof(early));
            RUN_UNTIL(flows_are_over());
            peer_finish(early);
            peer_finish(late);
        }
    }
}

static void what_was_sent_before_a_close_arrives_whole(void **state)
{
    EACH_CARRIER(carrier)
    {
        struct peer client, server;
        relay_fixture_use(carrier);
        open_flow_to_server(&client, &server);
        fill_pattern(pattern, sizeof(pattern), 11);
        size_t sent = 0;
        for (ssize_t size; (size = write(server.fd, pattern + sent, sizeof(pattern) - sent)) > 0;)
            sent += (size_t)size;
        peer_finish(&server);
        RUN_UNTIL(is_eof(&client));
        assert_true(span_equals(buffer_span(&client.in), span_of(pattern, sent)));
        peer_finish(&client);
        RUN_UNTIL(flows_are_over());
    }
}

static void a_server_may_speak_first_and_a_client_before_the_connect(void **state)
{
    EACH_CARRIER(carrier)
    {
        struct peer client, server;
        relay_fixture_use(carrier);
        open_flow_to_server(&client, &server);
        carry(&server, &client, 5);
        peer_finish(&client);
        peer_finish(&server);
        RUN_UNTIL(flows_are_over());
        /* a request and its end are there before the agent has connected */
        struct dial_target target = loopback_target(PORT_TCP, server_port);
        open_flow(&client, &target);
        assert_int_equal(write(client.fd, "GET /", 5), 5);
        shutdown(client.fd, SHUT_WR);
        int fd;
        RUN_UNTIL((fd = accept4(server_listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
        peer_init(&server, fd);
        RUN_UNTIL(is_eof(&server));
        assert_true(span_equals(buffer_span(&server.in), span_of_text("GET /")));
        peer_finish(&server);
        RUN_UNTIL(is_eof(&client));
        peer_finish(&client);
        RUN_UNTIL(flows_are_over());
    }
}

static void a_refused_connect_resets_the_client(void **state)
{
    EACH_CARRIER(carrier)
    {
        int reserved;
        struct peer client;
        struct dial_target target = loopback_target(PORT_TCP, refusing_port(SOCK_STREAM, &reserved));
        relay_fixture_use(carrier);
        open_flow(&client, &target);
        assert_int_equal(write(client.fd, "hello", 5), 5);
        RUN_UNTIL(is_reset(&client));
        RUN_UNTIL(flows_are_over());
        peer_finish(&client);
        close(reserved);
    }
}

static void the_next_address_is_tried_when_one_refuses(void **state)
{
    struct peer client;
    struct dial_target target = loopback_target(PORT_TCP, server_port);
    target.address_count = 3;
    target.addresses[2] = target.addresses[0];
    assert_true(ip_address_parse("127.0.0.77", &target.addresses[0])); /* nobody listens there */
    assert_true(ip_address_parse("::1", &target.addresses[1]));
    open_flow(&client, &target);
    int fd;
    RUN_UNTIL((fd = accept4(server_listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
    struct peer server;
    peer_init(&server, fd);
    carry(&client, &server, 100000);
    carry(&server, &client, 100000);
    peer_finish(&client);
    peer_finish(&server);
    RUN_UNTIL(flows_are_over());
}

static void a_reset_on_one_side_is_a_reset_on_the_other(void **state)
{
    EACH_CARRIER(carrier)
    {
        for (int first = 0; first < 2; first++) {
            for (int half_closed = 0; half_closed < 2; half_closed++) {
                struct peer ends[2];
                relay_fixture_use(carrier);
                open_flow_to_server(&ends[0], &ends[1]);
                carry(&ends[0], &ends[1], 1000);
                if (half_closed) {
                    shutdown(ends[first].fd, SHUT_WR);
                    RUN_UNTIL(is_eof(&ends[1 - first]));
                }
                reset_peer(&ends[first]);
                RUN_UNTIL(flows_are_over());
                uint8_t byte = 0;
                int error = 0;
                socklen_t size = sizeof(error);
                getsockopt(ends[1 - first].fd, SOL_SOCKET, SO_ERROR, &error, &size);
                if (error == 0 && write(ends[1 - first].fd, &byte, 1) < 0)
                    error = errno;
                assert_true(error == ECONNRESET || error == EPIPE);
                peer_finish(&ends[0]);
                peer_finish(&ends[1]);
            }
        }
    }
}

/* Fills everything between the server and a client that does not read; returns what the server could send. */
static size_t stuff(struct peer *server)
{
    size_t sent = 0, before;
    do {
        before = sent;
        for (ssize_t size; (size = write(server->fd, pattern, sizeof(pattern))) > 0;)
            sent += (size_t)size;
        wakeups_within(20);
    } while (sent > before);
    return sent;
}

static void a_client_that_does_not_read_costs_little_memory_and_no_time(void **state)
{
    EACH_CARRIER(carrier)
    {
        struct peer client, server;
        relay_fixture_use(carrier);
        open_flow_to_server(&client, &server);
        int small = 16384;
        setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
        size_t allocated = allocated_bytes();
        size_t sent = stuff(&server);
        assert_true(allocated_bytes() < allocated + 3 * 1024 * 1024);
        assert_true(wakeups_within(100) < 10);
        RUN_UNTIL_WITHIN(30000, peer_read(&client) == sent);
        peer_finish(&client);
        peer_finish(&server);
        RUN_UNTIL(flows_are_over());
    }
}

static void aborting_a_set_resets_both_ends_at_any_moment(void **state)
{
    EACH_CARRIER(carrier)
    {
        for (int moment = 0; moment < 3; moment++) {
            struct peer client, server;
            relay_fixture_use(carrier);
            open_flow_to_server(&client, &server);
            if (moment == 1)
                carry(&client, &server, sizeof(pattern));
            else if (moment == 2)
                stuff(&server); /* frames are half sent, and a pipe may be full */
            flow_set_abort_all(carrier == OVER_SOCKET ? &agent_flows : &bridge_flows, STATUS_GONE);
            RUN_UNTIL(is_reset(&client)); /* after what was under way; it reads, so that its flow goes on */
            RUN_UNTIL(is_reset(&server));
            RUN_UNTIL(flows_are_over());
            peer_finish(&client);
            peer_finish(&server);
        }
    }
}

static void a_client_that_resets_a_stalled_download_ends_it(void **state)
{
    EACH_CARRIER(carrier)
    {
        for (int from_server = 0; from_server < 2; from_server++) {
            struct peer client, server;
            relay_fixture_use(carrier);
            open_flow_to_server(&client, &server);
            stuff(&server);
            reset_peer(from_server ? &server : &client);
            if (from_server)
                peer_read(&client);
            RUN_UNTIL_WITHIN(10000, (peer_read(&client), flows_are_over()));
            peer_finish(&client);
            peer_finish(&server);
        }
    }
}

static void on_empty(void *ctx)
{
    (*(int *)ctx)++;
}

static void a_closed_set_tells_when_its_last_flow_is_gone(void **state)
{
    struct peer clients[3], servers[3];
    for (size_t i = 0; i < 3; i++)
        open_flow_to_server(&clients[i], &servers[i]);
    int empty = 0;
    flow_set_close(&bridge_flows, STATUS_GONE, on_empty, &empty);
    assert_int_equal(empty, 0);
    RUN_UNTIL(empty == 1);
    RUN_UNTIL(flows_are_over());
    for (size_t i = 0; i < 3; i++) {
        RUN_UNTIL(is_reset(&servers[i]));
        peer_finish(&clients[i]);
        peer_finish(&servers[i]);
    }
    flow_set_init(&bridge_flows);
    flow_set_close(&bridge_flows, STATUS_GONE, on_empty, &empty); /* without any */
    assert_int_equal(empty, 2);
    flow_set_init(&bridge_flows);
}

static void a_draining_set_lets_its_flows_end(void **state)
{
    struct peer client, server;
    int empty = 0;
    open_flow_to_server(&client, &server);
    flow_set_drain(&bridge_flows, on_empty, &empty);
    carry(&client, &server, 300000);
    carry(&server, &client, 300000);
    assert_int_equal(empty, 0);
    peer_finish(&client);
    peer_finish(&server);
    RUN_UNTIL(empty == 1);
    flow_set_init(&bridge_flows);
}

static void two_hundred_flows_leave_no_descriptor(void **state)
{
    EACH_CARRIER(carrier)
    {
        relay_fixture_use(carrier);
        struct peer client, server;
        open_flow_to_server(&client, &server); /* whatever is made once is made now */
        carry(&server, &client, sizeof(pattern));
        peer_finish(&client);
        peer_finish(&server);
        RUN_UNTIL(flows_are_over());
        bulk_pipes_finish(&relay.pipes);
        size_t before = descriptors_open();
        for (int i = 0; i < 200; i++) {
            open_flow_to_server(&client, &server);
            carry(&client, &server, 1000);
            if (i % 50 == 0)
                carry(&server, &client, sizeof(pattern));
            if (i % 3 == 0)
                reset_peer(&client);
            peer_finish(&client);
            peer_finish(&server);
            RUN_UNTIL(flows_are_over());
        }
        bulk_pipes_finish(&relay.pipes);
        assert_int_equal(descriptors_open(), before);
    }
}

/* ---- against a hand-made agent ---- */

static void open_flow_to_peer(struct peer *client, struct peer *agent)
{
    int fd;
    struct stream *streams[2];
    connect_client(client, &fd);
    int fds[2];
    socket_pair(fds);
    peer_init(agent, fds[0]);
    struct stream_fd_options options = {.splice = true};
    assert_int_equal(stream_fd_create(&loop, fds[1], &options, &streams[0]), 0);
    assert_int_equal(tcp_flow_carry(&relay, fd, streams[0], &bridge_flows), 0);
}

static void an_agent_that_breaks_the_rules_resets_the_client(void **state)
{
    static const struct {
        enum frame_type type;
        const char *payload;
        size_t size;
        bool fin_before;
    } BAD[] = {
        {FRAME_MESSAGE, "junk", 4, false},    {FRAME_DATAGRAM, "x", 1, false},
        {FRAME_FIN, NULL, 0, true},           {FRAME_DATA, "x", 1, true},
        {FRAME_RST, "\0\0\0\0", 4, false},    {FRAME_MESSAGE, "\x93\x04\x01\x80", 4, false}, /* PING */
        {FRAME_CREDIT, "\0\0\0\1", 4, false},
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct peer client, hostile;
        open_flow_to_peer(&client, &hostile);
        if (BAD[i].fin_before)
            peer_write_frame(&hostile, FRAME_FIN, NULL, 0);
        peer_write_frame(&hostile, BAD[i].type, BAD[i].payload, BAD[i].size);
        RUN_UNTIL(flows_are_over());
        RUN_UNTIL((peer_read(&client), client.error == ECONNRESET || (BAD[i].fin_before && client.eof)));
        peer_finish(&client);
        peer_finish(&hostile);
    }
}

static void an_agent_that_is_cut_off_resets_the_client(void **state)
{
    struct peer client, hostile;
    open_flow_to_peer(&client, &hostile);
    peer_write_frame(&hostile, FRAME_DATA, "half an answer", 14);
    RUN_UNTIL(peer_read(&client) == 14);
    peer_finish(&hostile);
    RUN_UNTIL(is_reset(&client));
    RUN_UNTIL(flows_are_over());
    peer_finish(&client);
}

static void an_agent_that_never_connects_resets_the_client_in_time(void **state)
{
    struct peer client, hostile;
    uint64_t usual_ms = relay.opening.length_ms;
    relay.opening.length_ms = 50;
    open_flow_to_peer(&client, &hostile);
    RUN_UNTIL(is_reset(&client));
    RUN_UNTIL(flows_are_over());
    relay.opening.length_ms = usual_ms;
    peer_finish(&client);
    peer_finish(&hostile);
}

/* Both FINs are under way, but the agent dies before it has read what the client sent. */
static void a_flow_whose_agent_dies_between_the_fins_ends(void **state)
{
    struct peer client, hostile;
    open_flow_to_peer(&client, &hostile);
    peer_write_frame(&hostile, FRAME_FIN, NULL, 0);
    RUN_UNTIL(is_eof(&client));
    memset(pattern, 1, sizeof(pattern));
    size_t sent = 0;
    for (ssize_t size; sent < 1000000 && (size = write(client.fd, pattern, 100000)) > 0; sent += (size_t)size)
        uv_run(&uv, UV_RUN_NOWAIT);
    shutdown(client.fd, SHUT_WR);
    uint8_t some[65536];
    wakeups_within(20);
    for (int i = 0; i < 200; i++) { /* it reads until the FIN is queued, and not to the end */
        if (bridge_flows.bytes_out == sent && i > 3)
            break;
        assert_true(read(hostile.fd, some, sizeof(some)) != 0);
        wakeups_within(2);
    }
    assert_int_equal(bridge_flows.bytes_out, sent);
    peer_finish(&hostile);
    RUN_UNTIL(flows_are_over());
    peer_finish(&client);
}

static void a_lost_mux_resets_its_clients(void **state)
{
    struct peer client, server;
    relay_fixture_use(OVER_MUX);
    open_flow_to_server(&client, &server);
    carry(&client, &server, 1000);
    relay_fixture_lose_link();
    RUN_UNTIL(is_reset(&client));
    RUN_UNTIL(is_reset(&server));
    RUN_UNTIL(flows_are_over());
    peer_finish(&client);
    peer_finish(&server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, relay_fixture_setup, relay_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_go_both_ways_in_all_sizes),
        TEST(each_side_may_close_its_half_first),
        TEST(what_was_sent_before_a_close_arrives_whole),
        TEST(a_server_may_speak_first_and_a_client_before_the_connect),
        TEST(a_refused_connect_resets_the_client),
        TEST(the_next_address_is_tried_when_one_refuses),
        TEST(a_reset_on_one_side_is_a_reset_on_the_other),
        TEST(a_client_that_does_not_read_costs_little_memory_and_no_time),
        TEST(aborting_a_set_resets_both_ends_at_any_moment),
        TEST(a_client_that_resets_a_stalled_download_ends_it),
        TEST(a_closed_set_tells_when_its_last_flow_is_gone),
        TEST(a_draining_set_lets_its_flows_end),
        TEST(two_hundred_flows_leave_no_descriptor),
        TEST(an_agent_that_breaks_the_rules_resets_the_client),
        TEST(an_agent_that_is_cut_off_resets_the_client),
        TEST(an_agent_that_never_connects_resets_the_client_in_time),
        TEST(a_flow_whose_agent_dies_between_the_fins_ends),
        TEST(a_lost_mux_resets_its_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
