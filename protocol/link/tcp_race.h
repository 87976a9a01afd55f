/* SPDX-License-Identifier: MIT */
/* Connects to whichever of several addresses answers first. */
#ifndef HOSPES_TCP_RACE_H
#define HOSPES_TCP_RACE_H

#include <uv.h>

#include "protocol/link/tcp_socket.h"

#define TCP_RACE_ADDRESSES_MAX 16  /* a name with more has its further ones left out */
#define TCP_RACE_DELAY_MS      250 /* RFC 8305's recommendation: then the next address is tried as well */

struct tcp_race; /* opaque */

/* Once, never within tcp_race_start. Status 0: `fd` is connected and the callee's from now on, `winner` its
 * index. Otherwise why: the first failure, but one that says more than "no way there" comes before those. */
typedef void (*tcp_race_done)(void *ctx, int status, size_t winner, int fd);

/* The addresses (1 … TCP_RACE_ADDRESSES_MAX) are copied and tried in their order. UV_ENOMEM. */
int tcp_race_start(uv_loop_t *uv, const struct tcp_address *addresses, size_t count, tcp_race_done on_done,
                   void *ctx, struct tcp_race **ret);
/* Due in every case, within or after on_done as well, or before: then on_done does not come. NULL allowed.
 * Frees itself on the loop. */
void tcp_race_close(struct tcp_race *race);

#endif
