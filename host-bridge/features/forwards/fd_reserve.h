/* SPDX-License-Identifier: MIT */
/* One descriptor kept back, so that a client can be refused when there are none left: without it the kernel
 * would report the same waiting client for ever. */
#ifndef HOSPES_FD_RESERVE_H
#define HOSPES_FD_RESERVE_H

#include <stdbool.h>

struct fd_reserve {
    int fd; /* -1 = none */
};

void fd_reserve_init(struct fd_reserve *reserve);
/* True when the reserve is there, now or already. */
bool fd_reserve_fill(struct fd_reserve *reserve);
void fd_reserve_finish(struct fd_reserve *reserve);
/* Spends the reserve to take one waiting client off `listen_fd` and refuse it. 1 = refused, 0 = none waits,
 * negative: it could not (no reserve, or accept(2) failed still). Call fd_reserve_fill afterwards. */
int fd_reserve_refuse(struct fd_reserve *reserve, int listen_fd);

/* Closes a TCP connection with RST. */
void fd_refuse(int fd);

#endif
