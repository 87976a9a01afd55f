/* SPDX-License-Identifier: MIT */
/* Text that a guest may have chosen, made safe and measurable for a terminal: control characters, invalid
 * UTF-8, bidirectional overrides and invisible characters become \x1b or \u202e. Output is UTF-8. */
#ifndef HOSPES_CLI_ESCAPE_H
#define HOSPES_CLI_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What one piece of the text looks like: a character as it stands, or its escape. */
struct escape_unit {
    char text[12]; /* with a terminator */
    size_t size;
    size_t columns; /* 0 for a combining character */
};

/* Chooses a UTF-8 character type for wcwidth(3). Once, before anything else here; without it every printable
 * character counts as one column. */
void escape_init_locale(void);

/* Takes the next unit off *cursor; false at the end of the text. */
bool escape_next(const char **cursor, struct escape_unit *ret);

/* Columns of the escaped text. */
size_t escape_width(const char *text);

/* Prints the escaped text: all of it, or with max_columns > 0 at most so many columns, the last of them "…"
 * where something was cut. Returns the columns printed. */
size_t escape_print(FILE *out, const char *text, size_t max_columns);

/* Formats, prints the result escaped (newlines too), and ends the line. */
void escape_print_line(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
