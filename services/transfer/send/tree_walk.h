/* SPDX-License-Identifier: MIT */
/* Goes through roots and all that is in them, depth first, as a manifest tells it. What can't be sent is
 * reported and left out. */
#ifndef HOSPES_TREE_WALK_H
#define HOSPES_TREE_WALK_H

#include <stdatomic.h>

#include "services/transfer/send/source_folder.h"

struct tree_walk_options {
    struct source_folder_set *folders; /* borrowed */
    size_t path_count;
    const char *const *paths; /* borrowed; absolute */
    bool recursive;           /* else folders are left out */
    uint8_t links;            /* enum files_links */
    bool list;                /* what is in the only root, links as they are; nothing is entered */
    atomic_bool *const *stop; /* where engine.stop is */
    /* `folder` NULL: a root. `name` as the disk has it. Can be NULL. */
    void (*on_left_out)(void *ctx, int status, const char *text, const struct source_folder *folder,
                        const char *name);
    void *ctx;
};

struct walk_entry { /* pointers are borrowed until the next call */
    uint8_t type;   /* enum entry_type */
    bool follow;
    struct source_folder *folder; /* that it is in; NULL: a root */
    struct source_folder *self;   /* of ENTRY_FOLDER, unless list */
    const char *name;             /* one component, valid */
    const char *path;             /* of a root: absolute, as it was given */
    struct file_facts facts;
    char target[FILES_LINK_MAX + 1]; /* of ENTRY_LINK */
};

struct tree_walk; /* opaque */

int tree_walk_create(const struct tree_walk_options *options, struct tree_walk **ret); /* UV_ENOMEM */
void tree_walk_destroy(struct tree_walk *walk);                                        /* NULL allowed */
/* 0; UV_EOF: that was all; UV_ECANCELED: stop; UV_ENOMEM; with `list` also why the root can't be listed. */
int tree_walk_next(struct tree_walk *walk, struct walk_entry *ret);

#endif
