/* SPDX-License-Identifier: MIT */
/* One file between a guest and standard input or output, streamed. */
#ifndef HOSPES_CLI_FILE_STREAM_H
#define HOSPES_CLI_FILE_STREAM_H

#include "host-bridge/cli/cli.h"
#include "host-bridge/cli/guest_path.h"

/* Standard input to the guest's file, which is replaced once all has come. `user` can be NULL. The exit
 * status; failures are reported. */
int file_stream_upload(struct cli *cli, const struct guest_path *file, const char *user);
/* The guest's file to standard output. A reader that leaves is no failure. */
int file_stream_download(struct cli *cli, const struct guest_path *file, const char *user);

#endif
