/* SPDX-License-Identifier: MIT */
/* The folders of a transfer that are not complete: those that the manifest is in, and those behind it in
 * which files are still under way. Each is up to three folders on the disk that have the same place in their
 * trees: the one that is made, the one that an earlier run made, and the one that is in the target already.
 * Few of them have descriptors; the others are opened again beneath the top when they are needed. Blocks. */
#ifndef HOSPES_FOLDER_STACK_H
#define HOSPES_FOLDER_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "protocol/wire/message.h"

#define FOLDERS_OPEN_MAX 48 /* with descriptors, besides the top */

enum folder_side {
    SIDE_STAGED, /* tree/ */
    SIDE_OLD,    /* old/ */
    SIDE_PLACE,  /* the target */
    SIDES,
};

struct folder {
    struct folder *parent;        /* NULL: the top */
    struct folder *newer, *older; /* those with descriptors, by their last use */
    int fds[SIDES];               /* -1: not open */
    bool has[SIDES];              /* as far as is known */
    dev_t device;                 /* of SIDE_STAGED, once it was open */
    ino_t inode;
    bool is_seen, is_open; /* is_seen: device and inode are known. is_open: in the list */
    bool is_left, has_failed;
    bool settles_late; /* its entry is settled when it is complete */
    uint64_t entry;
    uint32_t pending; /* files and folders in it that are not complete */
    uint16_t depth;   /* the top's is 0, a root's 1 */
    uint32_t root;    /* its root's number */
    uint16_t mode;    /* to be set when it is complete */
    uint32_t uid, gid;
    struct files_time mtime;
    char name[]; /* in the target */
};

struct folder_stack {
    struct folder *top;
    struct folder *current; /* that the manifest is in */
    struct folder *newest, *oldest;
    size_t open_count, count; /* count: without the top */
};

/* The descriptors are borrowed; -1: there is no such side. UV_ENOMEM. */
int folder_stack_init(struct folder_stack *stack, int staged, int old, int place);
void folder_stack_finish(struct folder_stack *stack);

/* Below the current one, which becomes its parent; it is the current one then. Nothing is made on the disk.
 */
int folder_stack_enter(struct folder_stack *stack, const struct manifest_entry *entry, uint64_t number,
                       const char *name, uint32_t root, struct folder **ret);
/* The folder, once it is left and nothing in it is pending, is complete: the caller sees to it, then drops it
 * and looks at its parent. */
static inline bool folder_is_complete(const struct folder *folder)
{
    return folder->parent != NULL && folder->is_left && folder->pending == 0;
}
void folder_stack_drop(struct folder_stack *stack, struct folder *folder);

/* Valid until another folder is asked for. UV_ENOENT: there is no such side. */
int folder_stack_fd(struct folder_stack *stack, struct folder *folder, enum folder_side side, int *ret_fd);
/* Open folder by its entry; NULL: it is complete, or none. Looks at each. */
struct folder *folder_stack_find(struct folder_stack *stack, uint64_t entry);

/* What an entry is called in the staging folder: roots by their numbers. `room` may hold it. */
#define STAGED_NAME_SIZE 12
const char *staged_name(const struct folder *parent, uint32_t root, const char *name,
                        char room[static STAGED_NAME_SIZE]);
/* "root/a/name", cut at the front where it is too long. */
void folder_path(const struct folder *parent, const char *name, char *ret, size_t size);

#endif
