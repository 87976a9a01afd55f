/* SPDX-License-Identifier: MIT */
/* Who is at the other end of a Unix socket, as the kernel recorded it. */
#ifndef HOSPES_UNIX_PEER_H
#define HOSPES_UNIX_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct unix_peer {
    uid_t uid;
    pid_t pid; /* 0: the system does not tell */
};

/* For an accepted socket: the process that called connect(2). For a connected one: the process that called
 * listen(2). UV_E… when it can't be told; *ret is untouched then. */
int unix_peer_of(int fd, struct unix_peer *ret);

/* Our own user (the effective one) or root. */
bool unix_peer_is_own(const struct unix_peer *peer);

/* "uid 1000 (pid 12)" */
void unix_peer_format(const struct unix_peer *peer, char *out, size_t out_size);

#endif
