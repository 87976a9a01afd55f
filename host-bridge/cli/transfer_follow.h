/* SPDX-License-Identifier: MIT */
/* A transfer watched to its end: over losses of the event stream and restarts of the bridge. */
#ifndef HOSPES_CLI_TRANSFER_FOLLOW_H
#define HOSPES_CLI_TRANSFER_FOLLOW_H

#include "host-bridge/cli/cli.h"

#define TRANSFER_FOLLOW_PATIENCE_MS 30000 /* so long a bridge that went away is waited for */
#define TRANSFER_FOLLOW_DRAW_MS     200   /* no more often is the bar drawn */
#define TRANSFER_FOLLOW_FIRST_MS    500   /* what is done by then shows no bar */
#define TRANSFER_FOLLOW_SILENT_MS   5000  /* without news the transfer itself is asked for */

struct transfer_follow {
    struct cli *cli;
    json_t *body;       /* borrowed: of POST /transfers, to begin the same again when the bridge has forgotten
                         * it; NULL: the bridge goes on by itself */
    bool no_progress;   /* --no-progress */
    bool verbose;       /* --verbose */
    bool says_names;    /* where the roots are, at the end */
    bool tells_waiting; /* a line on stderr when the guest is not there, also where no bar is shown */
    const char *resume; /* how to go on after an interrupt: "hospes cp --resume …"; NULL = it does not */
};

/* Takes `transfer`, the answer that began it. Shows its progress, reports its end. The exit status;
 * CLI_INTERRUPTED: it was stopped, and its partial work is kept. */
int transfer_follow(const struct transfer_follow *follow, json_t *transfer);

/* POST /transfers with this body (borrowed) and then the same. */
int transfer_follow_new(const struct transfer_follow *follow);

#endif
