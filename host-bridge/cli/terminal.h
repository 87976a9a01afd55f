/* SPDX-License-Identifier: MIT */
/* What the output can show: a terminal's size, colour, cursor movement. */
#ifndef HOSPES_CLI_TERMINAL_H
#define HOSPES_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct terminal {
    bool is_terminal;
    bool moves_cursor; /* escape sequences work: a terminal that is not TERM=dumb */
    bool colour;       /* the same, and NO_COLOR is not set */
    size_t columns;    /* 0 = no limit (not a terminal) */
    size_t rows;       /* 0 = not known */
};

enum style { STYLE_PLAIN, STYLE_HEADER, STYLE_GOOD, STYLE_WARNING, STYLE_BAD, STYLE_DIM, STYLE_STRONG };

/* Asks the descriptor of `out` and the environment. */
void terminal_init(struct terminal *terminal, FILE *out);
/* The size may change while a live table is shown. */
void terminal_update_size(struct terminal *terminal, FILE *out);

/* The sequences around styled text; "" without colour. */
const char *terminal_style(const struct terminal *terminal, enum style style);
const char *terminal_reset(const struct terminal *terminal, enum style style);

#endif
