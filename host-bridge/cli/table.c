/* SPDX-License-Identifier: MIT */
/* Lays out rows under headings. Widths are those of the escaped text (escape.c); on a terminal the widest
 * column that may be cut gives way until the line fits. */
#include "host-bridge/cli/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "host-bridge/cli/escape.h"

enum { COLUMN_GAP = 2 };

struct cell {
    char *text; /* never NULL */
    enum style style;
};

struct table {
    const struct table_column *columns;
    size_t column_count;
    struct cell *cells;
    size_t cell_count, cell_room;
    bool out_of_memory;
};

struct table *table_create(const struct table_column *columns, size_t count)
{
    assert(count >= 1 && count <= TABLE_COLUMNS_MAX);
    struct table *table = calloc(1, sizeof(*table));
    if (table == NULL)
        return NULL;
    table->columns = columns;
    table->column_count = count;
    return table;
}

void table_destroy(struct table *table)
{
    if (table == NULL)
        return;
    for (size_t i = 0; i < table->cell_count; i++)
        free(table->cells[i].text);
    free(table->cells);
    free(table);
}

static void take_cell(struct table *table, enum style style, char *text)
{
    if (text == NULL || table->out_of_memory)
        goto fail;
    if (table->cell_count == table->cell_room) {
        size_t room = table->cell_room == 0 ? 64 : table->cell_room * 2;
        struct cell *cells = realloc(table->cells, room * sizeof(*cells));
        if (cells == NULL)
            goto fail;
        table->cells = cells;
        table->cell_room = room;
    }
    table->cells[table->cell_count++] = (struct cell){.text = text, .style = style};
    return;
fail:
    free(text);
    table->out_of_memory = true;
}

void table_cell(struct table *table, enum style style, const char *text)
{
    take_cell(table, style, strdup(text != NULL ? text : ""));
}

void table_cell_format(struct table *table, enum style style, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(&text, format, arguments);
    va_end(arguments);
    take_cell(table, style, size < 0 ? NULL : text);
}

size_t table_rows(const struct table *table)
{
    return table->cell_count / table->column_count;
}

static size_t line_width(const struct table *table, const size_t *widths)
{
    size_t sum = 0;
    for (size_t i = 0; i < table->column_count; i++)
        sum += widths[i] + (i > 0 ? COLUMN_GAP : 0);
    return sum;
}

/* The widest column that may still be cut; false when none is left. */
static bool find_widest(const struct table *table, const size_t *widths, size_t *ret_index)
{
    bool found = false;
    size_t index = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        size_t minimum = table->columns[i].min_columns;
        if (minimum == 0 || widths[i] <= minimum)
            continue;
        if (!found || widths[i] > widths[index])
            index = i;
        found = true;
    }
    if (found)
        *ret_index = index;
    return found;
}

static void measure(const struct table *table, size_t rows, size_t limit, size_t *widths)
{
    for (size_t i = 0; i < table->column_count; i++)
        widths[i] = escape_width(table->columns[i].title);
    for (size_t i = 0; i < rows * table->column_count; i++) {
        size_t width = escape_width(table->cells[i].text);
        size_t column = i % table->column_count;
        widths[column] = width > widths[column] ? width : widths[column];
    }
    size_t index = 0;
    while (limit > 0 && line_width(table, widths) > limit && find_widest(table, widths, &index))
        widths[index]--;
}

static void print_spaces(FILE *out, size_t count)
{
    while (count-- > 0)
        fputc(' ', out);
}

struct table_line {
    size_t room;    /* columns left; SIZE_MAX = no limit */
    size_t pending; /* spaces owed before the next visible text, so that none trail */
};

static void print_cell(const struct terminal *terminal, FILE *out, const struct cell *cell, size_t width,
                       enum table_align align, struct table_line *line)
{
    size_t own = escape_width(cell->text);
    size_t shown = own > width ? width : own;
    size_t padding = width - shown;
    size_t before = line->pending + (align == ALIGN_RIGHT ? padding : 0);
    if (shown == 0) {
        line->pending += padding;
        return;
    }
    if (line->room != SIZE_MAX) { /* even uncuttable columns end at the terminal's edge */
        if (before >= line->room) {
            line->room = 0;
            return;
        }
        shown = shown > line->room - before ? line->room - before : shown;
        line->room -= before + shown;
    }
    print_spaces(out, before);
    fputs(terminal_style(terminal, cell->style), out);
    escape_print(out, cell->text, shown);
    fputs(terminal_reset(terminal, cell->style), out);
    line->pending = align == ALIGN_RIGHT ? 0 : padding;
}

static void print_row(const struct table *table, FILE *out, const struct terminal *terminal,
                      const struct cell *cells, const size_t *widths)
{
    struct table_line line = {.room = terminal->columns > 0 ? terminal->columns : SIZE_MAX};
    for (size_t i = 0; i < table->column_count && line.room > 0; i++) {
        print_cell(terminal, out, &cells[i], widths[i], table->columns[i].align, &line);
        line.pending += COLUMN_GAP;
    }
    fputc('\n', out);
}

int table_print(const struct table *table, FILE *out, const struct terminal *terminal, size_t max_rows)
{
    if (table->out_of_memory)
        return UV_ENOMEM;
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    struct cell titles[TABLE_COLUMNS_MAX];
    size_t rows = table_rows(table);
    rows = max_rows > 0 && rows > max_rows ? max_rows : rows;
    measure(table, rows, terminal->columns, widths);
    for (size_t i = 0; i < table->column_count; i++) {
        union {
            const char *borrowed;
            char *text;
        } title = {.borrowed = table->columns[i].title};
        titles[i] = (struct cell){.text = title.text, .style = STYLE_HEADER};
    }
    print_row(table, out, terminal, titles, widths);
    for (size_t i = 0; i < rows; i++)
        print_row(table, out, terminal, &table->cells[i * table->column_count], widths);
    return 0;
}
