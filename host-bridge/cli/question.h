/* SPDX-License-Identifier: MIT */
/* A question on the terminal that is answered by yes or no. */
#ifndef HOSPES_CLI_QUESTION_H
#define HOSPES_CLI_QUESTION_H

#include "host-bridge/cli/cli.h"

enum question_answer {
    QUESTION_NO, /* also the end of the input, and anything that is no yes */
    QUESTION_YES,
    QUESTION_DROPPED, /* on_tick had enough, or an interrupt came */
};

/* Somebody is there: standard input and standard error are terminals, and --json is not given. */
bool question_is_possible(const struct cli *cli);

/* Prints the text (escaped) and " [y/N] " to standard error and waits for a line. on_tick is called some four
 * times a second; false drops the question. It can be NULL. */
enum question_answer question_ask(struct cli *cli, const char *text, bool (*on_tick)(void *ctx), void *ctx);

#endif
