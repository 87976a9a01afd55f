/* SPDX-License-Identifier: MIT */
/* The tree of incomplete folders and their descriptors. A folder is only ever opened beneath one that is
 * open, without following links; one that is opened again must be the same as before, so that a process which
 * swaps folders of the staging tree gains nothing by it. What is done with folders is receiver_folder.c's. */
#include "services/transfer/receive/folder_stack.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/transfer/platform/beneath.h"

#define PATH_SIZE 4096 /* of a piece that is opened by one call */

int folder_stack_init(struct folder_stack *stack, int staged, int old, int place)
{
    *stack = (struct folder_stack){.top = NULL};
    stack->top = calloc(1, sizeof(*stack->top) + 1);
    if (stack->top == NULL)
        return UV_ENOMEM;
    int fds[SIDES] = {[SIDE_STAGED] = staged, [SIDE_OLD] = old, [SIDE_PLACE] = place};
    for (int side = 0; side < SIDES; side++) {
        stack->top->fds[side] = fds[side];
        stack->top->has[side] = fds[side] >= 0;
    }
    stack->current = stack->top;
    return 0;
}

static void unlist(struct folder_stack *stack, struct folder *folder)
{
    if (folder->newer != NULL)
        folder->newer->older = folder->older;
    else
        stack->newest = folder->older;
    if (folder->older != NULL)
        folder->older->newer = folder->newer;
    else
        stack->oldest = folder->newer;
    folder->newer = folder->older = NULL;
}

static void list_first(struct folder_stack *stack, struct folder *folder)
{
    folder->older = stack->newest;
    if (stack->newest != NULL)
        stack->newest->newer = folder;
    else
        stack->oldest = folder;
    stack->newest = folder;
}

static void close_folder(struct folder_stack *stack, struct folder *folder)
{
    if (!folder->is_open)
        return;
    for (int side = 0; side < SIDES; side++) {
        if (folder->fds[side] >= 0)
            close(folder->fds[side]);
        folder->fds[side] = -1;
    }
    folder->is_open = false;
    unlist(stack, folder);
    stack->open_count--;
}

/* It is used now: the last to be closed. */
static void touch(struct folder_stack *stack, struct folder *folder)
{
    if (folder->parent == NULL || stack->newest == folder)
        return;
    if (folder->is_open) {
        unlist(stack, folder);
    } else {
        if (stack->open_count == FOLDERS_OPEN_MAX)
            close_folder(stack, stack->oldest);
        folder->is_open = true;
        stack->open_count++;
    }
    list_first(stack, folder);
}

int folder_stack_enter(struct folder_stack *stack, const struct manifest_entry *entry, uint64_t number,
                       const char *name, uint32_t root, struct folder **ret)
{
    size_t size = strlen(name) + 1;
    struct folder *folder = calloc(1, sizeof(*folder) + size);
    if (folder == NULL)
        return UV_ENOMEM;
    folder->parent = stack->current;
    for (int side = 0; side < SIDES; side++)
        folder->fds[side] = -1;
    folder->entry = number;
    folder->depth = (uint16_t)(stack->current->depth + 1);
    folder->root = root;
    folder->mode = entry->mode & 0777;
    folder->uid = entry->uid;
    folder->gid = entry->gid;
    folder->mtime = entry->mtime;
    memcpy(folder->name, name, size);
    stack->current->pending++;
    stack->current = folder;
    stack->count++;
    *ret = folder;
    return 0;
}

void folder_stack_drop(struct folder_stack *stack, struct folder *folder)
{
    assert(folder->parent != NULL && folder->pending == 0);
    close_folder(stack, folder);
    folder->parent->pending--;
    stack->count--;
    free(folder);
}

static void finish_below(struct folder_stack *stack, struct folder *folder)
{
    while (folder != NULL && folder->parent != NULL) {
        struct folder *parent = folder->parent;
        folder->pending = 0;
        folder_stack_drop(stack, folder);
        folder = parent->pending == 0 ? parent : NULL;
    }
}

void folder_stack_finish(struct folder_stack *stack)
{
    if (stack->top == NULL)
        return;
    if (stack->current != stack->top)
        finish_below(stack, stack->current);
    free(stack->top);
    *stack = (struct folder_stack){.top = NULL};
}

const char *staged_name(const struct folder *parent, uint32_t root, const char *name,
                        char room[static STAGED_NAME_SIZE])
{
    if (parent->parent != NULL)
        return name;
    snprintf(room, STAGED_NAME_SIZE, "%u", root);
    return room;
}

static const char *name_on(const struct folder *folder, enum folder_side side,
                           char room[static STAGED_NAME_SIZE])
{
    return side == SIDE_PLACE ? folder->name : staged_name(folder->parent, folder->root, folder->name, room);
}

/* From the nearest folder above that is open, in pieces that the kernel takes as one path. */
static int open_again(struct folder *folder, enum folder_side side, int *ret_fd)
{
    struct folder *chain[FILES_DEPTH_MAX + 1];
    size_t count = 0;
    struct folder *at = folder;
    for (; at->fds[side] < 0; at = at->parent)
        chain[count++] = at;
    int fd = at->fds[side], status = 0;
    bool is_borrowed = true;
    while (count > 0 && status == 0) {
        char path[PATH_SIZE], room[STAGED_NAME_SIZE];
        size_t used = 0;
        while (count > 0) {
            const char *name = name_on(chain[count - 1], side, room);
            size_t size = strlen(name);
            if (used + size + 2 > sizeof(path))
                break;
            if (used > 0)
                path[used++] = '/';
            memcpy(path + used, name, size);
            used += size;
            count--;
        }
        path[used] = '\0';
        int next = -1;
        status = beneath_open_folder(fd, path, &next);
        if (!is_borrowed)
            close(fd);
        is_borrowed = false;
        fd = next;
    }
    if (status == 0)
        *ret_fd = fd;
    return status;
}

/* The same as before? What was found first is what was made, or its maker's own doing. */
static int check_same(struct folder *folder, enum folder_side side, int fd)
{
    struct stat look;
    if (side == SIDE_OLD)
        fchmod(fd,
               0700); /* complete ones have a mode of their own by now, and must give their entries away */
    if (side != SIDE_STAGED)
        return 0;
    if (fstat(fd, &look) < 0)
        return uv_translate_sys_error(errno);
    if (folder->is_seen && (look.st_dev != folder->device || look.st_ino != folder->inode))
        return STATUS_CHANGED;
    folder->device = look.st_dev;
    folder->inode = look.st_ino;
    folder->is_seen = true;
    return 0;
}

int folder_stack_fd(struct folder_stack *stack, struct folder *folder, enum folder_side side, int *ret_fd)
{
    if (!folder->has[side])
        return UV_ENOENT;
    if (folder->fds[side] < 0) {
        int fd = -1;
        int status = open_again(folder, side, &fd);
        if (status == 0 && (status = check_same(folder, side, fd)) < 0)
            close(fd);
        if (status < 0)
            return status;
        touch(stack, folder);
        folder->fds[side] = fd;
    } else {
        touch(stack, folder);
    }
    *ret_fd = folder->fds[side];
    return 0;
}

struct folder *folder_stack_find(struct folder_stack *stack, uint64_t entry)
{
    struct folder *folder = stack->current;
    while (folder->parent != NULL && folder->entry != entry)
        folder = folder->parent;
    return folder->parent != NULL ? folder : NULL;
}

void folder_path(const struct folder *parent, const char *name, char *ret, size_t size)
{
    size_t at = size - 1, part = strlen(name);
    ret[at] = '\0';
    for (;;) {
        if (part > at)
            break;
        at -= part;
        memcpy(ret + at, name, part);
        if (parent->parent == NULL || at == 0)
            break;
        ret[--at] = '/';
        name = parent->name;
        part = strlen(name);
        parent = parent->parent;
    }
    memmove(ret, ret + at, size - at);
}
