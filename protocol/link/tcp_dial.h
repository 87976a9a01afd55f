/* SPDX-License-Identifier: MIT */
/* Finds out which address of a name answers, and connects to it. Nothing blocks the loop. */
#ifndef HOSPES_TCP_DIAL_H
#define HOSPES_TCP_DIAL_H

#include <uv.h>

#include "protocol/link/tcp_socket.h"

struct tcp_dial; /* opaque */

/* Once, never within tcp_dial_start. Status 0: `fd` is connected (non-blocking) and the callee's from now on,
 * `address` says to whom. Otherwise why: a lookup's failure (UV_EAI_…), a connect's, UV_ETIMEDOUT; `text`
 * names what was tried. `address` and `text` are valid until return, `text` is never NULL. */
typedef void (*tcp_dial_done)(void *ctx, int status, const char *text, int fd,
                              const struct tcp_address *address);

/* `host`: a name or a numeric address without brackets; copied. The time is for all of it: lookup and
 * connects. UV_ENOMEM, UV_EINVAL (a name that can be none). */
int tcp_dial_start(uv_loop_t *uv, const char *host, uint16_t port, uint64_t timeout_ms, tcp_dial_done on_done,
                   void *ctx, struct tcp_dial **ret);
/* Due once in every case, within or after on_done as well, or before: then on_done does not come. NULL
 * allowed. Frees itself on the loop; a lookup that the system's resolver has begun can't be called back and
 * keeps the loop alive until it returns. */
void tcp_dial_close(struct tcp_dial *dial);

/* Pure: copies what a lookup found in the order in which to try it, families in turn beginning with the
 * first's, no address twice. Returns how many, TCP_RACE_ADDRESSES_MAX at most. */
size_t tcp_dial_order(const struct addrinfo *found, uint16_t port, struct tcp_address *ret);

#endif
