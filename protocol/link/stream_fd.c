/* SPDX-License-Identifier: MIT */
/* One socket as a stream of frames.
 *
 * Theory of operation
 *   connecting → (greeting) → open → ended. Writing: a frame goes straight to the socket; what the socket
 * does not take waits in `out`, and while it waits nothing further is accepted but small frames up to
 * STREAM_QUEUE_MAX. Reading: into the loop's scratch area; what the handler does not take is copied to `held`
 * (one read at most) and the socket is left alone until stream_resume. The size of a read follows the
 * traffic, so that a stalled connection holds little. A failed write is no end: the other side may have said
 * why before it closed, so the end is what reading finds. It leaves to others: which socket (endpoint,
 * listener) and what the frames mean (session, channel).
 */
#include "protocol/link/stream_fd.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "protocol/link/greeting.h"

#define READ_SIZE_MIN  (16 * 1024)
#define READS_A_WAKEUP 8            /* then the loop's other descriptors have their turn */
#define READ_SIZE_MAX  (128 * 1024) /* more than a core's cache takes gains nothing */
#define SPLICE_MIN     (64 * 1024)  /* DATA frames with so much to come are busy ones */

enum state { STATE_CONNECTING, STATE_GREETING, STATE_OPEN, STATE_ENDED };

struct stream_fd {
    struct stream base;
    struct link_loop *loop;
    uv_poll_t poll;
    int fd;
    uint8_t state; /* enum state */
    bool can_splice;
    bool paused;     /* the handler took less than it was given */
    bool feeding;    /* inside frame_reader_feed */
    bool write_dead; /* the socket takes nothing more */
    bool notify;     /* the handler waits for on_writable */
    bool bulk;       /* the last frame was large and went by splice */
    bool greeting_sent;
    uint8_t poll_events; /* as last given to libuv; 0 = stopped */
    uint32_t read_size;
    uint32_t splice_left; /* of the DATA frame whose header was sent by splice_from */
    int (*connect_error)(int error);
    struct greeting greeting;
    struct frame_reader reader;
    struct buffer out;
    struct buffer held;
};

static void handle_poll(uv_poll_t *poll, int status, int events);

static void update_poll(struct stream_fd *s)
{
    if (s->base.handler == NULL || uv_is_closing((uv_handle_t *)&s->poll))
        return;
    int events = 0;
    if (s->state == STATE_CONNECTING || buffer_size(&s->out) > 0 || s->notify)
        events |= s->write_dead ? 0 : UV_WRITABLE;
    if (s->state == STATE_GREETING || (s->state == STATE_OPEN && !s->paused))
        events |= UV_READABLE;
    if (s->state == STATE_ENDED)
        events = 0;
    if (events == s->poll_events)
        return;
    s->poll_events = (uint8_t)events;
    if (events == 0)
        uv_poll_stop(&s->poll);
    else
        uv_poll_start(&s->poll, events, handle_poll);
}

static void end(struct stream_fd *s, int status, const char *text)
{
    if (s->state == STATE_ENDED || s->base.handler == NULL)
        return;
    s->state = STATE_ENDED;
    update_poll(s);
    s->base.handler->on_end(s->base.ctx, status, text);
}

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

static int stream_fd_send(struct stream *stream, enum frame_type type, struct span payload)
{
    struct stream_fd *s = (struct stream_fd *)stream;
    if (s->write_dead || s->state == STATE_ENDED)
        return 0; /* reading will find the end */
    assert(s->splice_left == 0);
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
        update_poll(s);
        return UV_ENOBUFS;
    }
    int status = 0;
    if (sent < sizeof(head)) {
        status = buffer_append(&s->out, head + sent, sizeof(head) - sent);
        sent = sizeof(head);
    }
    if (status == 0)
        status = buffer_append(&s->out, payload.data + (sent - sizeof(head)),
                               payload.size - (sent - sizeof(head)));
    if (status < 0)
        s->write_dead = true; /* half a frame may be out: the stream can't go on */
    update_poll(s);
    return status;
}

static size_t stream_fd_write_room(struct stream *stream)
{
    struct stream_fd *s = (struct stream_fd *)stream;
    if (can_send_now(s) || s->write_dead)
        return SCRATCH_SIZE;
    if (!s->notify) {
        s->notify = true;
        update_poll(s);
    }
    return 0;
}

static int stream_fd_write(struct stream *stream, uint8_t *head_room, size_t size)
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
    update_poll(s);
    return status;
}

static ssize_t stream_fd_splice_from(struct stream *stream, int pipe_fd, size_t size)
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
    update_poll(s);
    return UV_EAGAIN;
}

static int handle_frame(void *ctx, const struct frame_header *header, struct span payload)
{
    struct stream_fd *s = ctx;
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
        end(s, STATUS_UNEXPECTED, "data on a stream without data");
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
        end(s, status, "");
        return bytes.size;
    }
    return taken;
}

static void read_end(struct stream_fd *s)
{
    if (frame_reader_at_boundary(&s->reader))
        end(s, UV_EOF, "");
    else
        end(s, UV_EOF, "the connection was cut within a frame");
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
        end(s, (int)size, "");
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
    s->read_size = READ_SIZE_MIN;
    if (buffer_append(&s->held, bytes.data + taken, bytes.size - taken) < 0)
        end(s, UV_ENOMEM, "");
    return false;
}

/* One read. Returns false when the socket has no more for now (or the stream is over). */
static bool read_once(struct stream_fd *s)
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
            end(s, uv_translate_sys_error(errno), "");
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
    if (full && s->read_size < READ_SIZE_MAX)
        s->read_size *= 2;
    return full;
}

static void finish_connect(struct stream_fd *s)
{
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        int status = uv_translate_sys_error(error);
        end(s, s->connect_error != NULL ? s->connect_error(status) : status, "");
        return;
    }
    s->state = s->greeting.port != 0 ? STATE_GREETING : STATE_OPEN;
}

/* The request goes out in one write, the answer is read byte by byte: what follows it belongs to the frames.
 */
static void go_on_greeting(struct stream_fd *s)
{
    if (!s->greeting_sent) {
        char request[GREETING_REQUEST_MAX];
        size_t size = greeting_request(&s->greeting, request);
        if (send(s->fd, request, size, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)size) {
            end(s, STATUS_GREETING_REFUSED, "");
            return;
        }
        s->greeting_sent = true;
    }
    char c;
    ssize_t size;
    while ((size = recv(s->fd, &c, 1, MSG_DONTWAIT)) == 1) {
        int status = greeting_feed(&s->greeting, c);
        if (status < 0) {
            end(s, status, "the VM manager answered the greeting with something else than OK");
            return;
        }
        if (status > 0) {
            s->state = STATE_OPEN;
            return;
        }
    }
    if (size == 0 || (errno != EAGAIN && errno != EINTR))
        end(s, STATUS_GREETING_REFUSED, "");
}

static void flush(struct stream_fd *s)
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

static void go_on(struct stream_fd *s, int events)
{
    if (s->state == STATE_CONNECTING)
        finish_connect(s);
    if (s->state == STATE_GREETING)
        go_on_greeting(s);
    if (s->base.handler != NULL && s->state == STATE_OPEN && (events & UV_WRITABLE) != 0)
        flush(s);
    if ((events & UV_READABLE) == 0)
        return;
    for (int i = 0; i < READS_A_WAKEUP && s->base.handler != NULL && s->state == STATE_OPEN && !s->paused;
         i++) {
        if (!read_once(s))
            break;
    }
}

static void handle_poll(uv_poll_t *poll, int status, int events)
{
    struct stream_fd *s = poll->data;
    if (status < 0) { /* libuv's way to say POLLERR: it has stopped the handle; reading tells the error, after
                         the data */
        s->poll_events = 0;
        events = UV_READABLE | UV_WRITABLE;
    }
    go_on(s, events);
    update_poll(s);
}

static void stream_fd_resume(struct stream *stream)
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
            update_poll(s);
            return;
        }
        buffer_finish(&held);
    }
    update_poll(s);
}

static void handle_closed(uv_handle_t *handle)
{
    struct stream_fd *s = handle->data;
    frame_reader_finish(&s->reader);
    buffer_finish(&s->out);
    buffer_finish(&s->held);
    free(s);
}

static void stream_fd_close(struct stream *stream)
{
    struct stream_fd *s = (struct stream_fd *)stream;
    if (s->state == STATE_OPEN && buffer_size(&s->out) > 0) {
        struct span rest = buffer_span(&s->out);
        struct iovec part = {(void *)(uintptr_t)rest.data, rest.size};
        try_send(s, &part, 1, 0);
    }
    s->base.handler = NULL;
    s->state = STATE_ENDED;
    uv_close((uv_handle_t *)&s->poll, handle_closed);
    close(s->fd);
    s->fd = -1;
}

static const struct stream_ops OPS = {
    .send = stream_fd_send,
    .write_room = stream_fd_write_room,
    .write = stream_fd_write,
    .resume = stream_fd_resume,
    .close = stream_fd_close,
};

static const struct stream_ops OPS_SPLICE = {
    .send = stream_fd_send,
    .write_room = stream_fd_write_room,
    .write = stream_fd_write,
    .splice_from = stream_fd_splice_from,
    .resume = stream_fd_resume,
    .close = stream_fd_close,
};

int stream_fd_create(struct link_loop *loop, int fd, const struct stream_fd_options *options,
                     struct stream **ret)
{
    struct stream_fd *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        close(fd);
        return UV_ENOMEM;
    }
    s->loop = loop;
    s->fd = fd;
    int status = uv_poll_init(loop->uv, &s->poll, fd);
    if (status < 0) {
        close(fd);
        free(s);
        return status;
    }
    s->base.ops = options->splice ? &OPS_SPLICE : &OPS;
    s->poll.data = s;
    s->can_splice = options->splice;
    s->read_size = READ_SIZE_MIN;
    s->connect_error = options->connect_error;
    greeting_init(&s->greeting, options->greeting_port);
    s->state = options->connecting           ? STATE_CONNECTING
               : options->greeting_port != 0 ? STATE_GREETING
                                             : STATE_OPEN;
    frame_reader_init(&s->reader);
    buffer_init(&s->out, STREAM_QUEUE_MAX);
    buffer_init(&s->held, SCRATCH_SIZE);
    int events = s->state == STATE_CONNECTING ? UV_WRITABLE : UV_READABLE;
    if (s->state == STATE_GREETING)
        events |= UV_WRITABLE; /* wakes at once, to send the request */
    s->poll_events = (uint8_t)events;
    uv_poll_start(&s->poll, events, handle_poll);
    *ret = &s->base;
    return 0;
}
