/* SPDX-License-Identifier: MIT */
/* Where the port watch learns of sockets on this machine: what wakes it and what it reads then, by tier. */
#ifndef HOSPES_PORT_SOURCE_H
#define HOSPES_PORT_SOURCE_H

#include "agent/features/ports/port_watch.h"
#include "agent/platform/linux_listen_trace.h"
#include "agent/platform/linux_sock_diag.h"
#include "agent/platform/socket_list.h"

struct port_source {
    enum port_tier tier; /* never PORT_TIER_AUTO once open */
    struct sock_diag diag;
    bool diag_tcp; /* false: /proc/net */
    bool diag_udp;
    struct listen_trace *trace; /* T0 only */
    int destroy_fd;             /* -1 = none; T0: UDP, T1: both protocols */
    char text[192];             /* the tier and why not a better one */
};

/* PORT_TIER_AUTO never fails where /proc/net/tcp can be read. A tier that was asked for and does not work
 * here is an error. T0 works without sock_diag too, only slower. */
int port_source_open(struct port_source *source, enum port_tier force, bool avoid_sock_diag);
/* T0: some changes of UDP sockets wake nobody, so that they have to be looked for. */
bool port_source_misses_udp(const struct port_source *source);
void port_source_close(struct port_source *source);

/* One look: the sockets of `protocol`, in order and once a key. UV_EAGAIN: disturbed, look again. On failure
 * the list is not to be used. */
int port_source_dump(struct port_source *source, uint8_t protocol, struct socket_list *list);

/* T0 has no more trace (it was destroyed, or failed): go on as T1 would. */
void port_source_degrade(struct port_source *source, const char *reason);

#endif
