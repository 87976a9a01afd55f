/* SPDX-License-Identifier: MIT */
/* Who is at the other end of a Unix socket. */
#ifndef HOSPES_API_UNIX_PEER_H
#define HOSPES_API_UNIX_PEER_H

#include <stdbool.h>
#include <sys/types.h>

/* The uid that the kernel recorded when the peer connected. UV_E… when it can't be told. */
int unix_peer_uid(int fd, uid_t *ret);

/* Only the bridge's own user and root use the Host API. */
bool unix_peer_may_use(uid_t peer, uid_t own);

#endif
