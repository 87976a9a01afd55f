/* SPDX-License-Identifier: MIT */
/* Who on this host holds a port. */
#ifndef HOSPES_PORT_HOLDER_H
#define HOSPES_PORT_HOLDER_H

#include "protocol/wire/message.h"

#define PORT_HOLDER_TEXT_MAX 64

/* Writes "nginx (pid 812)" for the socket that keeps others from binding `port` on one of `addresses`
 * (all-zero = any), or "a process of uid 70" when its owner can't be seen from here. Printable ASCII. False
 * and `out` untouched when no such socket is found. Best effort and bounded: about 30 ms of
 * processor time at the worst. */
bool port_holder_find(uint8_t protocol, const struct ip_address *addresses, size_t address_count,
                      uint16_t port, char out[static PORT_HOLDER_TEXT_MAX + 1]);

#endif
