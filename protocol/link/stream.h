/* SPDX-License-Identifier: MIT */
/* A stream carries frames between the two sides of one connection, whatever the connection is: a descriptor
 * of its own (stream_fd.h) or a channel of a mux (mux_link.h).
 *
 * Contract of every kind
 *   - A stream is usable from its creation: frames sent before the connection is up are queued.
 *   - Callbacks never fire before the creating call returns, and never after stream_close.
 *   - on_end fires at most once; after it only stream_close is allowed. Until stream_close the stream stays
 * allocated.
 *   - stream_close may be called at any moment, from any callback. The stream frees itself on the loop.
 *   - Every queue is bounded: stream_send fails rather than grow; stream_write_room says what DATA is
 * accepted now.
 */
#ifndef HOSPES_STREAM_H
#define HOSPES_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "protocol/wire/frame.h"
#include "protocol/wire/message.h"

struct stream;

struct stream_handler {
    /* A whole frame other than DATA. */
    void (*on_frame)(void *ctx, enum frame_type type, struct span payload);
    /* DATA bytes. Returns how many were taken; fewer pauses the stream until stream_resume, which hands the
     * rest on again. NULL: DATA is not allowed on this stream and ends it. */
    size_t (*on_data)(void *ctx, struct span bytes);
    /* The next `size` bytes of DATA can be taken from `fd` by splice(2), up to all of them. Returns how many
     * were; 0 when fd is at its end; UV_EAGAIN when fd has nothing now; UV_EBUSY when nothing can be taken
     * before stream_resume; UV_ENOTSUP: hand them to on_data. Asked only for large frames on sockets that
     * take splice well. Can be NULL. */
    ssize_t (*on_splice)(void *ctx, int fd, size_t size);
    /* stream_write_room was 0, or stream_send gave UV_ENOBUFS, and there is room again. Can be NULL. */
    void (*on_writable)(void *ctx);
    /* The connection is over: UV_EOF after a clean end, otherwise why. `text` adds detail; never NULL, may be
     * empty. */
    void (*on_end)(void *ctx, int status, const char *text);
    /* True while what comes may cost far more than its bytes (messages): one small read, then others have
     * their turn. NULL: true when on_data is NULL. */
    bool (*takes_turns)(void *ctx);
};

struct stream_ops {
    int (*send)(struct stream *stream, enum frame_type type, struct span payload);
    size_t (*write_room)(struct stream *stream);
    int (*write)(struct stream *stream, uint8_t *head_room, size_t size);
    ssize_t (*splice_from)(struct stream *stream, int pipe_fd, size_t size); /* NULL: not possible */
    void (*resume)(struct stream *stream);
    void (*close)(struct stream *stream);
    bool close_drops_queue; /* closing takes back what was sent and is still queued (a mux: RST) */
};

/* The head of every kind of stream. */
struct stream {
    const struct stream_ops *ops;
    const struct stream_handler *handler; /* NULL once closed */
    void *ctx;
};

static inline void stream_set_handler(struct stream *stream, const struct stream_handler *handler, void *ctx)
{
    stream->handler = handler;
    stream->ctx = ctx;
}

/* Queues one frame that is not DATA. UV_ENOBUFS: the queue is full (on_writable follows), nothing was queued.
 */
static inline int stream_send(struct stream *stream, enum frame_type type, struct span payload)
{
    return stream->ops->send(stream, type, payload);
}

/* How many bytes of DATA stream_write takes now; 0 = blocked, on_writable follows. Within and after on_end: 0
 * = something that was queued will never be sent. */
static inline size_t stream_write_room(struct stream *stream)
{
    return stream->ops->write_room(stream);
}

/* Sends `size` bytes (1 … stream_write_room, and SCRATCH_SIZE at most) as DATA, all of them. The bytes stand
 * at head_room + FRAME_HEADER_SIZE: the header is written before them, so that one system call sends both.
 * UV_ENOMEM; other failures come by on_end. */
static inline int stream_write(struct stream *stream, uint8_t *head_room, size_t size)
{
    return stream->ops->write(stream, head_room, size);
}

/* True when stream_splice_from works on this stream. */
static inline bool stream_can_splice(const struct stream *stream)
{
    return stream->ops->splice_from != NULL;
}

/* Moves bytes that wait in a pipe, as one DATA frame of `size` (≤ FRAME_DATA_MAX) bytes: call it with the
 * bytes left until all have moved; nothing else may be sent between. Returns bytes moved, UV_EAGAIN
 * (on_writable follows) or another error. */
static inline ssize_t stream_splice_from(struct stream *stream, int pipe_fd, size_t size)
{
    return stream->ops->splice_from(stream, pipe_fd, size);
}

/* After on_data took less than it was given. May call on_data and on_frame before it returns. */
static inline void stream_resume(struct stream *stream)
{
    stream->ops->resume(stream);
}

/* NULL allowed. What is queued is still sent if that is possible at once; nothing is waited for. */
static inline void stream_close(struct stream *stream)
{
    if (stream != NULL)
        stream->ops->close(stream);
}

/* See stream_handler.takes_turns; true without a handler. */
static inline bool stream_takes_turns(const struct stream *stream)
{
    const struct stream_handler *handler = stream->handler;
    if (handler == NULL)
        return true;
    return handler->takes_turns != NULL ? handler->takes_turns(stream->ctx) : handler->on_data == NULL;
}

/* Encodes and sends a message. Errors of message_encode and stream_send. */
int stream_send_message(struct stream *stream, const struct message *message);
/* Sends RST with a status and a text, then closes. */
void stream_abort(struct stream *stream, int status, const char *text);

#endif
