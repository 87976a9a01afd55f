/* SPDX-License-Identifier: MIT */
/* What is lacking of a file: nothing where an earlier run left it whole, or where the one in place is the
 * same (UPDATE); a comparison where there is something of it; else all. A staged file gets its time last, so
 * size and time of the manifest say that it is whole. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/transfer/platform/rename.h"
#include "services/transfer/receive/receiver_internal.h"

#define OPEN_FLAGS (O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

struct plan {
    const struct manifest_entry *entry;
    uint64_t number;
    const char *name;
    uint32_t root;
    struct folder *parent;
    mode_t mode;
    bool has_old, has_place;
    struct stat old, place;
    char room[STAGED_NAME_SIZE];
    const char *staged;
};

static bool is_the_same(const struct stat *look, const struct manifest_entry *entry)
{
    return (uint64_t)look->st_size == entry->size && look->st_mtim.tv_sec == (time_t)entry->mtime.s &&
           look->st_mtim.tv_nsec == (long)entry->mtime.ns;
}

static bool look_at(struct receiver *receiver, struct plan *plan, enum folder_side side, const char *name,
                    struct stat *ret)
{
    int fd;
    return plan->parent->has[side] && folder_stack_fd(&receiver->folders, plan->parent, side, &fd) == 0 &&
           fstatat(fd, name, ret, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Of the size that is announced, or so large that a part of it may be right. */
static bool is_worth_comparing(const struct stat *look, const struct manifest_entry *entry)
{
    uint64_t size = (uint64_t)look->st_size;
    return size > 0 && (size == entry->size || (size > FILES_CHUNK_SIZE && entry->size > FILES_CHUNK_SIZE));
}

static int ask_for(struct receiver *receiver, struct plan *plan, enum need_action action,
                   struct incoming_file **ret)
{
    struct incoming_file *file;
    int status =
        incoming_files_add(&receiver->files, plan->parent, plan->entry, plan->number, plan->name, &file);
    if (status < 0)
        return status;
    file->root = plan->root;
    file->mode = (uint16_t)plan->mode;
    plan->parent->pending++;
    if (ret != NULL)
        *ret = file;
    return answers_need(&receiver->answers, plan->number, action);
}

static int fail(struct receiver *receiver, struct plan *plan, int status)
{
    if (plan->parent->parent == NULL)
        receiver->journal.roots[plan->root].state = ROOT_FAILED;
    const char *text = status == UV_EEXIST   ? "another entry of this name came already"
                       : status == UV_EISDIR ? FOLDER_IN_THE_WAY
                                             : NULL;
    return receiver_entry_failed(receiver, plan->number, plan->parent, plan->name, status, text);
}

static int set_mode(int folder, const char *name, const struct stat *look, mode_t mode)
{
    if ((look->st_mode & 07777) == mode)
        return 0;
    int fd = openat(folder, name, O_RDONLY | OPEN_FLAGS);
    if (fd < 0)
        return uv_translate_sys_error(errno);
    int status = fchmod(fd, mode) == 0 ? 0 : uv_translate_sys_error(errno);
    close(fd);
    return status;
}

/* From old/ to tree/. */
static int take_over(struct receiver *receiver, struct plan *plan)
{
    int old, staged;
    int status = folder_stack_fd(&receiver->folders, plan->parent, SIDE_STAGED, &staged);
    if (status == 0)
        status = folder_stack_fd(&receiver->folders, plan->parent, SIDE_OLD, &old);
    if (status == 0)
        status = rename_exclusive(old, plan->staged, staged, plan->staged);
    if (status == 0)
        receiver->has_staged = true;
    return status;
}

static int compare(struct receiver *receiver, struct plan *plan, enum target_base base)
{
    enum folder_side side = base == BASE_STAGED ? SIDE_STAGED : SIDE_PLACE;
    int folder, fd = -1;
    struct stat look;
    int status = folder_stack_fd(&receiver->folders, plan->parent, side, &folder);
    if (status == 0)
        fd = openat(folder, base == BASE_STAGED ? plan->staged : plan->name,
                    (base == BASE_STAGED ? O_RDWR : O_RDONLY) | OPEN_FLAGS);
    if (fd >= 0 && (fstat(fd, &look) < 0 || !S_ISREG(look.st_mode) || look.st_size == 0)) {
        close(fd);
        fd = -1;
    }
    if (fd < 0) { /* then it is made anew */
        if (base == BASE_STAGED && status == 0)
            unlinkat(folder, plan->staged, 0);
        return ask_for(receiver, plan, NEED_SEND, NULL);
    }
    struct incoming_file *file;
    status = ask_for(receiver, plan, NEED_COMPARE, &file);
    if (status == 0)
        status = target_create(receiver, file, base, fd, &look);
    if (status < 0)
        close(fd);
    return status;
}

static int plan_old(struct receiver *receiver, struct plan *plan)
{
    bool is_whole = is_the_same(&plan->old, plan->entry);
    if (!is_whole &&
        ((uint64_t)plan->old.st_size <= FILES_CHUNK_SIZE && plan->entry->size <= FILES_CHUNK_SIZE))
        return ask_for(receiver, plan, NEED_SEND, NULL); /* so small that it is sent sooner than compared */
    if (plan->old.st_size == 0 && !is_whole)
        return ask_for(receiver, plan, NEED_SEND, NULL);
    int status = take_over(receiver, plan);
    if (status == UV_EEXIST)
        return fail(receiver, plan, status);
    if (status < 0)
        return ask_for(receiver, plan, NEED_SEND, NULL);
    if (!is_whole)
        return compare(receiver, plan, BASE_STAGED);
    int folder;
    if (folder_stack_fd(&receiver->folders, plan->parent, SIDE_STAGED, &folder) == 0)
        set_mode(folder, plan->staged, &plan->old, plan->mode);
    return receiver_file_is_there(receiver, plan->number, plan->entry->size, false);
}

static int plan_same(struct receiver *receiver, struct plan *plan)
{
    int folder;
    if (folder_stack_fd(&receiver->folders, plan->parent, SIDE_PLACE, &folder) == 0) {
        int status = set_mode(folder, plan->name, &plan->place, plan->mode);
        if (status < 0)
            receiver_note(receiver, plan->parent, plan->name, status, "it is the same, but its mode is not");
    }
    if (plan->parent->parent == NULL)
        receiver->journal.roots[plan->root].state = ROOT_SAME;
    return receiver_file_is_there(receiver, plan->number, plan->entry->size, true);
}

int receive_plan_file(struct receiver *receiver, const struct manifest_entry *entry, uint64_t number,
                      const char *name, uint32_t root)
{
    struct plan plan = {.entry = entry,
                        .number = number,
                        .name = name,
                        .root = root,
                        .parent = receiver->folders.current,
                        .mode = entry->mode & (receiver->strip_executable ? 0666 : 0777)};
    if (entry->size > INT64_MAX)
        return fail(receiver, &plan, UV_EFBIG);
    plan.staged = staged_name(plan.parent, root, name, plan.room);
    plan.has_old = look_at(receiver, &plan, SIDE_OLD, plan.staged, &plan.old) && S_ISREG(plan.old.st_mode);
    bool updates =
        (receiver->flags & (FILES_UPDATE | FILES_CHECKSUM)) != 0 && receiver->conflict == FILES_REPLACE;
    bool merges = receiver->conflict == FILES_REPLACE && plan.parent->parent != NULL;
    plan.has_place = (updates || merges) && look_at(receiver, &plan, SIDE_PLACE, name, &plan.place);
    if (plan.has_place && S_ISDIR(plan.place.st_mode)) /* said now, while the sender can still be told */
        return fail(receiver, &plan, UV_EISDIR);
    plan.has_place = updates && plan.has_place && S_ISREG(plan.place.st_mode);
    if (plan.has_old && is_the_same(&plan.old, entry))
        return plan_old(receiver, &plan);
    if (plan.has_place && (receiver->flags & FILES_CHECKSUM) == 0 && is_the_same(&plan.place, entry))
        return plan_same(receiver, &plan);
    if (plan.has_place && is_worth_comparing(&plan.place, entry) &&
        (!plan.has_old || plan.old.st_size < plan.place.st_size))
        return compare(receiver, &plan, BASE_PLACE);
    return plan.has_old ? plan_old(receiver, &plan) : ask_for(receiver, &plan, NEED_SEND, NULL);
}
