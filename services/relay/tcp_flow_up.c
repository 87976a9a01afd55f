/* SPDX-License-Identifier: MIT */
/* Socket → channel. Ordinary traffic goes through the loop's scratch area: one recv, one send, the frame's
 * header in the same call. A socket that keeps filling large reads is busy: where the stream can, its bytes
 * then go through a pipe by splice(2) and are not copied here at all, until they come in small pieces again.
 * The header is sent when the pipe has been filled, so its length is exact. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "services/relay/tcp_flow_internal.h"

#define READ_SIZE_MIN  (16 * 1024)
#define READS_A_WAKEUP 4
#define BULK_AFTER     4 /* full reads of BULK_READ_MIN in a row */
#define BULK_READ_MIN  (64 * 1024)
#define BULK_SMALL     (16 * 1024) /* pieces below it end bulk mode */

static void reach_eof(struct tcp_flow *flow)
{
    flow->socket_eof = true;
    tcp_flow_send_fin(flow);
}

void tcp_flow_send_fin(struct tcp_flow *flow)
{
    flow->fin_waits = channel_send_fin(&flow->channel) < 0;
    if (!flow->fin_waits)
        tcp_flow_maybe_finish(flow);
}

static void count_up(struct tcp_flow *flow, size_t size)
{
    flow->member.set->bytes_out += size;
}

/* False when there is no more for now. */
static bool copy_once(struct tcp_flow *flow)
{
    struct stream *stream = flow->channel.stream;
    size_t room = stream_write_room(stream);
    if (room == 0) {
        flow->channel_blocked = true;
        return false;
    }
    uint8_t *scratch = flow->relay->loop->relay_scratch;
    size_t wanted = room < flow->read_size ? room : flow->read_size;
    ssize_t size = recv(flow->fd, scratch + FRAME_HEADER_SIZE, wanted, MSG_DONTWAIT);
    if (size == 0) {
        reach_eof(flow);
        return false;
    }
    if (size < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            tcp_flow_abort(flow, uv_translate_sys_error(errno), "");
        return errno == EINTR;
    }
    count_up(flow, (size_t)size);
    int status = stream_write(stream, scratch, (size_t)size);
    if (status < 0) {
        tcp_flow_abort(flow, status, "");
        return false;
    }
    bool full = (size_t)size == flow->read_size;
    flow->full_reads =
        full && size >= BULK_READ_MIN ? (uint8_t)(flow->full_reads + (flow->full_reads < 255)) : 0;
    if (full && flow->read_size < SCRATCH_SIZE)
        flow->read_size *= 2;
    else if ((size_t)size < flow->read_size / 4 && flow->read_size > READ_SIZE_MIN)
        flow->read_size /= 2;
    return full;
}

static void leave_bulk(struct tcp_flow *flow)
{
    flow->bulk_up = false;
    flow->full_reads = 0;
    flow->read_size = READ_SIZE_MIN;
}

/* Pipe → stream; gives the pipe back when it is empty. False when the stream is full or broken. */
static bool drain_pipe(struct tcp_flow *flow)
{
    struct bulk_pipe *pipe = flow->pipe_up;
    while (pipe->level > 0) {
        ssize_t size = stream_splice_from(flow->channel.stream, pipe->read_fd, pipe->level);
        if (size == UV_EAGAIN) {
            flow->channel_blocked = true;
            return false;
        }
        if (size < 0) { /* the stream's end is about to be told; the frame can't be completed */
            tcp_flow_abort(flow, (int)size, "");
            return false;
        }
        pipe->level -= (size_t)size;
    }
    bulk_pipes_give_back(&flow->relay->pipes, pipe);
    flow->pipe_up = NULL;
    return true;
}

/* Socket → pipe → stream. False when there is no more for now. */
static bool splice_once(struct tcp_flow *flow)
{
    if (stream_write_room(flow->channel.stream) == 0) {
        flow->channel_blocked = true;
        return false;
    }
    struct bulk_pipe *pipe = bulk_pipes_take(&flow->relay->pipes);
    if (pipe == NULL) {
        leave_bulk(flow);
        return true;
    }
    ssize_t size =
        splice(flow->fd, NULL, pipe->write_fd, NULL, pipe->capacity, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (size <= 0) {
        int error = errno;
        bulk_pipes_give_back(&flow->relay->pipes, pipe);
        if (size == 0)
            reach_eof(flow);
        else if (error != EAGAIN && error != EINTR)
            tcp_flow_abort(flow, uv_translate_sys_error(error), "");
        return false;
    }
    count_up(flow, (size_t)size);
    pipe->level = (size_t)size;
    flow->pipe_up = pipe;
    if (!drain_pipe(flow))
        return false;
    if (size >= BULK_SMALL)
        return true;
    leave_bulk(flow);
    return false;
}

void tcp_flow_pump_up(struct tcp_flow *flow)
{
    if (flow->pipe_up != NULL && !drain_pipe(flow))
        return;
    for (int i = 0; i < READS_A_WAKEUP && !flow->over && !flow->socket_eof; i++) {
        if (flow->full_reads >= BULK_AFTER && stream_can_splice(flow->channel.stream)) {
            flow->bulk_up = true;
            flow->full_reads = 0;
        }
        if (flow->bulk_up ? !splice_once(flow) : !copy_once(flow))
            break;
    }
}
