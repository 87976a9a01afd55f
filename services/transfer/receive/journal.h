/* SPDX-License-Identifier: MIT */
/* What must be known of a transfer after a crash while its roots are put in their places: lines of text,
 * appended. Before that, the staged files speak for themselves. Blocks. */
#ifndef HOSPES_JOURNAL_H
#define HOSPES_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire/limits.h"

#define JOURNAL_NAME "journal"
#define ROOTS_MAX    FILES_WINDOW /* of a transfer: bounds its memory */

enum root_state {
    ROOT_STAGED = 1, /* waits in the staging folder */
    ROOT_SAME,       /* what has its name already is the same */
    ROOT_FAILED,
};

/* What is entered at the top of a manifest. */
struct root {
    char *name; /* wanted, then had; on the heap */
    uint8_t state;
    bool is_folder;
    bool is_put;            /* it is there */
    uint16_t mode;          /* of a folder */
    uint64_t device, inode; /* of what was put, in this run */
};

struct journal_state {
    bool has_begun, is_done; /* everything was staged and verified; everything is in its place */
    size_t root_count;
    struct root *roots; /* on the heap */
    uint64_t files, bytes, skipped, failed;
};

void journal_state_finish(struct journal_state *state);

/* What is written in the folder's journal; a torn last line does not count. 0 and an empty state where there
 * is none; UV_ENOMEM. */
int journal_read(int folder, struct journal_state *ret);
/* Anew: roots as they are, counts, and that all is staged. `sync`: everything that was staged, and this, is
 * on the disk before it counts. What is noted later need not be: a root that is no longer staged was put,
 * under the name that was noted last, or else under its own. */
int journal_begin(int folder, const struct journal_state *state, bool sync);
/* Root `number` is being put under another name than its own. On the disk when it returns. */
int journal_note_name(int folder, size_t number, const char *name);
int journal_note_failed(int folder, size_t number);
int journal_note_done(int folder);

#endif
