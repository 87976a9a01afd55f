/* SPDX-License-Identifier: MIT */
/* The agent: owner of everything in the program. */
#ifndef HOSPES_AGENT_H
#define HOSPES_AGENT_H

#include "agent/config.h"

struct agent; /* opaque */

/* Listens and watches. `config` is borrowed for the whole life. On failure a sentence in ret_problem. */
int agent_create(uv_loop_t *uv, const struct agent_config *config, struct agent **ret,
                 char ret_problem[static CONFIG_PROBLEM_MAX]);
/* Ends sessions and listeners; the loop runs out when all is closed. Once. */
void agent_stop(struct agent *agent);
/* After the loop has run out. */
void agent_destroy(struct agent *agent);

#endif
