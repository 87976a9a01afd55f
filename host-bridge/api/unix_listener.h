/* SPDX-License-Identifier: MIT */
/* A listening Unix socket on the loop: private to the user, or to the user and one group; taken over from a
 * dead process, never from a live one. */
#ifndef HOSPES_API_UNIX_LISTENER_H
#define HOSPES_API_UNIX_LISTENER_H

#include <uv.h>

#include "protocol/link/unix_peer.h"
#include "protocol/wire/limits.h"

struct unix_listener; /* opaque */

/* A client; `fd` is non-blocking, close-on-exec and the callee's from now on. Never before unix_listener_open
 * returned. One whose credentials can't be told is closed without a word. */
typedef void (*unix_listener_client)(void *ctx, struct unix_listener *listener, int fd,
                                     const struct unix_peer *peer);

/* Creates the folder (0700) where there is none, and the socket (0600). With a `group` (NULL = none) the
 * socket is its, 0660, and the folder is made passable for it (0710) if it is ours and private. A
 * folder that others may write to is refused. UV_EADDRINUSE: somebody answers there. UV_EEXIST: something
 * that is no socket. On failure a sentence in ret_problem. */
int unix_listener_open(uv_loop_t *loop, const char *path, const gid_t *group, unix_listener_client on_client,
                       void *ctx, struct unix_listener **ret, char ret_problem[static TEXT_REASON_MAX + 1]);
/* Stops at once, removes the socket's file if it is still ours. on_closed can be NULL; never before return.
 */
void unix_listener_close(struct unix_listener *listener, void (*on_closed)(void *ctx), void *ctx);

#endif
