/* SPDX-License-Identifier: MIT */
/* Accepts in bounded batches. With no descriptor left a pending client would wake a level-triggered poll for
 * ever: the reserve lets it in to be closed at once. Where that is not possible either (the whole system has
 * none), the socket is left alone for a moment. */
#include "protocol/link/accept_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

static int open_reserve(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

#define REST_MS 100

static void handle_poll(uv_poll_t *poll, int status, int events);

static void handle_rest_over(uv_timer_t *timer)
{
    struct accept_socket *accept_socket = timer->data;
    uv_poll_start(&accept_socket->poll, UV_READABLE, handle_poll);
}

static void rest(struct accept_socket *accept_socket)
{
    uv_poll_stop(&accept_socket->poll);
    uv_timer_start(&accept_socket->timer, handle_rest_over, REST_MS, 0);
}

/* False when there was no client (the kernel looks for a descriptor before it looks for one), or no way to
 * let it in. */
static bool turn_one_away(struct accept_socket *accept_socket)
{
    if (accept_socket->reserve_fd >= 0)
        close(accept_socket->reserve_fd);
    int fd = accept4(accept_socket->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    bool nobody = fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    if (fd >= 0)
        close(fd);
    accept_socket->reserve_fd = open_reserve();
    if (fd >= 0)
        accept_socket->on_exhausted(accept_socket->ctx);
    else if (!nobody)
        rest(accept_socket);
    return fd >= 0;
}

static void handle_poll(uv_poll_t *poll, int status, int events)
{
    struct accept_socket *accept_socket = poll->data;
    for (int i = 0; i < ACCEPTS_A_WAKEUP && !uv_is_closing((uv_handle_t *)poll); i++) {
        int fd = accept4(accept_socket->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            accept_socket->on_accept(accept_socket->ctx, fd);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            break;
        if ((errno == EMFILE || errno == ENFILE) && turn_one_away(accept_socket))
            continue;
        if (errno == ENOMEM || errno == ENOBUFS)
            rest(accept_socket);
        break;
    }
}

int accept_socket_init(struct accept_socket *accept_socket, uv_loop_t *uv, int fd,
                       void (*on_accept)(void *ctx, int fd), void (*on_exhausted)(void *ctx), void *ctx)
{
    int status = uv_poll_init(uv, &accept_socket->poll, fd);
    if (status < 0) {
        close(fd);
        return status;
    }
    accept_socket->poll.data = accept_socket;
    uv_timer_init(uv, &accept_socket->timer);
    accept_socket->timer.data = accept_socket;
    accept_socket->handles = 2;
    accept_socket->fd = fd;
    accept_socket->reserve_fd = open_reserve();
    accept_socket->on_accept = on_accept;
    accept_socket->on_exhausted = on_exhausted;
    accept_socket->ctx = ctx;
    uv_poll_start(&accept_socket->poll, UV_READABLE, handle_poll);
    return 0;
}

static void handle_closed(uv_handle_t *handle)
{
    struct accept_socket *accept_socket = handle->data;
    if (--accept_socket->handles == 0 && accept_socket->on_closed != NULL)
        accept_socket->on_closed(accept_socket->ctx);
}

void accept_socket_close(struct accept_socket *accept_socket, void (*on_closed)(void *ctx))
{
    accept_socket->on_closed = on_closed;
    uv_close((uv_handle_t *)&accept_socket->poll, handle_closed);
    uv_close((uv_handle_t *)&accept_socket->timer, handle_closed);
    close(accept_socket->fd);
    if (accept_socket->reserve_fd >= 0)
        close(accept_socket->reserve_fd);
}
