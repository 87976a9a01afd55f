/* SPDX-License-Identifier: MIT */
/* A guest's state in words, shared by vms, status and doctor. */
#ifndef HOSPES_CLI_GUEST_WORDS_H
#define HOSPES_CLI_GUEST_WORDS_H

#include <jansson.h>

#include "host-bridge/cli/terminal.h"

/* The style for the guest's "state". */
enum style guest_words_style(const json_t *guest);
/* Why it is not connected: the error's sentence; "" when there is none. Borrowed. */
const char *guest_words_error(const json_t *guest);
/* The error's code; "" when there is none. Borrowed. */
const char *guest_words_code(const json_t *guest);

/* "the VM is alive, the agent answers" and so on, from a "liveness" object. */
struct liveness_words {
    char text[160];
    enum style style;
};
struct liveness_words guest_words_liveness(const json_t *liveness);

#endif
