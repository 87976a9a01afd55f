/* SPDX-License-Identifier: MIT */
/* The key "inbox" of config.json. */
#ifndef HOSPES_BRIDGE_CONFIG_INBOX_H
#define HOSPES_BRIDGE_CONFIG_INBOX_H

#include "host-bridge/config.h"

/* Fills in the folder and the rules. STATUS_MALFORMED with "FILE:LINE:COLUMN: …"; UV_ENOMEM. */
int config_inbox_load(struct bridge_config *config, const struct config_file *file,
                      char ret_problem[static CONFIG_PROBLEM_MAX]);

#endif
