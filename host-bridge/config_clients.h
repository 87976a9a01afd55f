/* SPDX-License-Identifier: MIT */
/* The keys "clients" and "apiSocketGroup" of config.json. */
#ifndef HOSPES_BRIDGE_CONFIG_CLIENTS_H
#define HOSPES_BRIDGE_CONFIG_CLIENTS_H

#include "host-bridge/config.h"

/* Fills in clients and group. STATUS_MALFORMED with "FILE:LINE:COLUMN: …"; UV_ENOMEM. */
int config_clients_load(struct bridge_config *config, const struct config_file *file,
                        char ret_problem[static CONFIG_PROBLEM_MAX]);

#endif
