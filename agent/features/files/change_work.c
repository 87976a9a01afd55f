/* SPDX-License-Identifier: MIT */
/* MAKE, MOVE and REMOVE: one job, then FILES_DONE. Paths are looked at before FILES_OPENED, so that a long
 * removal is not begun when a later path can't be meant. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "agent/features/files/complaint.h"
#include "agent/features/files/remove_tree.h"
#include "agent/features/files/work.h"
#include "protocol/base/status.h"
#include "protocol/wire/utf8.h"
#include "services/transfer/entry_name.h"
#include "services/transfer/platform/rename.h"
#include "services/transfer/target_path.h"

#define MODE_MASK 01777 /* no setuid, no setgid */

struct change_state {
    uint64_t done;             /* entries made, moved or removed */
    struct files_path *result; /* MOVE: where it is now */
};

static const char *path_of(const struct work *work, size_t i)
{
    return work->open.paths[i].path;
}

/* ---- what may be removed or moved ---- */

static bool is_same(const struct stat *info, const char *path)
{
    struct stat other;
    return stat(path, &other) == 0 && info->st_dev == other.st_dev && info->st_ino == other.st_ino;
}

/* `info` is the user's home or a folder above it. */
static bool holds_home(const struct work *work, const struct stat *info)
{
    char path[FILES_PATH_MAX + 1];
    memcpy(path, work->user.home, sizeof(path));
    for (char *slash; !is_same(info, path); *slash = '\0') {
        slash = strrchr(path, '/');
        if (slash == NULL || slash == path)
            return false;
    }
    return true;
}

/* "/" and the home can't be meant, however they are written; nor can what ends in a dot. */
static int refuse_what_can_not_be_meant(struct work *work, const char *path, const char *as_written)
{
    const char *verb = work->open.operation == FILES_MOVE ? "is not moved" : "is not removed";
    char what[80];
    size_t name_size, written_size = strlen(as_written);
    struct stat info;
    const char *name = entry_name_of_path(path, &name_size);
    bool is_dots = name_size > 0 && name_size <= 2 && strspn(name, ".") == name_size;
    if (is_dots) {
        snprintf(what, sizeof(what), "%s: name the folder itself", verb);
        return complaint_of_path(work->problem, STATUS_INVALID, path, what);
    }
    bool follows = written_size > 0 && as_written[written_size - 1] == '/'; /* a link is the link elsewhere */
    int failed = follows ? stat(path, &info) : lstat(path, &info);
    if (failed < 0)
        return complaint_of_errno(work->problem, errno, "can't find", path);
    bool is_root = is_same(&info, "/");
    bool is_home = is_same(&info, work->user.home);
    if (!is_root && !holds_home(work, &info))
        return 0;
    snprintf(what, sizeof(what), "%s: it %s", verb,
             is_root   ? "is the whole system"
             : is_home ? "is the user's home"
                       : "holds the user's home");
    return complaint_of_path(work->problem, UV_EPERM, path, what);
}

static int prepare(struct work *work)
{
    if (work->open.path_count == 0) {
        snprintf(work->problem, sizeof(work->problem), "%s needs a path",
                 files_operation_name(work->open.operation));
        return STATUS_INVALID;
    }
    work->state = calloc(1, sizeof(struct change_state));
    int status = work->state == NULL ? UV_ENOMEM : 0;
    for (size_t i = 0; status == 0 && i < work->open.path_count; i++) {
        char written[FILES_PATH_MAX + 1];
        memcpy(written, path_of(work, i), sizeof(written));
        status = work_resolve(work, written, work->open.paths[i].path);
        if (status == 0 && work->open.operation != FILES_MAKE)
            status = refuse_what_can_not_be_meant(work, path_of(work, i), written);
    }
    if (status == 0)
        memcpy(work->path, path_of(work, 0), sizeof(work->path));
    return status;
}

/* ---- MAKE ---- */

/* Whatever the umask says. */
static int set_mode(struct work *work, const char *path, mode_t mode)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int failed = fd < 0 ? -1 : fchmod(fd, mode);
    int error = errno;
    if (fd >= 0)
        close(fd);
    return failed < 0 ? complaint_of_errno(work->problem, error, "can't set the permissions of", path) : 0;
}

/* 0: made, 1: it was there; < 0. */
static int make_folder(struct work *work, const char *path, mode_t mode)
{
    struct stat info;
    mode &= MODE_MASK;
    if (mkdir(path, mode != 0 ? mode | 0700 : 0777) == 0)
        return mode != 0 ? set_mode(work, path, mode) : 0;
    int error = errno;
    bool parents = (work->open.flags & FILES_PARENTS) != 0;
    if (parents && stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return 1;
    if (error == EEXIST)
        return complaint_of_path(work->problem, UV_EEXIST, path, "is there already");
    return complaint_of_errno(work->problem, error, "can't make", path);
}

static int make_with_parents(struct work *work, char *path)
{
    struct change_state *state = work->state;
    int status = 0;
    for (char *slash = strchr(path + 1, '/'); status >= 0 && slash != NULL; slash = strchr(slash + 1, '/')) {
        if (slash[-1] == '/')
            continue;
        *slash = '\0';
        status = make_folder(work, path, 0);
        state->done += status == 0 ? 1 : 0;
        *slash = '/';
    }
    if (status >= 0)
        status = make_folder(work, path, work->open.mode);
    state->done += status == 0 ? 1 : 0;
    return status < 0 ? status : 0;
}

static int make_all(struct work *work)
{
    struct change_state *state = work->state;
    int status = 0;
    for (size_t i = 0; status == 0 && i < work->open.path_count; i++) {
        if (atomic_load(&work->stop))
            return UV_ECANCELED;
        if ((work->open.flags & FILES_PARENTS) != 0) {
            status = make_with_parents(work, work->open.paths[i].path);
        } else {
            status = make_folder(work, path_of(work, i), work->open.mode);
            state->done += status == 0 ? 1 : 0;
        }
    }
    return status;
}

/* ---- MOVE ---- */

static int rename_to(struct work *work, const char *from, const char *to)
{
    int status;
    if (work->open.conflict == FILES_FAIL)
        status = rename_exclusive(AT_FDCWD, from, AT_FDCWD, to);
    else
        status = rename(from, to) == 0 ? 0 : complaint_status(errno);
    if (status == UV_EXDEV)
        return complaint_of_path(work->problem, status, to,
                                 "is on another file system: copy it there, then remove the original");
    if (status == UV_EEXIST)
        return complaint_of_path(work->problem, status, to, "is there already");
    return status < 0 ? complaint_of_status(work->problem, status, "can't move to", to) : 0;
}

static int move(struct work *work)
{
    struct change_state *state = work->state;
    struct target_path target;
    const char *from = path_of(work, 0);
    int status = target_path_resolve(work->open.to, work->user.home, 1, &target, work->problem);
    if (status < 0)
        return status;
    size_t name_size;
    const char *name = target.name[0] != '\0' ? target.name : entry_name_of_path(from, &name_size);
    const char *slash = strcmp(target.folder, "/") == 0 ? "" : "/";
    state->result = calloc(1, sizeof(*state->result));
    if (state->result == NULL)
        return UV_ENOMEM;
    char to[FILES_PATH_MAX + 1];
    int size = snprintf(to, sizeof(to), "%s%s%s", target.folder, slash, name);
    if (size < 0 || (size_t)size >= sizeof(to))
        return complaint_of_errno(work->problem, ENAMETOOLONG, "can't move to", target.folder);
    status = rename_to(work, from, to);
    state->done = status == 0 ? 1 : 0;
    utf8_copy(state->result->path, sizeof(state->result->path), span_of_text(to));
    return status;
}

static int prepare_move(struct work *work)
{
    if (work->open.path_count != 1 || work->open.conflict == FILES_RENAME) {
        snprintf(work->problem, sizeof(work->problem), "%s",
                 work->open.path_count != 1 ? "MOVE takes one path"
                                            : "MOVE replaces or fails, it doesn't rename");
        return STATUS_INVALID;
    }
    return prepare(work);
}

/* ---- REMOVE ---- */

static int remove_all(struct work *work)
{
    struct change_state *state = work->state;
    bool recursive = (work->open.flags & FILES_RECURSIVE) != 0;
    int status = 0;
    for (size_t i = 0; status == 0 && i < work->open.path_count; i++)
        status = atomic_load(&work->stop)
                     ? UV_ECANCELED
                     : remove_tree(path_of(work, i), recursive, &work->stop, &state->done, work->problem);
    return status;
}

/* ---- all of them ---- */

static int prepare_any(struct work *work)
{
    return work->open.operation == FILES_MOVE ? prepare_move(work) : prepare(work);
}

static void handle_changed(struct work *work, int status)
{
    struct change_state *state = work->state;
    struct files_done_message done = {
        .files = state->done, .name_count = state->result != NULL ? 1 : 0, .names = state->result};
    if (status < 0)
        work_fail(work, status);
    else
        work_finish(work, &done);
}

static void begin(struct work *work)
{
    struct files_opened_message opened = {.check = 0};
    uint8_t operation = work->open.operation;
    if (work_send_opened(work, &opened))
        work_run(work,
                 operation == FILES_MAKE   ? make_all
                 : operation == FILES_MOVE ? move
                                           : remove_all,
                 handle_changed);
}

static void clean(struct work *work)
{
    struct change_state *state = work->state;
    if (state != NULL)
        free(state->result);
}

const struct work_kind CHANGE_WORK = {.prepare = prepare_any, .begin = begin, .clean = clean};

/* ---- DECLINE ---- */

static int decline(struct work *work)
{
    struct files *files = work->files;
    int status = files->offers == NULL ? STATUS_NOT_FOUND
                                       : files->offers->decline(files->offers_ctx, work->open.offer);
    if (status < 0)
        snprintf(work->problem, sizeof(work->problem), "there is no such offer");
    return status;
}

static void begin_declined(struct work *work)
{
    struct files_opened_message opened = {.check = 0};
    struct files_done_message done = {.files = 0};
    if (work_send_opened(work, &opened))
        work_finish(work, &done);
}

const struct work_kind DECLINE_WORK = {.ask = decline, .begin = begin_declined};
