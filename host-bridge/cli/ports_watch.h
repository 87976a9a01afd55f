/* SPDX-License-Identifier: MIT */
/* hospes ports NAME --watch. */
#ifndef HOSPES_CLI_PORTS_WATCH_H
#define HOSPES_CLI_PORTS_WATCH_H

struct cli;

int ports_watch(struct cli *cli, const char *guest);

#endif
