/* SPDX-License-Identifier: MIT */
/* The bridge's configuration file (JSON; the man page describes it). */
#ifndef HOSPES_BRIDGE_CONFIG_H
#define HOSPES_BRIDGE_CONFIG_H

#include "host-bridge/api/clients.h"
#include "host-bridge/features/forwards/policy.h"
#include "host-bridge/features/inbox/inbox.h"
#include "host-bridge/guest_identity.h"
#include "protocol/base/log.h"
#include "services/config/config_file.h"

struct configured_guest {
    char *name, *link;
    json_t *port_forwards; /* GhostVM's list for this guest (from its "portForwards" or "config"); NULL */
    /* as in struct guest_identity_options */
    bool has_key;
    uint8_t key[NOISE_KEY_SIZE];
    bool ephemeral;
    enum sealing sealing;
    char *psk_file; /* NULL */
};

struct bridge_config {
    enum log_level log_level;
    size_t guest_count;
    struct configured_guest *guests;
    json_t *port_forwards; /* for every guest; NULL */
    struct policy_set policy;
    /* Who may use the Host API beside its own user and root. */
    size_t client_count;
    struct api_client *clients;
    bool has_api_group; /* the sockets belong to this group, too */
    gid_t api_group;
    /* What guests offer. */
    char *inbox_folder; /* absolute; NULL: the user's downloads */
    struct inbox_rule *inbox_rules;
    size_t inbox_rule_count;
};

void bridge_config_init(struct bridge_config *config);
void bridge_config_finish(struct bridge_config *config);
/* What guests_put wants to know; psk_file is borrowed. */
struct guest_identity_options configured_guest_identity(const struct configured_guest *guest);
/* A missing file is an error only if `required`. STATUS_MALFORMED with "FILE:LINE:COLUMN: …". */
int bridge_config_load(struct bridge_config *config, const char *path, bool required,
                       char ret_problem[static CONFIG_PROBLEM_MAX]);

#endif
