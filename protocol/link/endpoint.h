/* SPDX-License-Identifier: MIT */
/* How a bridge reaches one agent: opens streams over whatever the link is. For vsock, hybrid and unix each
 * stream is a connection of its own; for serial and exec one transport carries all of them. */
#ifndef HOSPES_ENDPOINT_H
#define HOSPES_ENDPOINT_H

#include "protocol/link/link_loop.h"
#include "protocol/link/spec.h"
#include "protocol/link/stream.h"

struct endpoint; /* opaque */

enum endpoint_port { ENDPOINT_CONTROL, ENDPOINT_EVENTS };

/* The spec is copied. on_lost fires when the shared transport of a serial or exec link ends (never for the
 * others, whose streams end one by one), never within a call; `text` adds detail ("exit status 255").
 * UV_ENOMEM. */
int endpoint_create(struct link_loop *loop, const struct link_spec *spec,
                    void (*on_lost)(void *ctx, int status, const char *text), void *ctx,
                    struct endpoint **ret);

/* A new stream to the agent. May succeed before anything is known of the other side: only an answer proves
 * it. Errors at once: STATUS_NEEDS_AUTHENTICATION (tcp), UV_ENOENT and the like (no socket file),
 * STATUS_NO_SUCH_VM, UV_EMFILE, STATUS_LIMIT. */
int endpoint_open(struct endpoint *endpoint, enum endpoint_port port, struct stream **ret);

/* True when control and events are reached by different addresses. */
bool endpoint_has_events_port(const struct endpoint *endpoint);

/* Gives up the shared transport, if there is one; the next endpoint_open makes a new one. */
void endpoint_reset(struct endpoint *endpoint);

/* Asynchronous for exec (the command is ended, by SIGTERM, then SIGKILL); on_closed never before return.
 * Streams must be closed before. */
void endpoint_close(struct endpoint *endpoint, void (*on_closed)(void *ctx), void *ctx);

#endif
