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
#include "protocol/link/stream_fd_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "protocol/base/status.h"

#define SEND_BUFFER_BYTES (1024 * 1024)
#define READS_A_WAKEUP    8 /* then the loop's other descriptors have their turn */

static void handle_poll(uv_poll_t *poll, int status, int events);

void stream_fd_update_poll(struct stream_fd *s)
{
    if (s->base.handler == NULL || uv_is_closing((uv_handle_t *)&s->poll))
        return;
    int events = 0;
    bool writing = s->state == STATE_CONNECTING || (s->state == STATE_GREETING && !s->greeting_sent) ||
                   (s->state == STATE_OPEN && (buffer_size(&s->out) > 0 || s->notify));
    if (writing && !s->write_dead)
        events |= UV_WRITABLE;
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

void stream_fd_end(struct stream_fd *s, int status, const char *text)
{
    if (s->state == STATE_ENDED || s->base.handler == NULL)
        return;
    s->state = STATE_ENDED;
    stream_fd_update_poll(s);
    s->base.handler->on_end(s->base.ctx, status, text);
}

static void finish_connect(struct stream_fd *s)
{
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        int status = uv_translate_sys_error(error);
        stream_fd_end(s, s->connect_error != NULL ? s->connect_error(status) : status, "");
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
            stream_fd_end(s, STATUS_GREETING_REFUSED, "");
            return;
        }
        s->greeting_sent = true;
    }
    char c;
    ssize_t size;
    while ((size = recv(s->fd, &c, 1, MSG_DONTWAIT)) == 1) {
        int status = greeting_feed(&s->greeting, c);
        if (status < 0) {
            stream_fd_end(s, status, "the VM manager answered the greeting with something else than OK");
            return;
        }
        if (status > 0) {
            s->state = STATE_OPEN;
            return;
        }
    }
    if (size == 0 || (errno != EAGAIN && errno != EINTR))
        stream_fd_end(s, STATUS_GREETING_REFUSED, "");
}

/* A message may cost far more than its bytes: a stream of messages has one small read, then others have their
 * turn. */
static int reads_a_wakeup(const struct stream_fd *s)
{
    return stream_takes_turns(&s->base) ? 1 : READS_A_WAKEUP;
}

static void go_on(struct stream_fd *s, int events)
{
    if (s->state == STATE_CONNECTING)
        finish_connect(s);
    if (s->state == STATE_GREETING)
        go_on_greeting(s);
    if (s->base.handler != NULL && s->state == STATE_OPEN && (events & UV_WRITABLE) != 0)
        stream_fd_flush(s);
    if ((events & UV_READABLE) == 0)
        return;
    for (int i = 0; i < reads_a_wakeup(s) && s->base.handler != NULL && s->state == STATE_OPEN && !s->paused;
         i++) {
        if (!stream_fd_read_once(s))
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
    stream_fd_update_poll(s);
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
    stream_fd_send_rest(s);
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

/* Fewer wakeups of the other side for each megabyte. The kernel caps it (at twice its default as a rule) and
 * takes memory only for what is under way. */
static void widen(int fd)
{
    int size = SEND_BUFFER_BYTES;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

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
    if (options->splice)
        widen(fd);
    int status = uv_poll_init(loop->uv, &s->poll, fd);
    if (status < 0) {
        close(fd);
        free(s);
        return status;
    }
    s->base.ops = options->splice ? &OPS_SPLICE : &OPS;
    s->poll.data = s;
    s->can_splice = options->splice;
    s->read_size = STREAM_FD_READ_SIZE_MIN;
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
