/* SPDX-License-Identifier: MIT */
/* The writing half of a stream_fd: frames go straight to the socket; what it does not take waits in `out`. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "protocol/link/stream_fd_internal.h"

/* Sends what it can of parts; returns bytes taken (0 when the socket is full). */
static size_t try_send(struct stream_fd *s, struct iovec *parts, int count, int flags)
{
    struct msghdr header = {.msg_iov = parts, .msg_iovlen = (size_t)count};
    ssize_t sent;
    do
        sent = sendmsg(s->fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT | flags);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return (size_t)sent;
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS)
        s->write_dead = true;
    return 0;
}

static bool can_send_now(const struct stream_fd *s)
{
    return s->state == STATE_OPEN && buffer_size(&s->out) == 0 && s->splice_left == 0;
}

int stream_fd_send(struct stream *stream, enum frame_type type, struct span payload)
{
    struct stream_fd *s = (struct stream_fd *)stream;
    if (s->write_dead || s->state == STATE_ENDED)
        return 0; /* reading will find the end */
    if (s->splice_left > 0)
        return UV_ENOBUFS; /* nothing fits into a frame that is being spliced: a reset becomes a cut within it
                            */
    uint8_t head[FRAME_HEADER_SIZE];
    frame_header_encode(&(struct frame_header){.length = (uint32_t)payload.size, .type = (uint8_t)type},
                        head);
    size_t sent = 0;
    if (can_send_now(s)) {
        struct iovec parts[2] = {{head, sizeof(head)}, {(void *)(uintptr_t)payload.data, payload.size}};
        sent = try_send(s, parts, payload.size > 0 ? 2 : 1, 0);
        if (s->write_dead || sent == sizeof(head) + payload.size)
            return 0;
    } else if (buffer_room(&s->out) < sizeof(head) + payload.size) {
        s->notify = true;
        stream_fd_update_poll(s);
        return UV_ENOBUFS;
    }
    int status = 0;
    if (sent < sizeof(head)) {
        status = buffer_append(&s->out, head + sent, sizeof(head) - sent);
        sent = sizeof(head);
    }
    if (status == 0 && payload.size > 0)
        status = buffer_append(&s->out, payload.data + (sent - sizeof(head)),
                               payload.size - (sent - sizeof(head)));
    if (status < 0)
        s->write_dead = true; /* half a frame may be out: the stream can't go on */
    stream_fd_update_poll(s);
    return status;
}

size_t stream_fd_write_room(struct stream *stream)
{
    struct stream_fd *s = (struct stream_fd *)stream;
    if (can_send_now(s) || s->write_dead)
        return SCRATCH_SIZE;
    if (s->state == STATE_ENDED)
        return buffer_size(&s->out) == 0 && s->splice_left == 0 ? SCRATCH_SIZE : 0;
    if (!s->notify) {
        s->notify = true;
        stream_fd_update_poll(s);
    }
    return 0;
}

int stream_fd_write(struct stream *stream, uint8_t *head_room, size_t size)
{
    struct stream_fd *s = (struct stream_fd *)stream;
    if (s->write_dead)
        return 0;
    assert(can_send_now(s) && size > 0 && size <= SCRATCH_SIZE);
    frame_header_encode(&(struct frame_header){.length = (uint32_t)size, .type = FRAME_DATA}, head_room);
    struct iovec part = {head_room, FRAME_HEADER_SIZE + size};
    size_t sent = try_send(s, &part, 1, 0);
    if (s->write_dead || sent == part.iov_len)
        return 0;
    int status = buffer_append(&s->out, head_room + sent, part.iov_len - sent);
    if (status < 0)
        s->write_dead = true;
    stream_fd_update_poll(s);
    return status;
}

ssize_t stream_fd_splice_from(struct stream *stream, int pipe_fd, size_t size)
{
    struct stream_fd *s = (struct stream_fd *)stream;
    if (s->splice_left == 0) {
        if (!s->write_dead && !can_send_now(s)) {
            stream_fd_write_room(stream);
            return UV_EAGAIN;
        }
        uint8_t head[FRAME_HEADER_SIZE];
        frame_header_encode(&(struct frame_header){.length = (uint32_t)size, .type = FRAME_DATA}, head);
        struct iovec part = {head, sizeof(head)};
        size_t sent = try_send(s, &part, 1, MSG_MORE);
        s->splice_left = (uint32_t)size;
        if (sent < sizeof(head) && buffer_append(&s->out, head + sent, sizeof(head) - sent) < 0)
            s->write_dead = true;
    }
    assert(size == s->splice_left);
    if (s->write_dead)
        return UV_EPIPE;
    ssize_t moved = -1;
    errno = EAGAIN;
    if (buffer_size(&s->out) == 0)
        moved = splice(pipe_fd, NULL, s->fd, NULL, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (moved > 0) {
        s->splice_left -= (uint32_t)moved;
        return moved;
    }
    if (moved < 0 && errno != EAGAIN) {
        s->write_dead = true;
        return UV_EPIPE;
    }
    s->notify = true;
    stream_fd_update_poll(s);
    return UV_EAGAIN;
}

void stream_fd_flush(struct stream_fd *s)
{
    while (buffer_size(&s->out) > 0 && !s->write_dead) {
        struct span rest = buffer_span(&s->out);
        struct iovec part = {(void *)(uintptr_t)rest.data, rest.size};
        size_t sent = try_send(s, &part, 1, 0);
        if (sent == 0)
            break;
        buffer_consume(&s->out, sent);
    }
    if (s->write_dead)
        buffer_finish(&s->out);
    if (s->notify && (buffer_size(&s->out) == 0 || s->write_dead)) {
        s->notify = false;
        if (s->base.handler->on_writable != NULL)
            s->base.handler->on_writable(s->base.ctx);
    }
}

void stream_fd_send_rest(struct stream_fd *s)
{
    if (s->state != STATE_OPEN || buffer_size(&s->out) == 0)
        return;
    struct span rest = buffer_span(&s->out);
    struct iovec part = {(void *)(uintptr_t)rest.data, rest.size};
    try_send(s, &part, 1, 0);
}
