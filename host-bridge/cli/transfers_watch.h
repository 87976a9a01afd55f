/* SPDX-License-Identifier: MIT */
/* hospes transfers, and with --watch as they go on. */
#ifndef HOSPES_CLI_TRANSFERS_WATCH_H
#define HOSPES_CLI_TRANSFERS_WATCH_H

#include <jansson.h>

#include "host-bridge/cli/table.h"

struct cli;

int transfers_watch(struct cli *cli);
/* The answer of GET /transfers as a table; NULL when out of memory; table_destroy it. */
struct table *transfers_table(const json_t *answer);

#endif
