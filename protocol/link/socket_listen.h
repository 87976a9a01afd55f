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

/* The agent's rule about peers: vsock from the host (CID 2), or the loopback (CID 1) if allowed; Unix from
 * our uid or root. `who` says whom it saw. */
bool socket_peer_is_allowed(int fd, bool loopback_allowed, char *who, size_t who_size);

#endif
