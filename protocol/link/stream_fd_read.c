/* SPDX-License-Identifier: MIT */
/* The reading half of a stream_fd: into the loop's scratch area and on to the handler, or, for large frames,
 * straight from the socket by the handler's splice. What the handler does not take waits in `held`. */
#include <errno.h>
#include <sys/socket.h>

#include "protocol/base/status.h"
#include "protocol/link/stream_fd_internal.h"

#define READ_SIZE_MAX (128 * 1024) /* more than a core's cache takes gains nothing */
#define SPLICE_MIN    (64 * 1024)  /* DATA frames with so much to come are busy ones */

static int handle_frame(void *ctx, const struct frame_header *header, struct span payload)
{
    struct stream_fd *s = ctx;
    if (s->base.handler == NULL || s->state == STATE_ENDED)
        return UV_ECANCELED; /* closed by the handler of the DATA before */
    if (header->channel != 0 || header->type == FRAME_CREDIT)
        return STATUS_MALFORMED;
    s->base.handler->on_frame(s->base.ctx, (enum frame_type)header->type, payload);
    return s->base.handler == NULL || s->state == STATE_ENDED ? UV_ECANCELED : 0;
}

static size_t handle_data(void *ctx, const struct frame_header *header, struct span piece)
{
    struct stream_fd *s = ctx;
    if (s->base.handler == NULL || s->state == STATE_ENDED)
        return 0;
    if (s->base.handler->on_data == NULL || header->channel != 0) {
        stream_fd_end(s, STATUS_UNEXPECTED, "data on a stream without data");
        return 0;
    }
    return s->base.handler->on_data(s->base.ctx, piece);
}

static const struct frame_reader_callbacks READER_CALLBACKS = {.on_frame = handle_frame,
                                                               .on_data = handle_data};

/* Hands bytes on. Returns how many were taken; afterwards the stream may be ended or closed. */
static size_t feed(struct stream_fd *s, struct span bytes)
{
    size_t taken = 0;
    s->feeding = true;
    int status = frame_reader_feed(&s->reader, bytes, &READER_CALLBACKS, s, &taken);
    s->feeding = false;
    if (s->base.handler == NULL || s->state == STATE_ENDED)
        return bytes.size;
    if (status < 0) {
        stream_fd_end(s, status, "");
        return bytes.size;
    }
    return taken;
}

static void read_end(struct stream_fd *s)
{
    if (frame_reader_at_boundary(&s->reader))
        stream_fd_end(s, UV_EOF, "");
    else
        stream_fd_end(s, UV_EOF, "the connection was cut within a frame");
}

enum step { STEP_MORE, STEP_DONE, STEP_COPY };

/* Lets the handler take the payload of a large frame straight from the socket. STEP_COPY: read it the
 * ordinary way. */
static enum step splice_once(struct stream_fd *s)
{
    size_t left = frame_reader_data_left(&s->reader);
    if (left == 0 || (!s->bulk && left < SPLICE_MIN) || s->base.handler->on_splice == NULL ||
        s->reader.header.channel != 0)
        return STEP_COPY;
    ssize_t size = s->base.handler->on_splice(s->base.ctx, s->fd, left);
    if (s->base.handler == NULL || s->state == STATE_ENDED)
        return STEP_DONE;
    if (size > 0) {
        frame_reader_skip(&s->reader, (size_t)size);
        s->bulk = true;
        return STEP_MORE;
    }
    if (size == UV_ENOTSUP)
        return STEP_COPY;
    if (size == 0)
        read_end(s);
    else if (size == UV_EBUSY)
        s->paused = true;
    else if (size != UV_EAGAIN)
        stream_fd_end(s, (int)size, "");
    return STEP_DONE;
}

/* While large frames follow each other only their headers are read here. */
static size_t choose_read_size(struct stream_fd *s)
{
    size_t header_left = frame_reader_header_left(&s->reader);
    if (s->can_splice && s->bulk && header_left > 0)
        return header_left;
    return s->read_size;
}

/* What the handler did not take waits in `held`. */
static bool take(struct stream_fd *s, struct span bytes)
{
    size_t taken = feed(s, bytes);
    if (s->base.handler == NULL || s->state == STATE_ENDED)
        return false;
    if (taken == bytes.size)
        return true;
    s->paused = true;
    s->read_size = STREAM_FD_READ_SIZE_MIN;
    if (buffer_append(&s->held, bytes.data + taken, bytes.size - taken) < 0)
        stream_fd_end(s, UV_ENOMEM, "");
    return false;
}

bool stream_fd_read_once(struct stream_fd *s)
{
    if (s->can_splice) {
        enum step step = splice_once(s);
        if (step != STEP_COPY)
            return step == STEP_MORE;
    }
    uint8_t *into = s->loop->scratch;
    size_t wanted = choose_read_size(s);
    ssize_t size = recv(s->fd, into, wanted, MSG_DONTWAIT);
    if (size == 0) {
        read_end(s);
        return false;
    }
    if (size < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            stream_fd_end(s, uv_translate_sys_error(errno), "");
        return errno == EINTR;
    }
    if (!take(s, span_of(into, (size_t)size)))
        return false;
    bool full = (size_t)size == wanted;
    if (wanted < s->read_size) { /* it was a header */
        s->bulk =
            frame_reader_data_left(&s->reader) >= SPLICE_MIN || frame_reader_header_left(&s->reader) > 0;
        return full;
    }
    s->bulk = false;
    if (full && s->read_size < READ_SIZE_MAX && !stream_takes_turns(&s->base))
        s->read_size *= 2;
    return full;
}

void stream_fd_resume(struct stream *stream)
{
    struct stream_fd *s = (struct stream_fd *)stream;
    if (!s->paused || s->feeding || s->state != STATE_OPEN)
        return;
    s->paused = false;
    if (buffer_size(&s->held) > 0) {
        struct buffer held = s->held; /* a handler may close the stream while it is fed */
        buffer_init(&s->held, held.limit);
        size_t taken = feed(s, buffer_span(&held));
        if (s->base.handler != NULL && s->state == STATE_OPEN && taken < buffer_size(&held)) {
            s->paused = true;
            buffer_consume(&held, taken);
            s->held = held;
            stream_fd_update_poll(s);
            return;
        }
        buffer_finish(&held);
    }
    stream_fd_update_poll(s);
}
