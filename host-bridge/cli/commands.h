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
int command_cp(struct cli *cli, const struct arguments *arguments);
int command_send(struct cli *cli, const struct arguments *arguments);
int command_inbox(struct cli *cli, const struct arguments *arguments);
int command_accept(struct cli *cli, const struct arguments *arguments);
int command_decline(struct cli *cli, const struct arguments *arguments);
int command_transfers(struct cli *cli, const struct arguments *arguments);
int command_ls(struct cli *cli, const struct arguments *arguments);
int command_cat(struct cli *cli, const struct arguments *arguments);
int command_mkdir(struct cli *cli, const struct arguments *arguments);
int command_mv(struct cli *cli, const struct arguments *arguments);
int command_rm(struct cli *cli, const struct arguments *arguments);
int command_watch(struct cli *cli, const struct arguments *arguments);
int command_events(struct cli *cli, const struct arguments *arguments);
int command_pair(struct cli *cli, const struct arguments *arguments);
int command_unpair(struct cli *cli, const struct arguments *arguments);
int command_identity(struct cli *cli, const struct arguments *arguments);
int command_audit(struct cli *cli, const struct arguments *arguments);
int command_doctor(struct cli *cli, const struct arguments *arguments);
int command_help(struct cli *cli, const struct arguments *arguments);

#endif
