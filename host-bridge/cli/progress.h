/* SPDX-License-Identifier: MIT */
/* A line on a terminal that says that something is still being waited for. */
#ifndef HOSPES_CLI_PROGRESS_H
#define HOSPES_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdio.h>

struct progress {
    FILE *out;
    bool can_show; /* `out` is a terminal that moves its cursor */
    unsigned frame;
};

void progress_init(struct progress *progress, FILE *out);
/* client_options.on_wait; ctx is the struct progress. */
void progress_on_wait(void *ctx, unsigned waited_ms, bool done);

#endif
