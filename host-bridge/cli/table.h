/* SPDX-License-Identifier: MIT */
/* Rows under headings, aligned by spaces. Cells are raw text and escaped when printed. */
#ifndef HOSPES_CLI_TABLE_H
#define HOSPES_CLI_TABLE_H

#include <stddef.h>
#include <stdio.h>

#include "host-bridge/cli/terminal.h"

#define TABLE_COLUMNS_MAX 10

enum table_align { ALIGN_LEFT, ALIGN_RIGHT };

struct table_column {
    const char *title;
    enum table_align align;
    size_t min_columns; /* may be cut down to this on a narrow terminal; 0 = never cut */
};

struct table; /* opaque */

/* `columns` is borrowed for the whole life; 1 … TABLE_COLUMNS_MAX. NULL when out of memory. */
struct table *table_create(const struct table_column *columns, size_t count);
void table_destroy(struct table *table); /* can be NULL */

/* Cells in reading order; the text is copied, NULL is an empty cell. Out of memory is remembered and told by
 * table_print. */
void table_cell(struct table *table, enum style style, const char *text);
void table_cell_format(struct table *table, enum style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

size_t table_rows(const struct table *table);
/* Prints headings and at most max_rows rows (0 = all), cut to the terminal's width if it is one. No trailing
 * spaces, no tabs. UV_ENOMEM. */
int table_print(const struct table *table, FILE *out, const struct terminal *terminal, size_t max_rows);

#endif
