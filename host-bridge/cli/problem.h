/* SPDX-License-Identifier: MIT */
/* Asking the bridge, and what to say and return when it fails. */
#ifndef HOSPES_CLI_PROBLEM_H
#define HOSPES_CLI_PROBLEM_H

#include "host-bridge/cli/cli.h"

/* CLI_DONE for a success; else the exit status that belongs to the answer. Prints nothing. */
int problem_status(const struct client_answer *answer);
/* The answer's sentence, borrowed from it or static, without the hint. Never NULL. `ret_hint` can be NULL. */
const char *problem_text(const struct client_answer *answer, const char **ret_hint);
/* Prints the failed answer to stderr and returns problem_status. */
int problem_report(struct cli *cli, const struct client_answer *answer);

/* One request; reports a failure. CLI_DONE and *ret_json (owned by the caller; NULL for an empty body;
 * ret_json can be NULL), or the exit status. */
int problem_ask(struct cli *cli, const char *method, const char *path, const json_t *body, json_t **ret_json);

/* Reports a path that api_path could not hold. */
int problem_name_too_long(struct cli *cli);
/* The same where the path within a guest is what is long. */
int problem_path_too_long(struct cli *cli);

#endif
