/* SPDX-License-Identifier: MIT */
/* What is in a folder, with what tells one state of an entry from another. */
#ifndef HOSPES_FOLDER_LIST_H
#define HOSPES_FOLDER_LIST_H

#include <stdbool.h>
#include <stdint.h>

struct folder_entry {
    bool folder;
    bool file; /* a regular one */
    uint64_t device, inode, size;
    int64_t mtime_ns; /* since 1970 */
    int64_t birth_ns; /* 0: the file system does not tell */
};

/* All entries but "." and "..", in no order; links as links. Takes the descriptor of the folder in every
 * case. `on_entry` gives false to end early: UV_ECANCELED. An entry that goes away meanwhile is left out.
 * Blocks. */
int folder_list_read(int folder,
                     bool (*on_entry)(void *ctx, const char *name, const struct folder_entry *entry),
                     void *ctx);
/* One entry alone; `name` is relative to the folder. */
int folder_list_look(int folder, const char *name, struct folder_entry *ret);

#endif
