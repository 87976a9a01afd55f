/* SPDX-License-Identifier: MIT */
/* Lays out the progress of a transfer. What does not fit is left out, the least important first; when to draw
 * is transfer_follow.c's. */
#include "host-bridge/cli/transfer_bar.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/cli/escape.h"
#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/quantity.h"
#include "host-bridge/cli/transfer_words.h"

enum {
    BAR_COLUMNS_MAX = 24,
    BAR_COLUMNS_MIN = 8,
    PATH_COLUMNS_MIN = 12,
    LARGE_FILE = 1024 * 1024, /* smaller ones are gone before their numbers can be read */
};

/* In the order of the line. */
enum piece { PIECE_PERCENT, PIECE_BYTES, PIECE_RATE, PIECE_LEFT, PIECE_FILES, PIECE_COUNT };

struct pieces {
    char text[PIECE_COUNT][80];
};

/* The text's end where it does not fit: a file's name says more than its folders. */
static void print_path(FILE *out, const char *path, size_t columns)
{
    struct escape_unit unit;
    size_t width = escape_width(path);
    if (width > columns) {
        while (width > columns - 1 && escape_next(&path, &unit))
            width -= unit.columns;
        fputs("…", out);
    }
    escape_print(out, path, 0);
}

static bool print_current(FILE *out, const json_t *transfer, size_t columns)
{
    char numbers[96] = "";
    const json_t *current = json_view(transfer, "current");
    double size = json_view_number(current, "size"), done = json_view_number(current, "done");
    if (current == NULL || strcmp(json_view_text(transfer, "state", ""), "running") != 0)
        return false;
    if (size >= LARGE_FILE && done >= 0 && done <= size)
        snprintf(numbers, sizeof(numbers), "  %d %%  %s of %s", (int)(100 * done / size),
                 quantity_bytes(done).text, quantity_bytes(size).text);
    size_t width = escape_width(numbers);
    if (width + PATH_COLUMNS_MIN > columns) {
        numbers[0] = '\0';
        width = 0;
    }
    print_path(out, json_view_text(current, "path", "?"), columns - width);
    fprintf(out, "%s\n", numbers);
    return true;
}

static void fill_counts(const json_t *transfer, struct pieces *pieces)
{
    const json_t *bytes_total = json_view(transfer, "bytes.total");
    const json_t *files_total = json_view(transfer, "files.total");
    double bytes = transfer_words_bytes(transfer);
    long long files =
        (long long)(json_view_integer(transfer, "files.done") + json_view_integer(transfer, "files.skipped"));
    bool several = json_view_integer(transfer, "files.total") != 1;
    if (bytes_total != NULL)
        snprintf(pieces->text[PIECE_BYTES], sizeof(pieces->text[0]), "%s of %s", quantity_bytes(bytes).text,
                 quantity_bytes(json_view_number(transfer, "bytes.total")).text);
    else if (bytes > 0)
        snprintf(pieces->text[PIECE_BYTES], sizeof(pieces->text[0]), "%s", quantity_bytes(bytes).text);
    if (files_total != NULL && several)
        snprintf(pieces->text[PIECE_FILES], sizeof(pieces->text[0]), "%lld of %lld files", files,
                 (long long)json_view_integer(transfer, "files.total"));
    else if (files > 0 && several)
        snprintf(pieces->text[PIECE_FILES], sizeof(pieces->text[0]), "%lld files", files);
}

static void fill_pieces(const json_t *transfer, struct pieces *pieces)
{
    int percent = transfer_words_percent(transfer);
    double rate = json_view_number(transfer, "rate"), left = json_view_number(transfer, "leftSec");
    bool runs = strcmp(json_view_text(transfer, "state", ""), "running") == 0;
    memset(pieces, 0, sizeof(*pieces));
    if (percent >= 0)
        snprintf(pieces->text[PIECE_PERCENT], sizeof(pieces->text[0]), "%d %%", percent);
    fill_counts(transfer, pieces);
    if (runs && rate > 0)
        snprintf(pieces->text[PIECE_RATE], sizeof(pieces->text[0]), "%s/s", quantity_bytes(rate).text);
    if (runs && left >= 0)
        snprintf(pieces->text[PIECE_LEFT], sizeof(pieces->text[0]), "%s left", quantity_duration(left).text);
}

static size_t pieces_width(const struct pieces *pieces)
{
    size_t width = 0;
    for (int i = 0; i < PIECE_COUNT; i++)
        width += pieces->text[i][0] != '\0' ? 2 + escape_width(pieces->text[i]) : 0;
    return width;
}

/* Leaves out what has no room beside `used` columns. */
static void drop_pieces(struct pieces *pieces, size_t used, size_t columns)
{
    static const enum piece LEAST_FIRST[] = {PIECE_FILES, PIECE_BYTES, PIECE_RATE, PIECE_LEFT, PIECE_PERCENT};
    for (int i = 0; i < PIECE_COUNT && used + pieces_width(pieces) > columns; i++)
        pieces->text[LEAST_FIRST[i]][0] = '\0';
}

static void print_bar(FILE *out, int percent, size_t columns)
{
    size_t filled = (size_t)percent * columns / 100;
    fputs("  ", out);
    for (size_t i = 0; i < columns; i++)
        fputs(i < filled ? "█" : "░", out);
}

static void print_whole(FILE *out, const json_t *transfer, size_t columns)
{
    struct transfer_words state = transfer_words_state(transfer);
    struct pieces pieces;
    int percent = transfer_words_percent(transfer);
    fill_pieces(transfer, &pieces);
    size_t width = escape_width(state.text);
    drop_pieces(&pieces, width, columns);
    escape_print(out, state.text, columns);
    width += pieces_width(&pieces);
    if (percent >= 0 && width + 2 + BAR_COLUMNS_MIN <= columns) {
        size_t room = columns - width - 2;
        print_bar(out, percent, room > BAR_COLUMNS_MAX ? BAR_COLUMNS_MAX : room);
    }
    for (int i = 0; i < PIECE_COUNT; i++) {
        if (pieces.text[i][0] != '\0')
            fprintf(out, "  %s", pieces.text[i]);
    }
    fputc('\n', out);
}

char *transfer_bar_text(const json_t *transfer, size_t columns, size_t *ret_lines)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    *ret_lines = print_current(out, transfer, columns) ? 2 : 1;
    print_whole(out, transfer, columns);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}
