/* SPDX-License-Identifier: MIT */
/* Accepts until there is nothing more or the turn is over, so that one busy port starves nobody. Where
 * clients go is the callback's business.
 *
 * Out of descriptors, accept(2) fails and the client keeps waiting, hence the poll would fire for ever: the
 * reserve is spent to refuse clients one by one. Should even the reserve be gone, polling stops and the owner
 * resumes it after a while. */
#include "host-bridge/features/forwards/host_listener.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_A_TURN 64

struct listener_socket {
    uv_poll_t poll;
    struct host_listener *listener;
    int fd;
};

struct host_listener {
    const struct host_listener_callbacks *callbacks;
    void *ctx, *closed_ctx;
    struct fd_reserve *reserve;
    bool closing, paused;
    int open_handles;
    int count;
    struct listener_socket sockets[HOST_SOCKETS_MAX];
};

static void handle_readable(uv_poll_t *poll, int status, int events);

static void pause_polling(struct host_listener *listener)
{
    for (int i = 0; i < listener->count; i++)
        uv_poll_stop(&listener->sockets[i].poll);
    listener->paused = true;
}

static int start_polling(struct host_listener *listener)
{
    for (int i = 0; i < listener->count; i++) {
        int status = uv_poll_start(&listener->sockets[i].poll, UV_READABLE, handle_readable);
        if (status < 0)
            return status;
    }
    listener->paused = false;
    return 0;
}

void host_listener_resume(struct host_listener *listener)
{
    if (listener->paused && !listener->closing)
        start_polling(listener);
}

/* Turns away who waits. */
static void handle_exhaustion(struct listener_socket *socket, int status, int turns_left)
{
    struct host_listener *listener = socket->listener;
    unsigned refused = 0;
    bool filled = true;
    int taken = 1;
    for (; filled && taken > 0 && turns_left > 0; turns_left--) {
        taken = fd_reserve_refuse(listener->reserve, socket->fd);
        filled = fd_reserve_fill(listener->reserve);
        if (taken > 0)
            refused++;
    }
    if (taken < 0 || !filled)
        pause_polling(listener);
    if (refused > 0 || listener->paused)
        listener->callbacks->on_exhausted(listener->ctx, status, refused, listener->paused);
}

static bool is_exhaustion(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void accept_clients(struct listener_socket *socket)
{
    struct host_listener *listener = socket->listener;
    for (int turn = 0; turn < ACCEPTS_A_TURN && !listener->closing; turn++) {
        int fd = accept4(socket->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            listener->callbacks->on_client(listener->ctx, fd);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (is_exhaustion(errno)) {
            handle_exhaustion(socket, -errno, ACCEPTS_A_TURN - turn);
            return;
        }
        /* else that client has gone already: the next */
    }
}

static void handle_readable(uv_poll_t *poll, int status, int events)
{
    accept_clients(poll->data);
}

static void handle_closed(uv_handle_t *handle)
{
    struct listener_socket *socket = handle->data;
    struct host_listener *listener = socket->listener;
    if (--listener->open_handles > 0)
        return;
    void (*on_closed)(void *closed_ctx) = listener->callbacks->on_closed;
    void *closed_ctx = listener->closed_ctx;
    bool announce = listener->closing;
    free(listener);
    if (announce)
        on_closed(closed_ctx);
}

static void close_handles(struct host_listener *listener, bool close_sockets)
{
    for (int i = 0; i < listener->count; i++) {
        uv_close((uv_handle_t *)&listener->sockets[i].poll, handle_closed);
        if (close_sockets)
            close(listener->sockets[i].fd);
    }
}

int host_listener_open(uv_loop_t *loop, const struct host_sockets *take, struct fd_reserve *reserve,
                       const struct host_listener_callbacks *callbacks, void *ctx, struct host_listener **ret)
{
    struct host_listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL)
        return UV_ENOMEM;
    listener->callbacks = callbacks;
    listener->ctx = ctx;
    listener->reserve = reserve;
    int status = 0;
    for (int i = 0; i < take->count && status == 0; i++) {
        struct listener_socket *socket = &listener->sockets[i];
        socket->listener = listener;
        socket->fd = take->fds[i];
        socket->poll.data = socket;
        status = uv_poll_init(loop, &socket->poll, socket->fd);
        if (status == 0)
            listener->count = listener->open_handles = i + 1;
    }
    if (status == 0)
        status = start_polling(listener);
    if (status < 0) {
        if (listener->count == 0)
            free(listener);
        else
            close_handles(listener, false);
        return status;
    }
    *ret = listener;
    return 0;
}

void host_listener_close(struct host_listener *listener, void *closed_ctx)
{
    listener->closing = true;
    listener->closed_ctx = closed_ctx;
    close_handles(listener, true);
}
