/* SPDX-License-Identifier: MIT */
/* A bridge's configuration from a text in a test, as if it stood in a file. */
#ifndef HOSPES_TEST_CONFIG_TEXT_H
#define HOSPES_TEST_CONFIG_TEXT_H

#include "host-bridge/config.h"

/* Status and sentence of bridge_config_load. The caller finishes *ret in any case. */
int config_text_load(const char *text, struct bridge_config *ret,
                     char ret_problem[static CONFIG_PROBLEM_MAX]);

#endif
