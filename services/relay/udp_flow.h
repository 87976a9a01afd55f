/* SPDX-License-Identifier: MIT */
/* The agent's side of a UDP channel: one connected socket for one client of the host. */
#ifndef HOSPES_UDP_FLOW_H
#define HOSPES_UDP_FLOW_H

#include "protocol/link/channel.h"
#include "services/relay/flow_set.h"
#include "services/relay/relay.h"

/* Takes the stream in every case: RST when no socket could be made. A member of `flows` until it is over or
 * idle for UDP_FLOW_IDLE_MS. */
int udp_flow_dial(struct relay *relay, struct stream *stream, const struct dial_target *target,
                  struct flow_set *flows);

#endif
