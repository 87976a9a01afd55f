/* SPDX-License-Identifier: MIT */
/* Theory of operation
 *   Two directions that know nothing of each other: socket → channel (tcp_flow_up.c) and channel → socket
 * (here). Each ends by itself: the socket's EOF becomes FIN, the channel's FIN becomes shutdown(SHUT_WR).
 * When both have ended and the stream's queue is empty the flow is over. An error or reset on one side is
 * passed to the other as what it is: RST frame, or SO_LINGER 0 and close. Nothing is buffered here: what the
 * socket does not take stays in the stream (which stops reading), what the stream does not take is not read
 *   from the socket. While neither direction waits for the socket it is still watched for errors.
 */
#include "services/relay/tcp_flow.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "services/relay/tcp_flow_internal.h"

#define READ_SIZE_START (16 * 1024)

static void handle_poll(uv_poll_t *poll, int status, int events);

void tcp_flow_update_poll(struct tcp_flow *flow)
{
    if (flow->over)
        return;
    int events = 0;
    if (flow->dial != NULL || flow->socket_blocked)
        events |= UV_WRITABLE;
    if (flow->dial == NULL && !flow->socket_eof && !flow->channel_blocked)
        events |= UV_READABLE;
    if (events == 0 && !flow->hung_up)
        events = UV_PRIORITIZED; /* errors only */
    if (events == flow->poll_events)
        return;
    flow->poll_events = (uint8_t)events;
    if (events == 0)
        uv_poll_stop(&flow->poll);
    else
        uv_poll_start(&flow->poll, events, handle_poll);
}

/* ---- end ---- */

static void handle_closed(uv_handle_t *handle)
{
    struct tcp_flow *flow = handle->data;
    flow_set_remove(&flow->member);
    free(flow);
}

static void finish(struct tcp_flow *flow)
{
    flow->over = true;
    deadline_stop(&flow->opening);
    free(flow->dial);
    flow->dial = NULL;
    bulk_pipes_give_back(&flow->relay->pipes, flow->pipe_up);
    bulk_pipes_give_back(&flow->relay->pipes, flow->pipe_down);
    flow->pipe_up = flow->pipe_down = NULL;
    channel_close(&flow->channel);
    uv_close((uv_handle_t *)&flow->poll, handle_closed);
    close(flow->fd);
}

void tcp_flow_maybe_finish(struct tcp_flow *flow)
{
    if (!flow->over && flow->socket_eof && flow->pipe_down == NULL && channel_is_done(&flow->channel))
        finish(flow);
}

static void reset_socket(int fd)
{
    struct linger linger = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

void tcp_flow_abort(struct tcp_flow *flow, int status, const char *text)
{
    if (flow->over)
        return;
    reset_socket(flow->fd);
    channel_abort(&flow->channel, status, text);
    finish(flow);
}

static void abort_member(struct flow_member *member, int status)
{
    tcp_flow_abort((struct tcp_flow *)member, status, "");
}

static void handle_opening_due(struct deadline *deadline)
{
    struct tcp_flow *flow = (struct tcp_flow *)((char *)deadline - offsetof(struct tcp_flow, opening));
    tcp_flow_abort(flow, UV_ETIMEDOUT, "");
}

/* ---- the channel ---- */

static void handle_opened(void *ctx)
{
    struct tcp_flow *flow = ctx;
    deadline_stop(&flow->opening);
}

static size_t handle_data(void *ctx, struct span bytes)
{
    return tcp_flow_take_data(ctx, bytes);
}

static ssize_t handle_splice(void *ctx, int fd, size_t size)
{
    return tcp_flow_take_splice(ctx, fd, size);
}

static void handle_fin(void *ctx)
{
    struct tcp_flow *flow = ctx;
    if (flow->dial == NULL) /* while dialling it waits in channel.fin_received */
        tcp_flow_finish_down(flow);
}

static void handle_reset(void *ctx, int status, const char *text)
{
    struct tcp_flow *flow = ctx;
    if (flow->over)
        return;
    reset_socket(flow->fd);
    finish(flow);
}

static void handle_writable(void *ctx)
{
    struct tcp_flow *flow = ctx;
    if (flow->over)
        return;
    flow->channel_blocked = false;
    if (flow->fin_waits)
        tcp_flow_send_fin(flow);
    else if (flow->dial == NULL)
        tcp_flow_pump_up(flow);
    tcp_flow_maybe_finish(flow);
    tcp_flow_update_poll(flow);
}

static const struct channel_handler CHANNEL_HANDLER = {.on_opened = handle_opened,
                                                       .on_data = handle_data,
                                                       .on_splice = handle_splice,
                                                       .on_fin = handle_fin,
                                                       .on_writable = handle_writable,
                                                       .on_reset = handle_reset};

/* ---- the socket ---- */

/* libuv reports POLLERR by a status and stops the handle. A reset shows here even when nothing waits for the
 * socket. */
static void handle_socket_error(struct tcp_flow *flow)
{
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(flow->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    flow->poll_events = 0;
    if (error != 0)
        tcp_flow_abort(flow, uv_translate_sys_error(error), "");
    else if (!flow->socket_eof && !flow->channel_blocked)
        tcp_flow_pump_up(flow);
}

static void handle_poll(uv_poll_t *poll, int status, int events)
{
    struct tcp_flow *flow = poll->data;
    if (flow->dial != NULL) {
        if (status < 0)
            flow->poll_events = 0;
        tcp_flow_dial_go_on(flow);
    } else if (status < 0) {
        handle_socket_error(flow);
    } else {
        if ((events & UV_WRITABLE) != 0 && flow->socket_blocked)
            tcp_flow_socket_writable(flow);
        if ((events & UV_READABLE) != 0 && !flow->over)
            tcp_flow_pump_up(flow);
        if ((events & UV_PRIORITIZED) != 0)
            flow->hung_up = true; /* shut both ways: level-triggered polling would only repeat it */
    }
    tcp_flow_update_poll(flow);
}

/* ---- life ---- */

int tcp_flow_create(struct relay *relay, int fd, struct stream *stream, struct flow_set *flows,
                    struct tcp_flow **ret)
{
    struct tcp_flow *flow = calloc(1, sizeof(*flow));
    int status = flow == NULL ? UV_ENOMEM : uv_poll_init(relay->loop->uv, &flow->poll, fd);
    if (status < 0) {
        free(flow);
        reset_socket(fd);
        close(fd);
        stream_abort(stream, status, "");
        return status;
    }
    int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    flow->relay = relay;
    flow->fd = fd;
    flow->poll.data = flow;
    flow->read_size = READ_SIZE_START;
    flow->member.abort = abort_member;
    flow_set_add(flows, &flow->member);
    channel_init(&flow->channel, stream, &CHANNEL_HANDLER, flow);
    deadline_start(&relay->opening, &flow->opening, handle_opening_due);
    *ret = flow;
    return 0;
}

void tcp_flow_start(struct tcp_flow *flow)
{
    if (flow->channel.fin_received)
        tcp_flow_finish_down(flow);
    else
        stream_resume(flow->channel.stream);
    tcp_flow_update_poll(flow);
}

int tcp_flow_carry(struct relay *relay, int fd, struct stream *stream, struct flow_set *flows)
{
    struct tcp_flow *flow;
    int status = tcp_flow_create(relay, fd, stream, flows, &flow);
    if (status == 0)
        tcp_flow_start(flow);
    return status;
}
