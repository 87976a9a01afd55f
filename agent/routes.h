/* SPDX-License-Identifier: MIT */
/* Which message goes to which feature. */
#ifndef HOSPES_AGENT_ROUTES_H
#define HOSPES_AGENT_ROUTES_H

#include "protocol/link/stream.h"

#define HEALTH_AGE_MAX_MS 100 /* of a health that is told again; its clock is always the present one */

/* What answers are made from; all zero at first. */
struct routes {
    struct health_message *health; /* NULL: never asked for */
    uint64_t health_read_ms;
};

/* Answers a request on its control stream: with what was asked for, or ERROR. */
void routes_answer(struct routes *routes, struct stream *control, const struct message *request);
void routes_finish(struct routes *routes);

/* The guest's range of ephemeral ports, for the bridge's policy. */
void routes_fill_port_range(struct ports_message *ret);

#endif
