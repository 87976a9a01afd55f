/* SPDX-License-Identifier: MIT */
/* Help text, made from the table of commands. */
#ifndef HOSPES_CLI_HELP_H
#define HOSPES_CLI_HELP_H

#include <stdio.h>

#include "host-bridge/cli/command.h"

void help_overview(FILE *out);
void help_command(FILE *out, const struct command *command);
/* `hospes --commands`: a line for each command and option, fields parted by tabs, for completions:
 * "command\tNAME\tOPERANDS\tSUMMARY" and "option\tCOMMAND or -\tNAME\tVALUE or -\tSUMMARY". */
void help_list(FILE *out);

#endif
