/* SPDX-License-Identifier: MIT */
/* Bodies of POST /transfers for any number of paths: the bridge takes 64 at a time. */
#ifndef HOSPES_CLI_COPY_REQUEST_H
#define HOSPES_CLI_COPY_REQUEST_H

#include "host-bridge/cli/guest_path.h"
#include "host-bridge/cli/transfer_follow.h"

#define COPY_REQUEST_PATHS_MAX 64

struct copy_request {
    const struct guest_path *sources; /* borrowed; all of the same guest, or of this host */
    size_t source_count;
    const char *to_guest; /* "": this host */
    const char *to_path;  /* as it goes to the bridge; NULL: the guest's drop folder */
    const char *user;     /* of the guest, or of both; can be NULL */
    json_t *options;      /* borrowed: what else is in the body */
};

/* Follows the transfer that each part of the request makes, by `each`; a part that lacks single files does
 * not keep the others from being copied. The exit status. */
int copy_request_run(struct cli *cli, const struct copy_request *request,
                     int (*each)(void *ctx, json_t *body), void *ctx);

/* CLI_DONE, or reported: the guest is not connected, or not known. Nothing is asked of "". */
int copy_request_check_guest(struct cli *cli, const char *guest);

#endif
