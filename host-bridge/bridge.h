/* SPDX-License-Identifier: MIT */
/* The bridge: owner of everything in the program. */
#ifndef HOSPES_BRIDGE_H
#define HOSPES_BRIDGE_H

#include <uv.h>

#include "host-bridge/config.h"

struct bridge; /* opaque */

struct bridge_options {
    const char *state_dir;
    const char *socket_path;
};

/* Opens the store, the guests and the Host API. `config` is borrowed for the whole life. On failure a
 * sentence; then bridge_stop and the loop end what was begun (*ret is set unless memory ran out). */
int bridge_create(uv_loop_t *uv, const struct bridge_config *config, const struct bridge_options *options,
                  struct bridge **ret, char ret_problem[static CONFIG_PROBLEM_MAX]);
/* Saves, disconnects, closes; the loop runs out when all is closed. Once. */
void bridge_stop(struct bridge *bridge);
/* After the loop has run out. NULL allowed. */
void bridge_destroy(struct bridge *bridge);

#endif
