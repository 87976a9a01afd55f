/* SPDX-License-Identifier: MIT */
/* The commands that the guest's owner gives: hospes-agent pair, hosts, trust, forget, identity. */
#ifndef HOSPES_AGENT_COMMAND_H
#define HOSPES_AGENT_COMMAND_H

#include <stdbool.h>

/* True when it is the name of a command. */
bool agent_command_is(const char *name);
/* argv[0] is the command's name. Returns the program's exit status. */
int agent_command_run(int argc, char **argv);

/* For the program's --help. */
extern const char AGENT_COMMAND_USAGE[];

#endif
