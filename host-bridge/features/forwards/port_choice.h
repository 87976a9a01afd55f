/* SPDX-License-Identifier: MIT */
/* Which host port a forward gets: the remembered one, the wished-for one, +1 … +99, any free one. */
#ifndef HOSPES_PORT_CHOICE_H
#define HOSPES_PORT_CHOICE_H

#include "host-bridge/features/forwards/host_sockets.h"

struct port_wish {
    struct host_bind bind;
    uint16_t remembered; /* 0 = none */
    uint16_t wanted;     /* 1 … 65535 */
    bool allow_fallback;
};

struct port_choice {
    struct host_sockets sockets; /* on success the caller's */
    uint16_t refused_port;       /* the first port that was refused; 0 = the first try succeeded */
    int refused_status;          /* why */
    unsigned tries;              /* what it cost, in ports tried */
};

/* 0, or the first refusal's status. Trying ends at once where another port can't help (no descriptors, not
 * an address of this host). *ret is filled in either case. */
int port_choice_open(const struct port_wish *wish, struct port_choice *ret);

#endif
