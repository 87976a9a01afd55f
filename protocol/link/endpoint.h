/* SPDX-License-Identifier: MIT */
/* How a bridge reaches one agent: opens streams over whatever the link is. For vsock, hybrid, unix and tcp
 * each stream is a connection of its own; for serial and exec one transport carries all of them. */
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

#define ENDPOINT_PREPARE_MS 10000 /* two servers of a resolver, or a connect's first three tries */

/* Before the first endpoint_open of each try. 1: nothing to wait for, on_ready is not called (all but tcp).
 * 0: on_ready follows, never within this call, ENDPOINT_PREPARE_MS from now at the latest: status 0, or why
 * the address can't be found or reached (UV_EAI_…, UV_ECONNREFUSED, UV_ETIMEDOUT …) and in `text`, never NULL
 * and valid until return, what was tried. Errors at once: UV_ENOMEM, UV_EINVAL. endpoint_reset and
 * endpoint_close cancel it. Within on_ready everything is allowed. */
int endpoint_prepare(struct endpoint *endpoint, void (*on_ready)(void *ctx, int status, const char *text),
                     void *ctx);

/* A new stream to the agent. May succeed before anything is known of the other side: only an answer proves
 * it. Errors at once: UV_ENOENT and the like (no socket file), STATUS_NO_SUCH_VM, UV_EMFILE, STATUS_LIMIT,
 * STATUS_NOT_CONNECTED (tcp that is not prepared). The first one on ENDPOINT_CONTROL of a prepared tcp link
 * is connected already. */
int endpoint_open(struct endpoint *endpoint, enum endpoint_port port, struct stream **ret);

/* True when control and events are reached by different addresses. */
bool endpoint_has_events_port(const struct endpoint *endpoint);

/* The port number that is dialled (vsock, hybrid, tcp), else 0. */
uint32_t endpoint_port(const struct endpoint *endpoint, enum endpoint_port port);

/* True when only the hypervisor or the same user can be at the other end of all that was opened since the
 * last endpoint_reset: vsock (but for this machine's loopback, where anybody may listen), a character device,
 * a command, and a Unix socket (unix, hybrid, serial) that we or root listen on. tcp: never. False before
 * anything was opened. */
bool endpoint_is_private(const struct endpoint *endpoint);

/* Gives up the shared transport or what is prepared, if there is any: a new try begins. */
void endpoint_reset(struct endpoint *endpoint);

/* Asynchronous for exec (the command is ended, by SIGTERM, then SIGKILL); on_closed never before return.
 * Streams must be closed before. */
void endpoint_close(struct endpoint *endpoint, void (*on_closed)(void *ctx), void *ctx);

#endif
