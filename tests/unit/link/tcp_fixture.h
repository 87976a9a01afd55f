/* SPDX-License-Identifier: MIT */
/* TCP listeners of this machine for tests: one that answers, an address that refuses, one that never answers.
 */
#ifndef HOSPES_TCP_FIXTURE_H
#define HOSPES_TCP_FIXTURE_H

#include "protocol/link/tcp_socket.h"

/* A raw listener on a free port of a numeric address; non-blocking. */
int listen_tcp(const char *address, struct tcp_address *ret);
uint16_t port_of(const struct tcp_address *address);
/* A port that was free a moment ago. */
uint16_t free_port(void);
struct tcp_address refusing_address(void);
/* The next connection of a raw listener; runs the loop until it is there. */
int accept_tcp(int listener);
int connect_tcp(const struct tcp_address *address); /* blocking */

/* A listener whose queue is full: further connects stay under way until they time out. */
struct dead_end {
    struct tcp_address address;
    int listener, client;
};
void dead_end_init(struct dead_end *dead_end);
void dead_end_finish(struct dead_end *dead_end);

#endif
