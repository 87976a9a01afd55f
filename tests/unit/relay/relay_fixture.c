/* SPDX-License-Identifier: MIT */
/* Sockets, streams and flows for the relay tests. */
#include "tests/unit/relay/relay_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/link/stream_fd.h"

struct relay relay;
struct flow_set bridge_flows, agent_flows;
int server_listener;
uint16_t server_port;

static int forward_listener;
static uint16_t forward_port;
static struct mux_link *dialer, *listener;
static enum carrier in_use;
static struct dial_target mux_target;
static bool relay_is_closed;

int listen_tcp(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

uint16_t refusing_port(int type, int *ret_fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    *ret_fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(*ret_fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(*ret_fd, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin_port);
}

int connect_tcp(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

void reset_peer(struct peer *peer)
{
    struct linger linger = {.l_onoff = 1};
    setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    peer_hang_up(peer);
}

struct dial_target loopback_target(uint8_t protocol, uint16_t port)
{
    struct dial_target target = {.protocol = protocol, .port = port, .address_count = 1};
    assert_true(ip_address_parse("127.0.0.1", &target.addresses[0]));
    return target;
}

/* ---- the mux's listener: the first message of a channel starts its flow ---- */

static void opener_on_frame(void *ctx, enum frame_type type, struct span payload)
{
    assert_int_equal(type, FRAME_MESSAGE);
    tcp_flow_dial(&relay, ctx, &mux_target, &agent_flows);
}

static void opener_on_end(void *ctx, int status, const char *text)
{
    stream_close(ctx);
}

static const struct stream_handler OPENER = {.on_frame = opener_on_frame, .on_end = opener_on_end};

static void on_stream(void *ctx, struct stream *stream)
{
    stream_set_handler(stream, &OPENER, stream);
}

static void on_end(void *ctx, int status, const char *text) {}

static const struct mux_link_handler MUX_HANDLER = {.on_stream = on_stream, .on_end = on_end};

void relay_fixture_use(enum carrier carrier)
{
    in_use = carrier;
    if (carrier == OVER_SOCKET || dialer != NULL)
        return;
    int fds[2];
    socket_pair(fds);
    struct mux_link_options options = {.side = MUX_DIALER};
    assert_int_equal(mux_link_create(&loop, fds[0], fds[0], &options, &MUX_HANDLER, NULL, &dialer), 0);
    options.side = MUX_LISTENER;
    assert_int_equal(mux_link_create(&loop, fds[1], fds[1], &options, &MUX_HANDLER, NULL, &listener), 0);
    RUN_UNTIL(mux_link_is_synced(dialer));
}

void relay_fixture_lose_link(void)
{
    mux_link_close(dialer);
    mux_link_close(listener);
    dialer = listener = NULL;
}

/* ---- flows ---- */

void connect_client(struct peer *ret_client, int *ret_bridge_fd)
{
    peer_init(ret_client, connect_tcp(forward_port));
    RUN_UNTIL((*ret_bridge_fd = accept4(forward_listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
}

void stream_pair(struct stream *ret[2])
{
    int fds[2];
    socket_pair(fds);
    struct stream_fd_options options = {.splice = true};
    assert_int_equal(stream_fd_create(&loop, fds[0], &options, &ret[0]), 0);
    assert_int_equal(stream_fd_create(&loop, fds[1], &options, &ret[1]), 0);
}

void open_flow(struct peer *ret_client, const struct dial_target *target)
{
    int fd;
    struct stream *streams[2];
    connect_client(ret_client, &fd);
    if (in_use == OVER_SOCKET) {
        stream_pair(streams);
        tcp_flow_dial(&relay, streams[1], target, &agent_flows);
    } else {
        mux_target = *target;
        assert_int_equal(mux_link_open(dialer, &streams[0]), 0);
        assert_int_equal(stream_send(streams[0], FRAME_MESSAGE, span_of_text("open")), 0);
    }
    assert_int_equal(tcp_flow_carry(&relay, fd, streams[0], &bridge_flows), 0);
}

void open_flow_to_server(struct peer *ret_client, struct peer *ret_server)
{
    struct dial_target target = loopback_target(PORT_TCP, server_port);
    open_flow(ret_client, &target);
    int fd;
    RUN_UNTIL((fd = accept4(server_listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
    peer_init(ret_server, fd);
}

/* ---- life ---- */

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

size_t allocated_bytes(void)
{
    if (__sanitizer_get_current_allocated_bytes != NULL)
        return __sanitizer_get_current_allocated_bytes();
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

int relay_fixture_setup(void **state)
{
    link_fixture_setup(state);
    relay_init(&relay, &loop);
    flow_set_init(&bridge_flows);
    flow_set_init(&agent_flows);
    dialer = listener = NULL;
    in_use = OVER_SOCKET;
    server_listener = listen_tcp(&server_port);
    forward_listener = listen_tcp(&forward_port);
    return 0;
}

static void on_closed(void *ctx)
{
    relay_is_closed = true;
}

int relay_fixture_teardown(void **state)
{
    flow_set_abort_all(&bridge_flows, UV_ECANCELED);
    flow_set_abort_all(&agent_flows, UV_ECANCELED);
    RUN_UNTIL(bridge_flows.active == 0 && agent_flows.active == 0);
    relay_fixture_lose_link();
    relay_is_closed = false;
    relay_close(&relay, on_closed, NULL);
    RUN_UNTIL(relay_is_closed);
    close(server_listener);
    close(forward_listener);
    return link_fixture_teardown(state);
}
