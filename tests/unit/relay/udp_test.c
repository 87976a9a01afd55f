/* SPDX-License-Identifier: MIT */
/* Datagrams from clients of the host to a server of the guest and back. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "services/relay/udp_flow.h"
#include "services/relay/udp_server.h"
#include "tests/unit/relay/relay_fixture.h"

static struct udp_server *udp_server;
static int guest_socket; /* the guest's server */
static uint16_t udp_port;
static struct dial_target target;
static size_t opened;
static bool nothing_opens;
static uint8_t pattern[65507];

static int open_channel(void *ctx, const struct dial_target *to, struct stream **ret)
{
    struct stream *streams[2];
    if (nothing_opens)
        return STATUS_NOT_CONNECTED;
    opened++;
    stream_pair(streams);
    *ret = streams[0];
    udp_flow_dial(&relay, streams[1], to, &agent_flows);
    return 0;
}

static int bind_udp(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static int new_client(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(udp_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static int setup(void **state)
{
    relay_fixture_setup(state);
    opened = 0;
    nothing_opens = false;
    uint16_t guest_port;
    guest_socket = bind_udp(&guest_port);
    target = loopback_target(PORT_UDP, guest_port);
    int fd = bind_udp(&udp_port);
    assert_int_equal(udp_server_create(&relay, fd, &target, &bridge_flows, open_channel, NULL, &udp_server),
                     0);
    fill_pattern(pattern, sizeof(pattern), 2);
    return 0;
}

static int teardown(void **state)
{
    if (udp_server != NULL)
        udp_server_close(udp_server);
    if (guest_socket >= 0)
        close(guest_socket);
    return relay_fixture_teardown(state);
}

static uint8_t received[65536];

static bool receive(int fd, ssize_t *ret_size, struct sockaddr_in *ret_from)
{
    socklen_t size = sizeof(*ret_from);
    *ret_size = recvfrom(fd, received, sizeof(received), MSG_DONTWAIT, (struct sockaddr *)ret_from, &size);
    return *ret_size >= 0;
}

static struct sockaddr_in exchange(int client, size_t size)
{
    struct sockaddr_in from, ignored;
    ssize_t got;
    assert_int_equal(send(client, pattern, size, 0), size);
    RUN_UNTIL(receive(guest_socket, &got, &from));
    assert_int_equal(got, size);
    assert_memory_equal(received, pattern, size);
    assert_int_equal(sendto(guest_socket, pattern, size, 0, (struct sockaddr *)&from, sizeof(from)), size);
    RUN_UNTIL(receive(client, &got, &ignored));
    assert_int_equal(got, size);
    assert_memory_equal(received, pattern, size);
    return from;
}

static void datagrams_keep_their_size_both_ways(void **state)
{
    static const size_t SIZES[] = {0, 1, 512, 1472, 9000, 65507};
    int client = new_client();
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++)
        exchange(client, SIZES[i]);
    assert_int_equal(opened, 1);
    assert_int_equal(bridge_flows.bytes_out, 1 + 512 + 1472 + 9000 + 65507);
    assert_int_equal(bridge_flows.bytes_in, bridge_flows.bytes_out);
    assert_true(wakeups_within(50) < 10);
    close(client);
}

static void each_client_has_a_flow_of_its_own(void **state)
{
    int clients[20];
    struct sockaddr_in seen[20];
    for (size_t i = 0; i < 20; i++) {
        clients[i] = new_client();
        seen[i] = exchange(clients[i], 100 + i);
    }
    assert_int_equal(opened, 20);
    for (size_t i = 0; i < 20; i++) {
        struct sockaddr_in again = exchange(clients[i], 10);
        assert_int_equal(again.sin_port, seen[i].sin_port);
        close(clients[i]);
    }
    assert_int_equal(opened, 20);
    assert_int_equal(bridge_flows.active, 20);
}

static void idle_flows_end_and_busy_ones_stay(void **state)
{
    relay.udp_idle.length_ms = 60; /* instead of UDP_FLOW_IDLE_MS */
    int idle = new_client(), busy = new_client();
    exchange(idle, 1);
    exchange(busy, 1);
    for (int i = 0; i < 10; i++) {
        wakeups_within(15);
        exchange(busy, 1);
    }
    assert_int_equal(bridge_flows.active, 1);
    assert_int_equal(agent_flows.active, 1);
    exchange(idle, 1); /* comes back as a new one */
    assert_int_equal(opened, 3);
    RUN_UNTIL(bridge_flows.active == 0 && agent_flows.active == 0);
    close(idle);
    close(busy);
}

static void a_port_that_refuses_ends_the_flow_and_the_next_datagram_tries_again(void **state)
{
    int client = new_client();
    close(guest_socket);
    guest_socket = -1;
    assert_int_equal(send(client, "x", 1, 0), 1);
    RUN_UNTIL(opened == 1 && bridge_flows.active == 0 && agent_flows.active == 0);
    assert_int_equal(send(client, "x", 1, 0), 1);
    RUN_UNTIL(opened == 2 && bridge_flows.active == 0 && agent_flows.active == 0);
    close(client);
}

static void without_a_link_datagrams_are_dropped_quietly(void **state)
{
    int client = new_client();
    nothing_opens = true;
    for (int i = 0; i < 200; i++)
        assert_int_equal(send(client, "x", 1, 0), 1);
    assert_true(wakeups_within(50) < 30);
    assert_int_equal(bridge_flows.active, 0);
    nothing_opens = false;
    exchange(client, 5);
    close(client);
}

static void sets_and_servers_end_their_flows(void **state)
{
    int client = new_client();
    exchange(client, 1);
    flow_set_abort_all(&bridge_flows, STATUS_GONE);
    assert_int_equal(bridge_flows.active, 0);
    RUN_UNTIL(agent_flows.active == 0);
    exchange(client, 1);
    flow_set_abort_all(&agent_flows, STATUS_GONE);
    RUN_UNTIL(agent_flows.active == 0 && bridge_flows.active == 0);
    exchange(client, 1);
    udp_server_close(udp_server);
    udp_server = NULL;
    assert_int_equal(bridge_flows.active, 0);
    RUN_UNTIL(agent_flows.active == 0);
    close(client);
}

static void a_flow_too_many_takes_the_place_of_the_longest_idle_one(void **state)
{
    int first = new_client(), second = new_client();
    exchange(first, 1);
    exchange(second, 1);
    struct sockaddr_in ignored;
    ssize_t got;
    int others[UDP_FLOWS_MAX];
    for (size_t i = 2; i < UDP_FLOWS_MAX; i++) {
        others[i] = new_client();
        assert_int_equal(send(others[i], "x", 1, 0), 1);
        RUN_UNTIL(receive(guest_socket, &got, &ignored));
    }
    exchange(first, 1);
    assert_int_equal(bridge_flows.active, UDP_FLOWS_MAX);
    int last = new_client();
    exchange(last, 1);
    assert_int_equal(bridge_flows.active, UDP_FLOWS_MAX);
    size_t before = opened;
    exchange(first, 1); /* was used: it stays */
    assert_int_equal(opened, before);
    exchange(second, 1);
    assert_int_equal(opened, before + 1);
    for (size_t i = 2; i < UDP_FLOWS_MAX; i++)
        close(others[i]);
    close(first);
    close(second);
    close(last);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    relay_raise_descriptor_limit();
    const struct CMUnitTest tests[] = {
        TEST(datagrams_keep_their_size_both_ways),
        TEST(each_client_has_a_flow_of_its_own),
        TEST(idle_flows_end_and_busy_ones_stay),
        TEST(a_port_that_refuses_ends_the_flow_and_the_next_datagram_tries_again),
        TEST(without_a_link_datagrams_are_dropped_quietly),
        TEST(sets_and_servers_end_their_flows),
        TEST(a_flow_too_many_takes_the_place_of_the_longest_idle_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
