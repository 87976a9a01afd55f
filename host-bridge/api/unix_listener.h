/* SPDX-License-Identifier: MIT */
/* A listening Unix socket on the loop: private to the user, taken over from a dead process, never from a live
 * one. */
#ifndef HOSPES_API_UNIX_LISTENER_H
#define HOSPES_API_UNIX_LISTENER_H

#include <uv.h>

#include "protocol/wire/limits.h"

struct unix_listener; /* opaque */

/* A client whose uid may use the API; `fd` is non-blocking, close-on-exec and the callee's from now on. Never
 * before unix_listener_open returned. */
typedef void (*unix_listener_client)(void *ctx, struct unix_listener *listener, int fd);

/* Creates the folder (0700) where there is none, and the socket (0600). A folder that others may write to is
 * refused. UV_EADDRINUSE: somebody answers there. UV_EEXIST: something that is no socket. On failure a
 * sentence in ret_problem. */
int unix_listener_open(uv_loop_t *loop, const char *path, unix_listener_client on_client, void *ctx,
                       struct unix_listener **ret, char ret_problem[static TEXT_REASON_MAX + 1]);
/* Stops at once, removes the socket's file if it is still ours. on_closed can be NULL; never before return.
 */
void unix_listener_close(struct unix_listener *listener, void (*on_closed)(void *ctx), void *ctx);

#endif
