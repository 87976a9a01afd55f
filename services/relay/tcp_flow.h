/* SPDX-License-Identifier: MIT */
/* One TCP connection ⇄ one channel: half-close both ways, resets passed on, nothing lost at close,
 * backpressure from end to end. */
#ifndef HOSPES_TCP_FLOW_H
#define HOSPES_TCP_FLOW_H

#include "protocol/link/channel.h"
#include "services/relay/flow_set.h"
#include "services/relay/relay.h"

/* Bridge: carries an accepted, non-blocking socket over a stream that starts with CHANNEL_OPEN. Takes both in
 * every case; a member of `flows` until it is over. UV_ENOMEM or libuv's error: the client was reset. */
int tcp_flow_carry(struct relay *relay, int fd, struct stream *stream, struct flow_set *flows);

/* Agent: connects to the target's addresses in order and carries the stream, which has said CHANNEL_OPEN.
 * Takes the stream in every case: when nothing answers it ends with RST. Errors: UV_EMFILE, UV_ENOMEM … (the
 * RST was sent). */
int tcp_flow_dial(struct relay *relay, struct stream *stream, const struct dial_target *target,
                  struct flow_set *flows);

#endif
