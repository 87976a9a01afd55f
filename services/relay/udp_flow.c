/* SPDX-License-Identifier: MIT */
/* Socket ⇄ channel, a datagram a frame. An ICMP refusal ends the flow; a full queue drops the datagram. */
#include "services/relay/udp_flow.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "services/relay/ip_socket.h"

#define READS_A_WAKEUP 64

struct udp_flow {
    struct flow_member member; /* first: found back by a cast */
    struct deadline idle;
    struct channel channel;
    struct relay *relay;
    uv_poll_t poll;
    int fd;
    bool over;
};

static void handle_closed(uv_handle_t *handle)
{
    struct udp_flow *flow = handle->data;
    flow_set_remove(&flow->member);
    free(flow);
}

static void finish(struct udp_flow *flow)
{
    flow->over = true;
    deadline_stop(&flow->idle);
    channel_close(&flow->channel);
    uv_close((uv_handle_t *)&flow->poll, handle_closed);
    close(flow->fd);
}

static void abort_flow(struct udp_flow *flow, int status)
{
    if (flow->over)
        return;
    channel_abort(&flow->channel, status, "");
    finish(flow);
}

static void abort_member(struct flow_member *member, int status)
{
    abort_flow((struct udp_flow *)member, status);
}

static void handle_idle(struct deadline *deadline)
{
    abort_flow((struct udp_flow *)((char *)deadline - offsetof(struct udp_flow, idle)), STATUS_GONE);
}

static void touch(struct udp_flow *flow)
{
    deadline_start(&flow->relay->udp_idle, &flow->idle, handle_idle);
}

static void handle_datagram(void *ctx, struct span datagram)
{
    struct udp_flow *flow = ctx;
    if (send(flow->fd, datagram.data, datagram.size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        flow->member.set->bytes_in += datagram.size;
    touch(flow);
}

static void handle_fin(void *ctx)
{
    abort_flow(ctx, STATUS_GONE);
}

static void handle_reset(void *ctx, int status, const char *text)
{
    struct udp_flow *flow = ctx;
    if (!flow->over)
        finish(flow);
}

static const struct channel_handler CHANNEL_HANDLER = {
    .on_datagram = handle_datagram, .on_fin = handle_fin, .on_reset = handle_reset};

static void handle_poll(uv_poll_t *poll, int status, int events)
{
    struct udp_flow *flow = poll->data;
    uint8_t *scratch = flow->relay->loop->relay_scratch;
    for (int i = 0; i < READS_A_WAKEUP && !flow->over; i++) {
        ssize_t size = recv(flow->fd, scratch, FRAME_DATAGRAM_MAX, MSG_DONTWAIT);
        if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0) {
            abort_flow(flow, uv_translate_sys_error(errno));
            return;
        }
        flow->member.set->bytes_out += (uint64_t)size;
        stream_send(flow->channel.stream, FRAME_DATAGRAM, span_of(scratch, (size_t)size));
        touch(flow);
    }
    if (status < 0 && !flow->over)
        uv_poll_start(&flow->poll, UV_READABLE,
                      handle_poll); /* libuv stopped it with the error, which recv has cleared */
}

static int connect_first(const struct dial_target *target)
{
    int status = UV_EADDRNOTAVAIL;
    for (uint8_t i = 0; i < target->address_count; i++) {
        struct sockaddr_storage address;
        socklen_t size = ip_socket_address(&target->addresses[i], target->port, &address);
        int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, (struct sockaddr *)&address, size) == 0)
            return fd;
        status = uv_translate_sys_error(errno);
        if (fd >= 0)
            close(fd);
    }
    return status;
}

int udp_flow_dial(struct relay *relay, struct stream *stream, const struct dial_target *target,
                  struct flow_set *flows)
{
    struct udp_flow *flow = calloc(1, sizeof(*flow));
    int fd = flow == NULL ? UV_ENOMEM : connect_first(target);
    int status = fd < 0 ? fd : uv_poll_init(relay->loop->uv, &flow->poll, fd);
    if (status < 0) {
        free(flow);
        if (fd >= 0)
            close(fd);
        stream_abort(stream, status, "");
        return status;
    }
    flow->relay = relay;
    flow->fd = fd;
    flow->poll.data = flow;
    flow->member.abort = abort_member;
    flow_set_add(flows, &flow->member);
    channel_init(&flow->channel, stream, &CHANNEL_HANDLER, flow);
    channel_send_opened(&flow->channel);
    touch(flow);
    uv_poll_start(&flow->poll, UV_READABLE, handle_poll);
    return 0;
}
