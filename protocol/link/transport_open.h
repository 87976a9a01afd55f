/* SPDX-License-Identifier: MIT */
/* Opens the single-stream transports of serial links: a Unix socket or a character device. */
#ifndef HOSPES_TRANSPORT_OPEN_H
#define HOSPES_TRANSPORT_OPEN_H

#include <stdbool.h>
#include <stddef.h>

/* A non-blocking descriptor. A terminal (UART, pty) is put in raw mode. *ret_survives_hangup (can be NULL):
 * true for a virtio-serial port, which reads 0 while nobody is at the other end. libuv's codes (UV_EBUSY:
 * another program has the port). */
int transport_open(const char *path, int *ret_fd, bool *ret_survives_hangup);

/* Who is at the other end of such a descriptor: true when it can only be the hypervisor (a device), our own
 * user or root (a Unix socket, by the listener's credentials). `who` says it in words (NULL with size 0: not
 * wanted). */
bool transport_is_private(int fd, char *who, size_t who_size);

#endif
