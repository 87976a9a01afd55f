/* SPDX-License-Identifier: MIT */
/* The host sockets of one forward: bound (and for TCP listening), one port number for all, all or none. */
#ifndef HOSPES_HOST_SOCKETS_H
#define HOSPES_HOST_SOCKETS_H

#include "protocol/wire/message.h"

#define HOST_SOCKETS_MAX 2 /* 127.0.0.1 and ::1 */

struct host_bind {
    uint8_t protocol; /* enum port_protocol */
    uint8_t address_count;
    struct ip_address addresses[HOST_SOCKETS_MAX];
};

struct host_sockets {
    uint16_t port;
    int count;
    int fds[HOST_SOCKETS_MAX]; /* non-blocking, close-on-exec */
};

/* Both loopbacks. */
void host_bind_init(struct host_bind *bind, uint8_t protocol);

/* Port 0 = any free one. With two addresses, one whose family this host lacks is left out. UV_EADDRINUSE,
 * UV_EACCES (a privileged port), UV_EADDRNOTAVAIL (not an address of this host), UV_EMFILE … and nothing
 * stays open. */
int host_sockets_open(const struct host_bind *bind, uint16_t port, struct host_sockets *ret);
void host_sockets_close(struct host_sockets *sockets);

#endif
