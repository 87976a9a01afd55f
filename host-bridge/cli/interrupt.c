/* SPDX-License-Identifier: MIT */
/* The program's signals. The flag is the one variable of file scope that a signal handler needs. */
#include "host-bridge/cli/interrupt.h"

#include <signal.h>
#include <string.h>

static volatile sig_atomic_t seen_signal;

static void on_signal(int number)
{
    seen_signal = number;
}

void interrupt_install(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_signal;
    action.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    action.sa_flags = 0;
    sigaction(SIGPIPE, &action, NULL);
}

bool interrupt_seen(void)
{
    return seen_signal != 0;
}

void interrupt_end_process(void)
{
    if (seen_signal == 0)
        return;
    signal(seen_signal, SIG_DFL);
    raise(seen_signal);
}
