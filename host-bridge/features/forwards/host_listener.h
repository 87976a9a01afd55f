/* SPDX-License-Identifier: MIT */
/* Accepts TCP clients on a forward's host sockets. */
#ifndef HOSPES_LISTENER_H
#define HOSPES_LISTENER_H

#include <uv.h>

#include "host-bridge/features/forwards/fd_reserve.h"
#include "host-bridge/features/forwards/host_sockets.h"

struct listener; /* opaque; owned until listener_close */

struct listener_callbacks {
    /* A client; `fd` is non-blocking and the callee's. listener_close is allowed. */
    void (*on_client)(void *ctx, int fd);
    /* No descriptor (or memory) for another client. `refused` of them were turned away just now; `paused`:
     * not even that was possible, and no client is taken until listener_resume. */
    void (*on_exhausted)(void *ctx, int status, unsigned refused, bool paused);
    /* After listener_close, once the handles are closed: the listener is freed. */
    void (*on_closed)(void *closed_ctx);
};

/* Takes the sockets over on success. `reserve` and `callbacks` are borrowed. UV_ENOMEM, libuv's. */
int listener_open(uv_loop_t *loop, const struct host_sockets *take, struct fd_reserve *reserve,
                  const struct listener_callbacks *callbacks, void *ctx, struct listener **ret);
/* The port is free on return; no callback but on_closed(closed_ctx) comes any more, never before return. */
void listener_close(struct listener *listener, void *closed_ctx);
void listener_resume(struct listener *listener); /* no-op unless paused */

#endif
