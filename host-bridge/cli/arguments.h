/* SPDX-License-Identifier: MIT */
/* The command line, checked against the table of commands. */
#ifndef HOSPES_CLI_ARGUMENTS_H
#define HOSPES_CLI_ARGUMENTS_H

#include "host-bridge/cli/command.h"

#define ARGUMENTS_OPERANDS_MAX 4096 /* of cp and send: what a shell makes of *.jpg */
#define ARGUMENTS_PROBLEM_MAX  511

struct arguments {
    const struct command *command;     /* NULL: --version, --help, --commands, or nothing at all */
    bool list_commands;                /* --commands, hidden: the table for completions */
    const char *options[OPTION_COUNT]; /* NULL = not given; "" for a flag; borrowed from argv */
    const char *operands[ARGUMENTS_OPERANDS_MAX];
    size_t operand_count;
};

/* UV_EINVAL with a sentence and a hint (each escaped when printed); ret is then partly filled, so that the
 * command is known. Global options may stand before and after the command; "--" ends the options. */
int arguments_parse(int argc, char *const *argv, struct arguments *ret,
                    char ret_problem[static ARGUMENTS_PROBLEM_MAX + 1],
                    char ret_hint[static ARGUMENTS_PROBLEM_MAX + 1]);

#endif
