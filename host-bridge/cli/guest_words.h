/* SPDX-License-Identifier: MIT */
/* A guest's state in words, shared by vms, status and doctor. */
#ifndef HOSPES_CLI_GUEST_WORDS_H
#define HOSPES_CLI_GUEST_WORDS_H

#include <jansson.h>

#include "host-bridge/cli/cli.h"
#include "host-bridge/cli/terminal.h"

/* The style for the guest's "state". */
enum style guest_words_style(const json_t *guest);
/* Why it is not connected: the error's sentence, or that it is unpaired or a code waits; "" when there is
 * none. Borrowed. */
const char *guest_words_error(const json_t *guest);
/* The error's code; "" when there is none. Borrowed. */
const char *guest_words_code(const json_t *guest);

/* Whether the code is about trust, which only a person can mend. */
bool guest_words_is_distrust(const char *code);
/* How a key came to be pinned ("first contact"), from a pairing's "way". */
const char *guest_words_way(const char *way);
/* "none: authenticated, but plain", from a guest's "cipher". */
const char *guest_words_cipher(const char *cipher);
#define GUEST_WORDS_STEP_MAX 320
/* What to type about a guest that is not trusted, or does not trust this host: "hospes pair web"; "" when
 * trust is not its trouble. May ask the bridge for this host's key. */
void guest_words_trust_step(struct cli *cli, const json_t *guest, char out[static GUEST_WORDS_STEP_MAX]);
/* The same as a line of advice for each of the guests that need it; nothing with --json. */
void guest_words_advise_trust(struct cli *cli, const json_t *guests);

/* "the VM is alive, the agent answers" and so on, from a "liveness" object. */
struct liveness_words {
    char text[160];
    enum style style;
};
struct liveness_words guest_words_liveness(const json_t *liveness);

#endif
