/* SPDX-License-Identifier: MIT */
/* Listening sockets of the agent, and who is at the other end of an accepted one. */
#ifndef HOSPES_SOCKET_LISTEN_H
#define HOSPES_SOCKET_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Non-blocking listening descriptors. Unix: a socket file that nobody serves is replaced (UV_EADDRINUSE when
 * somebody does), mode 0600. */
int socket_listen_unix(const char *path, int *ret_fd);
int socket_listen_vsock(uint32_t port, int *ret_fd); /* on every CID of this machine */

/* The address is numeric, without brackets; "::" takes IPv4, too. */
int socket_listen_tcp(const char *address, uint32_t port, int *ret_fd);

struct socket_peer {
    bool is_allowed; /* the agent's rule: vsock from the host (CID 2), or the loopback (CID 1) where that is
                        allowed; Unix from our uid or root; TCP from everywhere */
    bool is_private; /* nobody but the hypervisor, our uid or root can be there: not on the loopback, not TCP
                      */
    char who[64];    /* in words */
};
void socket_peer_look(int fd, bool loopback_allowed, struct socket_peer *ret);

#endif
