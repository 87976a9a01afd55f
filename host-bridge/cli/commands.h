/* SPDX-License-Identifier: MIT */
/* What each command runs: the Host API asked, the answer printed, the exit status returned. */
#ifndef HOSPES_CLI_COMMANDS_H
#define HOSPES_CLI_COMMANDS_H

struct cli;
struct arguments;

int command_vms(struct cli *cli, const struct arguments *arguments);
int command_add(struct cli *cli, const struct arguments *arguments);
int command_remove(struct cli *cli, const struct arguments *arguments);
int command_status(struct cli *cli, const struct arguments *arguments);
int command_ports(struct cli *cli, const struct arguments *arguments);
int command_forward(struct cli *cli, const struct arguments *arguments);
int command_unforward(struct cli *cli, const struct arguments *arguments);
int command_policy(struct cli *cli, const struct arguments *arguments);
int command_block(struct cli *cli, const struct arguments *arguments);
int command_unblock(struct cli *cli, const struct arguments *arguments);
int command_events(struct cli *cli, const struct arguments *arguments);
int command_pair(struct cli *cli, const struct arguments *arguments);
int command_unpair(struct cli *cli, const struct arguments *arguments);
int command_identity(struct cli *cli, const struct arguments *arguments);
int command_audit(struct cli *cli, const struct arguments *arguments);
int command_doctor(struct cli *cli, const struct arguments *arguments);
int command_help(struct cli *cli, const struct arguments *arguments);

#endif
