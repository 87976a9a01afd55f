/* SPDX-License-Identifier: MIT */
/* One listening socket on the loop: accepts without spinning when descriptors run out. */
#ifndef HOSPES_ACCEPT_SOCKET_H
#define HOSPES_ACCEPT_SOCKET_H

#include <uv.h>

#define ACCEPTS_A_WAKEUP 64 /* then other descriptors have their turn */

struct accept_socket {
    uv_poll_t poll;
    uv_timer_t timer; /* ends a rest */
    int handles;      /* not yet closed */
    int fd;
    int reserve_fd; /* given up for a moment to turn away a client when there are no descriptors left */
    /* A connected, non-blocking descriptor: the callee's from now on. */
    void (*on_accept)(void *ctx, int fd);
    /* A client was turned away: no descriptors. */
    void (*on_exhausted)(void *ctx);
    void (*on_closed)(void *ctx); /* after accept_socket_close; can be NULL */
    void *ctx;
};

/* Takes `fd` (listening, non-blocking) in every case. */
int accept_socket_init(struct accept_socket *accept_socket, uv_loop_t *uv, int fd,
                       void (*on_accept)(void *ctx, int fd), void (*on_exhausted)(void *ctx), void *ctx);
void accept_socket_close(struct accept_socket *accept_socket, void (*on_closed)(void *ctx));

#endif
