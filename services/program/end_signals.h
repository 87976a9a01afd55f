/* SPDX-License-Identifier: MIT */
/* SIGTERM and SIGINT for a program that stops cleanly: told on the loop, and harmless from the end of the
 * loop to the end of the process, so that an impatient second signal neither cuts off what is being saved nor
 * changes the exit status. SIGPIPE is ignored. */
#ifndef HOSPES_END_SIGNALS_H
#define HOSPES_END_SIGNALS_H

#include <uv.h>

struct end_signals {
    uv_signal_t handles[2];
    void (*on_signal)(void *ctx, int number);
    void *ctx;
};

/* The handles do not keep the loop alive. */
void end_signals_start(struct end_signals *signals, uv_loop_t *loop, void (*on_signal)(void *ctx, int number),
                       void *ctx);
/* After the loop has run out: closes the handles and runs it once more for that. From now on the signals are
 * ignored. */
void end_signals_finish(struct end_signals *signals);

#endif
