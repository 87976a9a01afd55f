/* SPDX-License-Identifier: MIT */
/* Which message goes to which feature. */
#ifndef HOSPES_AGENT_ROUTES_H
#define HOSPES_AGENT_ROUTES_H

#include "protocol/link/stream.h"
#include "services/access/request_class.h"

#define HEALTH_AGE_MAX_MS 100 /* of a health that is told again; its clock is always the present one */

/* What answers are made from. */
struct routes {
    struct request_classes classes; /* that the owner of the guest allows */
    struct health_message *health;  /* NULL: never asked for */
    uint64_t health_read_ms;
};

void routes_init(struct routes *routes, struct request_classes classes);
/* Answers a request on its control stream: with what was asked for, or ERROR (NOT_ALLOWED for a class that is
 * switched off). */
void routes_answer(struct routes *routes, struct stream *control, const struct message *request);
void routes_finish(struct routes *routes);

/* The guest's range of ephemeral ports, for the bridge's policy. */
void routes_fill_port_range(struct ports_message *ret);

#endif
