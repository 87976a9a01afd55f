/* SPDX-License-Identifier: MIT */
/* Chunks come in ascending order, so one number says how far a file is right: `reached`. Up to there it is
 * what the sender said; behind it a new file has nothing, and one that is changed where it lies (BASE_STAGED)
 * has old bytes, which are made zero or cut off where nobody says that they are right. With BASE_PLACE
 * nothing is staged as long as all is the same; then `copied` says how much of that the staged file has.
 * Everything can be done again after UV_EAGAIN. */
#include "services/transfer/receive/file_target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/transfer/platform/file_range.h"
#include "services/transfer/platform/file_system.h"
#include "services/transfer/receive/receiver_internal.h"

#define OPEN_FLAGS (O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
#define COPY_PIECE (16 << 20) /* between two looks at the free space */

static void unlist(struct target_set *set, struct file_target *target)
{
    if (target->newer != NULL)
        target->newer->older = target->older;
    else
        set->newest = target->older;
    if (target->older != NULL)
        target->older->newer = target->newer;
    else
        set->oldest = target->newer;
    target->newer = target->older = NULL;
}

static void close_target(struct target_set *set, struct file_target *target)
{
    if (!target->is_open)
        return;
    if (target->fd >= 0)
        close(target->fd);
    if (target->base_fd >= 0)
        close(target->base_fd);
    target->fd = target->base_fd = -1;
    target->is_open = false;
    set->open_count--;
    unlist(set, target);
}

/* It is used now, and has or gets descriptors. */
static void touch(struct target_set *set, struct file_target *target)
{
    if (set->newest == target)
        return;
    if (target->is_open) {
        unlist(set, target);
    } else {
        if (set->open_count == TARGETS_OPEN_MAX)
            close_target(set, set->oldest);
        target->is_open = true;
        set->open_count++;
    }
    target->older = set->newest;
    if (set->newest != NULL)
        set->newest->newer = target;
    else
        set->oldest = target;
    set->newest = target;
}

int target_create(struct receiver *receiver, struct incoming_file *file, enum target_base base, int fd,
                  const struct stat *look)
{
    struct file_target *target = calloc(1, sizeof(*target));
    if (target == NULL)
        return UV_ENOMEM;
    target->file = file;
    target->fd = target->base_fd = -1;
    target->base = (uint8_t)base;
    file->target = target;
    if (base == BASE_NONE)
        return 0;
    touch(&receiver->targets, target);
    *(base == BASE_STAGED ? &target->fd : &target->base_fd) = fd;
    target->base_look = *look;
    if (base == BASE_STAGED) {
        target->is_staged = true;
        target->device = look->st_dev;
        target->inode = look->st_ino;
        target->staged_size = (uint64_t)look->st_size;
    }
    struct target_set *set = &receiver->targets;
    target->is_compared = true;
    if (set->compared_last != NULL)
        set->compared_last->next_compared = target;
    else
        set->compared_first = target;
    set->compared_last = target;
    return 0;
}

static void forget_comparison(struct target_set *set, struct file_target *target)
{
    if (!target->is_compared)
        return;
    struct file_target **at = &set->compared_first, *before = NULL;
    for (; *at != target; at = &(*at)->next_compared)
        before = *at;
    *at = target->next_compared;
    if (set->compared_last == target)
        set->compared_last = before;
    target->next_compared = NULL;
    target->is_compared = false;
}

void target_destroy(struct receiver *receiver, struct incoming_file *file, bool discard)
{
    struct file_target *target = file->target;
    if (target == NULL)
        return;
    forget_comparison(&receiver->targets, target);
    close_target(&receiver->targets, target);
    if (discard && target->is_staged)
        receiver_remove_file(receiver, file);
    free(target);
    file->target = NULL;
}

static int create_staged(struct receiver *receiver, struct file_target *target)
{
    struct stat look;
    int fd = -1;
    int status = receiver_make_file(receiver, target->file, O_RDWR, 0600, &fd);
    if (status < 0)
        return status;
    if (fstat(fd, &look) < 0) {
        close(fd);
        return file_status(errno);
    }
    touch(&receiver->targets, target);
    target->fd = fd;
    target->is_staged = true;
    target->device = look.st_dev;
    target->inode = look.st_ino;
    target->staged_size = target->copied = 0;
    return 0;
}

static int open_staged(struct receiver *receiver, struct file_target *target)
{
    struct stat look;
    struct incoming_file *file = target->file;
    char room[STAGED_NAME_SIZE];
    int folder;
    if (target->fd >= 0) {
        touch(&receiver->targets, target);
        return 0;
    }
    if (!target->is_staged)
        return create_staged(receiver, target);
    int status = folder_stack_fd(&receiver->folders, file->folder, SIDE_STAGED, &folder);
    if (status < 0)
        return status;
    int fd = openat(folder, staged_name(file->folder, file->root, file->name, room), O_RDWR | OPEN_FLAGS);
    if (fd < 0)
        return file_status(errno);
    if (fstat(fd, &look) < 0 || look.st_dev != target->device || look.st_ino != target->inode) {
        close(fd);
        return STATUS_CHANGED;
    }
    touch(&receiver->targets, target);
    target->fd = fd;
    return 0;
}

static bool is_unchanged(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

int target_open_base(struct receiver *receiver, struct file_target *target, int *ret_fd)
{
    if (target->base == BASE_STAGED) {
        int status = open_staged(receiver, target);
        if (status == 0)
            *ret_fd = target->fd;
        return status;
    }
    int fd = target->base_fd, folder;
    struct stat look;
    if (fd < 0) {
        int status = folder_stack_fd(&receiver->folders, target->file->folder, SIDE_PLACE, &folder);
        if (status < 0)
            return status;
        fd = openat(folder, target->file->name, O_RDONLY | OPEN_FLAGS);
        if (fd < 0)
            return file_status(errno);
    }
    touch(&receiver->targets, target);
    target->base_fd = fd;
    if (fstat(fd, &look) < 0 || !is_unchanged(&look, &target->base_look))
        return STATUS_CHANGED; /* somebody works on it here */
    *ret_fd = fd;
    return 0;
}

/* The staged file, with all in it that is right so far. */
static int stage(struct receiver *receiver, struct file_target *target)
{
    int status = open_staged(receiver, target);
    while (status == 0 && target->base == BASE_PLACE && target->copied < target->reached) {
        uint64_t size = target->reached - target->copied;
        int from = -1;
        if (size > COPY_PIECE)
            size = COPY_PIECE;
        status = target_open_base(receiver, target, &from);
        if (status == 0)
            status = receiver_claim_space(receiver, size);
        if (status == 0)
            status = file_range_copy(from, target->fd, target->copied, size, receiver->engine.stop);
        if (status == 0) {
            target->copied += size;
            if (target->copied > target->staged_size)
                target->staged_size = target->copied;
        }
    }
    return status;
}

/* All is right up to there now. */
static void reach(struct receiver *receiver, struct file_target *target, uint64_t offset)
{
    target->reached = offset;
    if (target->is_staged)
        target->copied = offset;
    receiver->engine.counts.current_done = offset;
}

/* Zero bytes from what was reached up to `offset`. */
static int zero_up_to(struct receiver *receiver, struct file_target *target, uint64_t offset)
{
    if (offset == target->reached)
        return 0;
    int status = stage(receiver, target);
    if (status == 0 && target->reached < target->staged_size)
        status =
            file_range_zero(target->fd, target->reached, offset - target->reached, receiver->engine.stop);
    if (status == 0)
        reach(receiver, target, offset);
    return status;
}

/* What an error of one step means: for the item, for this file, or for the transfer. */
static int judge(struct receiver *receiver, struct incoming_file *file, int status)
{
    if (status == 0 || status_is_fatal(status))
        return status;
    if (status_is_disk_full(status))
        return receiver_pause(receiver, status);
    const char *text = NULL;
    if (status == UV_EEXIST)
        text = "another entry of this name came already";
    else if (status == STATUS_CHANGED)
        text = "something else writes to it here";
    return receiver_file_failed(receiver, file, status, text);
}

static int target_of(struct receiver *receiver, struct incoming_file *file, struct file_target **ret)
{
    int status = file->target != NULL ? 0 : target_create(receiver, file, BASE_NONE, -1, NULL);
    *ret = file->target;
    return status;
}

static int check_range(const struct file_target *target, uint64_t offset, uint64_t size)
{
    bool fits = size <= INT64_MAX && offset <= INT64_MAX - size;
    return fits && size > 0 && offset >= target->reached ? 0 : STATUS_MALFORMED;
}

static int write_chunk(struct receiver *receiver, struct file_target *target, uint64_t offset,
                       struct span bytes)
{
    int status = zero_up_to(receiver, target, offset);
    if (status == 0)
        status = stage(receiver, target);
    if (status == 0)
        status = receiver_claim_space(receiver, bytes.size);
    if (status == 0)
        status = file_range_write(target->fd, bytes.data, bytes.size, offset);
    if (status < 0)
        return status;
    if (offset + bytes.size > target->staged_size)
        target->staged_size = offset + bytes.size;
    reach(receiver, target, offset + bytes.size);
    return 0;
}

int target_take_chunk(struct receiver *receiver, struct incoming_file *file, uint64_t offset,
                      struct span bytes)
{
    struct file_target *target;
    int status = target_of(receiver, file, &target);
    if (status == 0)
        status = check_range(target, offset, bytes.size);
    if (status == 0)
        status = write_chunk(receiver, target, offset, bytes);
    return judge(receiver, file, status);
}

int target_take_zero(struct receiver *receiver, struct incoming_file *file, uint64_t offset, uint64_t size)
{
    struct file_target *target;
    int status = target_of(receiver, file, &target);
    if (status == 0)
        status = check_range(target, offset, size);
    if (status == 0)
        status = zero_up_to(receiver, target, offset + size);
    return judge(receiver, file, status);
}

int target_take_keep(struct receiver *receiver, struct incoming_file *file, uint64_t offset, uint64_t size)
{
    struct file_target *target = file->target;
    if (target == NULL || target->base == BASE_NONE || check_range(target, offset, size) < 0 ||
        offset + size > (uint64_t)target->base_look.st_size)
        return STATUS_MALFORMED;
    int status = zero_up_to(receiver, target, offset);
    if (status == 0) {
        uint64_t before = target->reached;
        target->reached = offset + size; /* `copied` stays: stage() copies it */
        if (target->base == BASE_PLACE && target->is_staged)
            status = stage(receiver, target);
        if (status < 0)
            target->reached = before;
        else
            reach(receiver, target, offset + size);
    }
    return judge(receiver, file, status);
}

/* Has the name in the target been given to another file meanwhile? */
static int check_place(struct receiver *receiver, struct incoming_file *file)
{
    struct stat look;
    int folder;
    int status = folder_stack_fd(&receiver->folders, file->folder, SIDE_PLACE, &folder);
    if (status < 0)
        return status;
    if (fstatat(folder, file->name, &look, AT_SYMLINK_NOFOLLOW) < 0 ||
        !is_unchanged(&look, &file->target->base_look))
        return STATUS_CHANGED;
    return 0;
}

/* The file in place is the same: only its time and mode may not be. */
static int end_in_place(struct receiver *receiver, struct incoming_file *file, const struct files_time *mtime)
{
    int fd = -1;
    int status = target_open_base(receiver, file->target, &fd);
    if (status == 0)
        status = check_place(receiver, file);
    if (status == 0)
        status = receiver_dress_file(receiver, file, fd, false, mtime);
    if (status == 0 && file->folder->parent == NULL)
        receiver->journal.roots[file->root].state = ROOT_SAME;
    if (status == 0)
        receiver->engine.counts.skipped++;
    return status;
}

static int end_staged(struct receiver *receiver, struct file_target *target, uint64_t size,
                      const struct files_time *mtime)
{
    int status = stage(receiver, target);
    if (status < 0)
        return status;
    if (target->base == BASE_PLACE) { /* was it the same file all the time? */
        int fd = -1;
        status = target_open_base(receiver, target, &fd);
        if (status < 0)
            return status;
    }
    if (target->staged_size > target->reached && target->reached < size) { /* what nobody said is right */
        if (ftruncate(target->fd, (off_t)target->reached) < 0)
            return file_status(errno);
        target->staged_size = target->reached;
    }
    if (target->staged_size != size && ftruncate(target->fd, (off_t)size) < 0)
        return file_status(errno);
    target->staged_size = size;
    return receiver_dress_file(receiver, target->file, target->fd, false, mtime);
}

int target_take_end(struct receiver *receiver, struct incoming_file *file, uint64_t size,
                    const struct files_time *mtime)
{
    struct file_target *target;
    int status = target_of(receiver, file, &target);
    if (status < 0)
        return status;
    if (size < target->reached)
        return receiver_problem(receiver, STATUS_MALFORMED, "a file ends before what came of it");
    bool in_place = target->base == BASE_PLACE && !target->is_staged && size == target->reached &&
                    size == (uint64_t)target->base_look.st_size;
    if (size > INT64_MAX)
        status = UV_EFBIG;
    else if (in_place)
        status = end_in_place(receiver, file, mtime);
    else
        status = end_staged(receiver, target, size, mtime);
    if (in_place && status == UV_EPERM) /* another user's: it can be replaced, but not be changed */
        status = end_staged(receiver, target, size, mtime);
    return status == 0 ? receiver_file_done(receiver, file, size) : judge(receiver, file, status);
}

int target_take_again(struct receiver *receiver, struct incoming_file *file)
{
    target_destroy(receiver, file, true);
    receiver->engine.counts.current_done = 0;
    return 0;
}
