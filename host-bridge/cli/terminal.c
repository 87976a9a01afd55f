/* SPDX-License-Identifier: MIT */
/* Finds out what the output can show. */
#include "host-bridge/cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_MIN = 20, COLUMNS_ASSUMED = 80 };

void terminal_update_size(struct terminal *terminal, FILE *out)
{
    struct winsize size = {0};
    if (!terminal->is_terminal)
        return;
    terminal->columns = COLUMNS_ASSUMED;
    terminal->rows = 0;
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        terminal->columns = size.ws_col < COLUMNS_MIN ? COLUMNS_MIN : size.ws_col;
        terminal->rows = size.ws_row;
    }
}

void terminal_init(struct terminal *terminal, FILE *out)
{
    const char *term = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    memset(terminal, 0, sizeof(*terminal));
    int descriptor = fileno(out);
    terminal->is_terminal = descriptor >= 0 && isatty(descriptor) == 1;
    terminal->moves_cursor =
        terminal->is_terminal && term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
    terminal->colour = terminal->moves_cursor && (no_color == NULL || no_color[0] == '\0');
    terminal_update_size(terminal, out);
}

const char *terminal_style(const struct terminal *terminal, enum style style)
{
    static const char *const SEQUENCES[] = {
        [STYLE_PLAIN] = "",           [STYLE_HEADER] = "\x1b[1m", [STYLE_GOOD] = "\x1b[32m",
        [STYLE_WARNING] = "\x1b[33m", [STYLE_BAD] = "\x1b[31m",   [STYLE_DIM] = "\x1b[2m",
        [STYLE_STRONG] = "\x1b[1m",
    };
    return terminal->colour ? SEQUENCES[style] : "";
}

const char *terminal_reset(const struct terminal *terminal, enum style style)
{
    return terminal->colour && style != STYLE_PLAIN ? "\x1b[0m" : "";
}
