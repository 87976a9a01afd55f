/* SPDX-License-Identifier: MIT */
/* Which message goes to which feature. */
#ifndef HOSPES_AGENT_ROUTES_H
#define HOSPES_AGENT_ROUTES_H

#include "protocol/link/stream.h"

/* Answers a request on its control stream: with what was asked for, or ERROR. */
void routes_answer(struct stream *control, const struct message *request);

/* The guest's range of ephemeral ports, for the bridge's policy. */
void routes_fill_port_range(struct ports_message *ret);

#endif
