/* SPDX-License-Identifier: MIT */
/* Folders of a walk: who they are, and descriptors to reach what is in them without a path. A folder lives as
 * long as somebody has a reference; its descriptor is open while somebody uses it, and of one set at most
 * `open_max` are: the one that was not wanted for longest is closed, and opened again from the folders above
 * when it is wanted. */
#ifndef HOSPES_SOURCE_FOLDER_H
#define HOSPES_SOURCE_FOLDER_H

#include <dirent.h>
#include <stddef.h>

#include "services/transfer/send/file_facts.h"

struct source_folder_set {
    struct source_folder *oldest, *newest; /* those that are open */
    size_t open_count, open_max;
};

struct source_folder;

/* open_max ≥ 2 */
void source_folder_set_init(struct source_folder_set *set, size_t open_max);

/* Opens `name` in `parent`, or `path` when parent is NULL (a root; `path` is borrowed as long as the folder
 * lives, and `name` is what it is called). Without `follow` a link is UV_ENOTDIR or UV_ELOOP. One reference
 * and no use. Errors of openat(2), UV_ENOMEM. */
int source_folder_open(struct source_folder_set *set, struct source_folder *parent, const char *name,
                       const char *path, bool follow, struct file_facts *ret_facts,
                       struct source_folder **ret);
struct source_folder *source_folder_reference(struct source_folder *folder);
void source_folder_release(struct source_folder_set *set, struct source_folder *folder); /* NULL allowed */

/* Its descriptor will be wanted. Closed with the last use. */
void source_folder_use(struct source_folder *folder);
void source_folder_unuse(struct source_folder_set *set, struct source_folder *folder);

/* Borrowed, valid until the next call for this set. Errors of openat(2); STATUS_CHANGED: another folder is in
 * its place. */
int source_folder_descriptor(struct source_folder_set *set, struct source_folder *folder, int *ret_fd);
/* Opens a file in the folder, or `name` as a path when folder is NULL: for reading, without waiting, not
 * through a link unless `follow`. */
int source_folder_open_file(struct source_folder_set *set, struct source_folder *folder, const char *name,
                            bool follow, int *ret_fd);
/* The next name in it, *ret NULL at the end. Valid until the next call for this set. Only while it is used.
 */
int source_folder_next(struct source_folder_set *set, struct source_folder *folder,
                       const struct dirent **ret);

/* Is it this one, or one above it? For links that lead back. */
bool source_folder_is_within(const struct source_folder *folder, const struct file_facts *facts);

/* "root/folder/NAME" as valid UTF-8 with control characters replaced; NAME can be NULL. What does not fit is
 * left out at the front. Returns `out`. */
char *source_folder_path(const struct source_folder *folder, const char *name, char *out, size_t capacity);

#endif
