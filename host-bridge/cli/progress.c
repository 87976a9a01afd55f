/* SPDX-License-Identifier: MIT */
/* Draws and erases the waiting line. */
#include "host-bridge/cli/progress.h"

#include "host-bridge/cli/terminal.h"

void progress_init(struct progress *progress, FILE *out)
{
    struct terminal terminal;
    terminal_init(&terminal, out);
    *progress = (struct progress){.out = out, .can_show = terminal.moves_cursor};
}

void progress_on_wait(void *ctx, unsigned waited_ms, bool done)
{
    static const char *const FRAMES[] = {"⠋", "⠙", "⠸", "⠴", "⠦", "⠇"};
    struct progress *progress = ctx;
    if (done)
        fputs("\r\x1b[K", progress->out);
    else
        fprintf(progress->out, "\r%s waiting for an answer (%u s)\x1b[K",
                FRAMES[progress->frame++ % (sizeof(FRAMES) / sizeof(FRAMES[0]))], waited_ms / 1000);
    fflush(progress->out);
}
