/* SPDX-License-Identifier: MIT */
/* The Unix sockets by which programs of the guest reach the agent. */
#ifndef HOSPES_LOCAL_SOCKET_H
#define HOSPES_LOCAL_SOCKET_H

#include <sys/types.h>

#include "protocol/wire/limits.h"

/* A bound and listening socket at `path` with the rights `mode`. A missing folder is made, 0700; a socket
 * that nobody serves is taken over. UV_EADDRINUSE: somebody serves it. UV_…, STATUS_NOT_ALLOWED with a
 * sentence. */
int local_socket_listen(const char *path, mode_t mode, int *ret_fd,
                        char ret_problem[static TEXT_REASON_MAX + 1]);

/* Blocking. UV_ENOENT, UV_ECONNREFUSED: no agent runs; UV_EACCES: it is another user's; STATUS_NOT_ALLOWED:
 * whoever serves it is neither root nor this user. */
int local_socket_connect(const char *path, int *ret_fd);

#endif
