/* SPDX-License-Identifier: MIT */
/* News of sockets that ended: the SKNLGRP_INET*_DESTROY multicast groups of NETLINK_SOCK_DIAG. Needs no
 * privilege. Sockets with a peer are dropped in the kernel, so that ordinary connections wake nobody. */
#ifndef HOSPES_LINUX_SOCK_DESTROY_H
#define HOSPES_LINUX_SOCK_DESTROY_H

#include <stdbool.h>

/* A descriptor that becomes readable when a TCP listener (where `tcp`) or an unconnected UDP socket (where
 * `udp`) of this network namespace is gone; non-blocking, close(2) ends it. Negative: the kernel has none. */
int sock_destroy_open(bool tcp, bool udp, int *ret_fd);

/* Reads what is there. True when a socket ended or news were lost: look again. */
bool sock_destroy_drain(int fd);

#endif
