/* SPDX-License-Identifier: MIT */
/* One run of `hospes pair`: what the bridge says of the guest, asked anew until it is settled. */
#ifndef HOSPES_CLI_PAIRING_RUN_H
#define HOSPES_CLI_PAIRING_RUN_H

#include "host-bridge/cli/api_path.h"
#include "host-bridge/cli/cli.h"
#include "host-bridge/cli/progress.h"

#define PAIRING_RUN_POLL_MS 250
#define PAIRING_RUN_TIMEOUT_MS                                                                               \
    130000 /* the bridge itself gives a comparison two minutes, and tells how it ended */
/* A refusal that stood there before we asked for another try is taken for the answer to it after so long. */
#define PAIRING_RUN_VERDICT_MS 3000

struct pairing_run {
    struct cli *cli;
    const char *name; /* of the guest; borrowed */
    struct api_path guest_path, pair_path;
    json_t *guest, *pairing; /* as the bridge said last; owned */
    char code_before[64];    /* the guest's error code when we began */
    uint64_t begun_ms;
    bool shows_progress;
    struct progress progress;
};

/* False when the name is longer than any. */
bool pairing_run_init(struct pairing_run *run, struct cli *cli, const char *name, bool shows_progress);
void pairing_run_finish(struct pairing_run *run);

/* Asks guest and pairing. CLI_DONE, or the reported failure. */
int pairing_run_look(struct pairing_run *run);
/* POST …/pair with `body` (taken), and the clock of the verdict begins. */
int pairing_run_post(struct pairing_run *run, json_t *body);
/* The same for {"code":…,"same":false}, quietly, and also after an interrupt. */
void pairing_run_decline(struct pairing_run *run, const char *code);

enum pairing_outcome {
    OUTCOME_OPEN,
    OUTCOME_PAIRED,    /* or connected to an ephemeral guest */
    OUTCOME_CHANGED,   /* the guest shows another key */
    OUTCOME_COMPARING, /* there is a code */
    OUTCOME_REFUSED,   /* guest_words_code says why */
    OUTCOME_AWAY,      /* the guest is not reached */
    OUTCOME_TIMEOUT,
};
/* What `guest` and `pairing` say together. */
enum pairing_outcome pairing_run_outcome(const struct pairing_run *run);
/* Waits a moment, showing progress. False when an interrupt came. */
bool pairing_run_wait(struct pairing_run *run);

#endif
