/* SPDX-License-Identifier: MIT */
/* The bridge's side of a UDP forward: one bound socket, a flow for each client address. Datagrams that can't
 * be sent at once are dropped, as networks do. */
#ifndef HOSPES_UDP_SERVER_H
#define HOSPES_UDP_SERVER_H

#include "protocol/link/channel.h"
#include "services/relay/flow_set.h"
#include "services/relay/relay.h"

#define UDP_FLOWS_MAX 1024 /* of one server: beyond it the longest idle one goes */

struct udp_server; /* opaque */

/* A new channel to the target; errors drop the datagram. */
typedef int (*udp_open_channel)(void *ctx, const struct dial_target *target, struct stream **ret);

/* Takes `fd` (bound, non-blocking) in every case. `target` is borrowed and read for each new flow. UV_ENOMEM
 * or libuv's error. */
int udp_server_create(struct relay *relay, int fd, const struct dial_target *target, struct flow_set *flows,
                      udp_open_channel open, void *ctx, struct udp_server **ret);
/* Closes the socket; its flows are ended by their set, or end here. Frees itself on the loop. */
void udp_server_close(struct udp_server *server);

#endif
