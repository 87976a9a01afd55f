/* SPDX-License-Identifier: MIT */
/* How a transfer ended, told once it has: failures on stderr, a summary, the exit status. */
#ifndef HOSPES_CLI_TRANSFER_END_H
#define HOSPES_CLI_TRANSFER_END_H

#include "host-bridge/cli/cli.h"

/* `transfer` is one of the Host API that has ended. */
int transfer_end_report(struct cli *cli, const json_t *transfer, bool verbose);
/* Where the roots are now: a line for each, unless --quiet or --json. */
void transfer_end_say_names(struct cli *cli, const json_t *transfer);

#endif
