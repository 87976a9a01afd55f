/* SPDX-License-Identifier: MIT */
/* Accepts TCP clients on a forward's host sockets. */
#ifndef HOSPES_HOST_LISTENER_H
#define HOSPES_HOST_LISTENER_H

#include <uv.h>

#include "host-bridge/features/forwards/fd_reserve.h"
#include "host-bridge/features/forwards/host_sockets.h"

struct host_listener; /* opaque; owned until host_listener_close */

struct host_listener_callbacks {
    /* A client; `fd` is non-blocking and the callee's. host_listener_close is allowed. */
    void (*on_client)(void *ctx, int fd);
    /* No descriptor (or memory) for another client. `refused` of them were turned away just now; `paused`:
     * not even that was possible, and no client is taken until host_listener_resume. */
    void (*on_exhausted)(void *ctx, int status, unsigned refused, bool paused);
    /* After host_listener_close, once the handles are closed: the listener is freed. */
    void (*on_closed)(void *closed_ctx);
};

/* Takes the sockets over on success. `reserve` and `callbacks` are borrowed. UV_ENOMEM, libuv's. */
int host_listener_open(uv_loop_t *loop, const struct host_sockets *take, struct fd_reserve *reserve,
                       const struct host_listener_callbacks *callbacks, void *ctx,
                       struct host_listener **ret);
/* The port is free on return; no callback but on_closed(closed_ctx) comes any more, never before return. */
void host_listener_close(struct host_listener *listener, void *closed_ctx);
void host_listener_resume(struct host_listener *listener); /* no-op unless paused */

#endif
