/* SPDX-License-Identifier: MIT */
/* The admin socket's file. */
#ifndef HOSPES_ADMIN_SOCKET_H
#define HOSPES_ADMIN_SOCKET_H

#include "protocol/wire/limits.h"

/* A bound and listening socket at `path`, 0600. UV_EADDRINUSE: somebody serves it. UV_…, STATUS_NOT_ALLOWED
 * with a sentence. */
int admin_socket_listen(const char *path, int *ret_fd, char ret_problem[static TEXT_REASON_MAX + 1]);

/* Blocking. UV_ENOENT, UV_ECONNREFUSED: no agent runs; UV_EACCES: it is another user's; STATUS_NOT_ALLOWED:
 * whoever serves it is neither root nor this user. */
int admin_socket_connect(const char *path, int *ret_fd);

#endif
