/* SPDX-License-Identifier: MIT */
/* Channel → socket. Ordinary data is sent from where the stream read it. The payload of large frames is taken
 * from the stream's socket by splice(2) into a pipe and from there into ours, without being copied here. What
 * our socket does not take stays in that pipe, or in the stream, and nothing further is taken until it is
 * writable. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "services/relay/tcp_flow_internal.h"

static void block(struct tcp_flow *flow)
{
    flow->socket_blocked = true;
    tcp_flow_update_poll(flow);
}

static bool is_full(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS;
}

size_t tcp_flow_take_data(struct tcp_flow *flow, struct span bytes)
{
    if (flow->dial != NULL || flow->socket_blocked)
        return 0;
    ssize_t sent;
    do
        sent = send(flow->fd, bytes.data, bytes.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && !is_full(errno)) {
        tcp_flow_abort(flow, uv_translate_sys_error(errno), "");
        return bytes.size;
    }
    size_t taken = sent > 0 ? (size_t)sent : 0;
    flow->member.set->bytes_in += taken;
    if (taken < bytes.size)
        block(flow);
    return taken;
}

/* Pipe → socket; gives the pipe back when it is empty. `more`: the rest of the frame is on its way, so a
 * last, half-full segment waits for it. */
static void drain_pipe(struct tcp_flow *flow, bool more)
{
    unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | (more ? SPLICE_F_MORE : 0);
    struct bulk_pipe *pipe = flow->pipe_down;
    while (pipe->level > 0) {
        ssize_t size = splice(pipe->read_fd, NULL, flow->fd, NULL, pipe->level, flags);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && !is_full(errno)) {
            tcp_flow_abort(flow, uv_translate_sys_error(errno), "");
            return;
        }
        if (size <= 0) {
            block(flow);
            return;
        }
        pipe->level -= (size_t)size;
        flow->member.set->bytes_in += (uint64_t)size;
    }
    bulk_pipes_give_back(&flow->relay->pipes, pipe);
    flow->pipe_down = NULL;
}

ssize_t tcp_flow_take_splice(struct tcp_flow *flow, int fd, size_t size)
{
    if (flow->dial != NULL || flow->socket_blocked)
        return UV_EBUSY;
    struct bulk_pipe *pipe = bulk_pipes_take(&flow->relay->pipes);
    if (pipe == NULL)
        return UV_ENOTSUP;
    ssize_t moved = splice(fd, NULL, pipe->write_fd, NULL, size < pipe->capacity ? size : pipe->capacity,
                           SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (moved <= 0) {
        int error = errno;
        bulk_pipes_give_back(&flow->relay->pipes, pipe);
        if (moved == 0)
            return 0;
        return error == EINVAL ? UV_ENOTSUP : error == EINTR ? UV_EAGAIN : uv_translate_sys_error(error);
    }
    pipe->level = (size_t)moved;
    flow->pipe_down = pipe;
    drain_pipe(flow, (size_t)moved < size);
    return moved;
}

void tcp_flow_socket_writable(struct tcp_flow *flow)
{
    flow->socket_blocked = false;
    if (flow->pipe_down != NULL)
        drain_pipe(flow, false);
    if (flow->over || flow->socket_blocked)
        return;
    if (flow->channel.fin_received)
        tcp_flow_finish_down(flow);
    else
        stream_resume(flow->channel.stream);
}

void tcp_flow_finish_down(struct tcp_flow *flow)
{
    if (flow->pipe_down != NULL)
        return; /* once more when it is empty */
    shutdown(flow->fd, SHUT_WR);
    tcp_flow_maybe_finish(flow);
}
