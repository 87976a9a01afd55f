/* SPDX-License-Identifier: MIT */
/* Two uv_signal handles. What stopping means is the program's. */
#include "services/program/end_signals.h"

#include <signal.h>

static const int NUMBERS[2] = {SIGTERM, SIGINT};

static void handle_signal(uv_signal_t *handle, int number)
{
    struct end_signals *signals = handle->data;
    signals->on_signal(signals->ctx, number);
}

void end_signals_start(struct end_signals *signals, uv_loop_t *loop, void (*on_signal)(void *ctx, int number),
                       void *ctx)
{
    signal(SIGPIPE, SIG_IGN);
    signals->on_signal = on_signal;
    signals->ctx = ctx;
    for (int i = 0; i < 2; i++) {
        uv_signal_init(loop, &signals->handles[i]);
        signals->handles[i].data = signals;
        uv_signal_start(&signals->handles[i], handle_signal, NUMBERS[i]);
        uv_unref((uv_handle_t *)&signals->handles[i]);
    }
}

void end_signals_finish(struct end_signals *signals)
{
    uv_loop_t *loop = signals->handles[0].loop;
    for (int i = 0; i < 2; i++) {
        uv_close((uv_handle_t *)&signals->handles[i], NULL);
        signal(NUMBERS[i], SIG_IGN); /* libuv restores the default, which would end the process another way */
    }
    uv_run(loop, UV_RUN_DEFAULT);
}
