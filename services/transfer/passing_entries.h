/* SPDX-License-Identifier: MIT */
/* The entries of a transfer that passes through: which are announced and not settled, and what they are
 * called. At most FILES_WINDOW of them. Locked by its owner. */
#ifndef HOSPES_PASSING_ENTRIES_H
#define HOSPES_PASSING_ENTRIES_H

#include "services/transfer/engine.h"

struct passing_entries; /* opaque */

struct passing_entry {
    uint64_t number, size;
    uint8_t type; /* enum entry_type */
    char *path;   /* below the folder of the roots, for people; owned */
};

/* `names` (copied): what the roots are called from here on, in their order; name_count 0: as they are. */
int passing_entries_create(size_t name_count, const char *const *names, struct passing_entries **ret);
void passing_entries_destroy(struct passing_entries *entries); /* NULL allowed */

/* Adds what is announced and gives roots their names; *ret_renamed: the message was changed.
 * STATUS_MALFORMED: numbers, depth or window; STATUS_NOT_ALLOWED: more roots than names; UV_ENOMEM. */
int passing_entries_add(struct passing_entries *entries, struct manifest_message *manifest,
                        bool *ret_renamed);
/* NULL: not announced, or settled. Valid until the next call that changes something. */
const struct passing_entry *passing_entries_find(const struct passing_entries *entries, uint64_t number);
/* Forgets it; the path is the caller's. False: as NULL above. */
bool passing_entries_settle(struct passing_entries *entries, uint64_t number, struct passing_entry *ret);
/* Any entry of the run that is not settled: for runs far longer than what there is. False: there is none. */
bool passing_entries_any(const struct passing_entries *entries, uint64_t first, uint64_t count,
                         uint64_t *ret_number);
size_t passing_entries_count(const struct passing_entries *entries);

#endif
