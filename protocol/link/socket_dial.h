/* SPDX-License-Identifier: MIT */
/* Non-blocking connects to the socket kinds of links. */
#ifndef HOSPES_SOCKET_DIAL_H
#define HOSPES_SOCKET_DIAL_H

#include <stdbool.h>
#include <stdint.h>

/* A connected or connecting descriptor in *ret_fd; *ret_connecting tells which. Errors: libuv's codes,
 * STATUS_NO_SUCH_VM, STATUS_LIMIT (the listener's queue is full). */
int socket_dial_unix(const char *path, int *ret_fd, bool *ret_connecting);
/* UV_ENOTSUP where the system has no AF_VSOCK. */
int socket_dial_vsock(uint32_t cid, uint32_t port, int *ret_fd, bool *ret_connecting);

/* A vsock connect's errno → what it means (transports differ: ENODEV no such VM, ETIMEDOUT driver not up,
 * ECONNRESET nobody listens). */
int socket_vsock_connect_error(int error);
/* Larger vsock buffers: the kernel's default of 256 KiB is also its maximum until it is raised. Best effort.
 */
void socket_vsock_widen(int fd);

#endif
