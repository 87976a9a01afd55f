/* SPDX-License-Identifier: MIT */
/* The bridge's configuration file (JSON; the man page describes it). */
#ifndef HOSPES_BRIDGE_CONFIG_H
#define HOSPES_BRIDGE_CONFIG_H

#include "host-bridge/features/forwards/policy.h"
#include "protocol/base/log.h"
#include "services/config/config_file.h"

struct configured_guest {
    char *name, *link;
    json_t *port_forwards; /* GhostVM's list for this guest (from its "portForwards" or "config"); NULL */
};

struct bridge_config {
    enum log_level log_level;
    size_t guest_count;
    struct configured_guest *guests;
    json_t *port_forwards; /* for every guest; NULL */
    struct policy_set policy;
};

void bridge_config_init(struct bridge_config *config);
void bridge_config_finish(struct bridge_config *config);
/* A missing file is an error only if `required`. STATUS_MALFORMED with "FILE:LINE:COLUMN: …". */
int bridge_config_load(struct bridge_config *config, const char *path, bool required,
                       char ret_problem[static CONFIG_PROBLEM_MAX]);

#endif
