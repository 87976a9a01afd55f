/* SPDX-License-Identifier: MIT */
/* What is beneath a watched folder, as it was last seen: looking again tells what has changed. Pure: where it
 * looks is the caller's. One thread at a time. */
#ifndef HOSPES_WATCH_TREE_H
#define HOSPES_WATCH_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WATCH_ENTRIES_MAX 100000

struct watch_facts {
    bool folder;
    uint64_t device, inode, size;
    int64_t mtime_ns, birth_ns; /* birth 0: not known */
};

struct watch_lister {
    /* Calls `add` for each entry of the folder `path`, relative to the watched one ("": itself). UV_ENOENT,
     * UV_ENOTDIR: it is no longer there; any other failure: it can't be looked into now. */
    int (*list)(void *ctx, const char *path,
                void (*add)(void *add_ctx, const char *name, const struct watch_facts *facts), void *add_ctx);
    void *ctx;
};

struct watch_change {
    struct watch_change *next;
    uint8_t what; /* enum change_what */
    bool folder;
    const char *path; /* relative */
    const char *from; /* CHANGE_MOVED; else "" */
};

/* In an order in which they can be done after one another: deleted, moved, created, modified. */
struct watch_changes {
    struct watch_change *first, *last;
    size_t count;
    bool lost; /* something was missed */
};
int watch_changes_add(struct watch_changes *changes, uint8_t what, bool folder, const char *path,
                      const char *from);                                /* UV_ENOMEM: lost is set */
struct watch_change *watch_changes_take(struct watch_changes *changes); /* NULL: empty; free(3) it */
void watch_changes_move(struct watch_changes *changes, struct watch_changes *from);
void watch_changes_clear(struct watch_changes *changes);

struct watch_tree; /* opaque */

int watch_tree_create(size_t entries_max, struct watch_tree **ret); /* UV_ENOMEM */
void watch_tree_destroy(struct watch_tree *tree);                   /* NULL allowed */

/* The first look, which tells nothing. UV_ENOENT and the like: the folder itself can't be looked into. */
int watch_tree_fill(struct watch_tree *tree, const struct watch_lister *lister);
/* Something may have happened to these entries, or in them. `everywhere`: or to any other. UV_ENOENT,
 * UV_ENOTDIR: the folder itself is gone; UV_ENOMEM: changes->lost is set. What was in a folder that is gone
 * is not told; what is in a new one is. */
int watch_tree_look(struct watch_tree *tree, const struct watch_lister *lister, const char *const *paths,
                    size_t count, bool everywhere, struct watch_changes *changes);

/* More is there than it keeps: looks pass hints on as changes of folders. */
bool watch_tree_is_full(const struct watch_tree *tree);
size_t watch_tree_count(const struct watch_tree *tree);
/* Every folder but the watched one, those above first. */
void watch_tree_folders(const struct watch_tree *tree, void (*on_folder)(void *ctx, const char *path),
                        void *ctx);

#endif
