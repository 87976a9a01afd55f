/* SPDX-License-Identifier: MIT */
/* Listening sockets from /proc/net/{tcp,tcp6,udp,udp6} (proc(5)): for kernels and sandboxes without
 * sock_diag. Slow with many connections, and silent about v6only. */
#ifndef HOSPES_LINUX_PROCNET_H
#define HOSPES_LINUX_PROCNET_H

#include "agent/platform/socket_list.h"

/* Appends the sockets of `protocol` (enum port_protocol), both families. UV_ENOENT where there is no such
 * file for IPv4 (a missing IPv6 is none to list), UV_ENOMEM. */
int procnet_dump(uint8_t protocol, struct socket_list *list);

/* Pure: appends the listeners of the whole lines in `text` and gives the number of bytes that they took; what
 * follows the last newline is left. Lines that are no socket are skipped. family: 4 or 6. UV_ENOMEM. */
int procnet_parse(uint8_t protocol, uint8_t family, const char *text, size_t size, struct socket_list *list,
                  size_t *ret_consumed);

/* net.ipv4.ip_local_port_range; 0 and 0 when it cannot be read. */
void procnet_ephemeral_range(uint16_t *ret_low, uint16_t *ret_high);

#endif
