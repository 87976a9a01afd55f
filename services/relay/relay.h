/* SPDX-License-Identifier: MIT */
/* What all flows of one program share. */
#ifndef HOSPES_RELAY_H
#define HOSPES_RELAY_H

#include "protocol/link/deadlines.h"
#include "protocol/link/link_loop.h"
#include "services/relay/bulk_pipe.h"

struct relay {
    struct link_loop *loop;
    struct bulk_pipes pipes;
    struct deadlines udp_idle; /* flows of UDP_FLOW_IDLE_MS */
    struct deadlines opening;  /* TCP flows whose guest's end is not connected yet: CHANNEL_OPEN_TIMEOUT_MS */
    int lists_open;            /* until on_closed */
    void (*on_closed)(void *ctx);
    void *ctx;
};

void relay_init(struct relay *relay, struct link_loop *loop);
/* After its flows are gone. on_closed when the memory may go. */
void relay_close(struct relay *relay, void (*on_closed)(void *ctx), void *ctx);

/* Raises the soft limit of descriptors to the hard one. Returns the limit in force. */
size_t relay_raise_descriptor_limit(void);

#endif
