/* SPDX-License-Identifier: MIT */
/* A staged folder goes into one that is in the target: entry by entry, beneath, and no link is followed. What
 * has no counterpart is moved as it is, a file replaces a file or a link by one rename, folders that both
 * sides have are merged in turn, and what can't be put there (a folder where a file is, say) fails alone.
 * Every entry leaves the staged folder, so that this can be done again after a crash. The staged folder's
 * mode and time, which change with its entries, are kept by a file in it that no entry can be named like
 * (PARTIAL_FOLDER), as its own mode and time. Two descriptors a level are used. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/transfer/platform/beneath.h"
#include "services/transfer/platform/file_system.h"
#include "services/transfer/platform/rename.h"
#include "services/transfer/receive/receiver_internal.h"

#define MARK     PARTIAL_FOLDER
#define NEW_MARK "mark"

/* Folders from the root downwards, for people's paths. */
struct level {
    const struct level *above;
    const char *name;
};

struct merge {
    struct receiver *receiver;
    int moved; /* entries, in one pass over a folder */
};

static int merge_folder(struct merge *merge, const struct level *level, int parent_from,
                        const char *from_name, int parent_to, const char *to_name);

static void path_of(const struct level *level, char *ret, size_t size)
{
    size_t at = size - 1;
    ret[at] = '\0';
    for (; level != NULL; level = level->above) {
        size_t part = strlen(level->name);
        if (part + 1 > at)
            break;
        if (ret[at] != '\0')
            ret[--at] = '/';
        at -= part;
        memcpy(ret + at, level->name, part);
    }
    memmove(ret, ret + at, size - at);
}

/* The entry can't be put there: it is told, and leaves the staged folder all the same. */
static int fail_entry(struct merge *merge, const struct level *level, int from, int status)
{
    if (status_is_fatal(status))
        return status;
    char path[TRANSFER_PATH_MAX + 1];
    const char *text = status_text(status);
    path_of(level, path, sizeof(path));
    if (status == UV_EISDIR)
        text = FOLDER_IN_THE_WAY;
    else if (status == UV_ENOTDIR)
        text = FILE_IN_THE_WAY;
    engine_note_failure(&merge->receiver->engine, status, text, path);
    return staging_throw_away(&merge->receiver->staging, from, level->name);
}

/* A folder can only be moved by who may write to it. */
static int move_closed_folder(int from, int to, const char *name)
{
    int fd = -1;
    struct stat look;
    int status = beneath_open_folder(from, name, &fd);
    if (status < 0)
        return status;
    if (fstat(fd, &look) < 0 || (look.st_mode & S_IWUSR) != 0 || fchmod(fd, look.st_mode | S_IWUSR) < 0) {
        close(fd);
        return UV_EACCES;
    }
    status = rename_exclusive(from, name, to, name);
    fchmod(fd, look.st_mode & 07777);
    close(fd);
    return status;
}

static int put_folder(struct merge *merge, const struct level *level, int from, int to)
{
    struct stat look;
    int status = rename_exclusive(from, level->name, to, level->name);
    if (status == UV_EACCES)
        status = move_closed_folder(from, to, level->name);
    if (status != UV_EEXIST && status != UV_ENOTEMPTY)
        return status;
    if (fstatat(to, level->name, &look, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(look.st_mode))
        return UV_ENOTDIR;
    return merge_folder(merge, level, from, level->name, to, level->name);
}

static int put_entry(struct merge *merge, const struct level *above, const struct dirent *entry, int from,
                     int to)
{
    struct level level = {above, entry->d_name};
    struct stat look;
    bool is_folder = entry->d_type == DT_DIR;
    if (receiver_is_stopped(merge->receiver))
        return UV_ECANCELED;
    if (entry->d_type == DT_UNKNOWN)
        is_folder = fstatat(from, entry->d_name, &look, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(look.st_mode);
    int status = 0;
    if (is_folder)
        status = put_folder(merge, &level, from, to);
    else if (renameat(from, entry->d_name, to, entry->d_name) < 0)
        status = file_status(errno);
    merge->moved++;
    return status < 0 && status != UV_ENOENT ? fail_entry(merge, &level, from, status) : 0;
}

/* Until a pass finds nothing: a folder that changes while it is read may not tell all at once. */
static int put_entries(struct merge *merge, const struct level *level, DIR *entries, int to)
{
    int status = 0;
    do {
        merge->moved = 0;
        rewinddir(entries);
        for (struct dirent *entry; status == 0 && (entry = readdir(entries)) != NULL;) {
            const char *name = entry->d_name;
            if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, MARK) != 0)
                status = put_entry(merge, level, entry, dirfd(entries), to);
        }
    } while (status == 0 && merge->moved > 0);
    return status;
}

/* The mark comes first: a crash in between must not make the folder's mode another. Only where its owner may
 * not write to it that can't be: then it may end as a folder that he may write to. */
static int put_mark(int own, int folder, mode_t mode)
{
    if (renameat(own, NEW_MARK, folder, MARK) == 0) {
        fchmod(folder, 0700);
        return 0;
    }
    if (errno != EACCES || fchmod(folder, mode | 0700) < 0 || renameat(own, NEW_MARK, folder, MARK) < 0)
        return file_status(errno);
    return 0;
}

/* Keeps the folder's mode and time, or finds what was kept. */
static int keep_looks(struct merge *merge, int folder, struct stat *ret)
{
    int own = merge->receiver->staging.own;
    if (fstatat(folder, MARK, ret, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    if (fstat(folder, ret) < 0)
        return file_status(errno);
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, ret->st_mtim};
    unlinkat(own, NEW_MARK, 0);
    int fd = openat(own, NEW_MARK, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return file_status(errno);
    int status = fchmod(fd, ret->st_mode & 0777) == 0 && futimens(fd, times) == 0 ? 0 : file_status(errno);
    close(fd);
    if (status == 0)
        status = put_mark(own, folder, ret->st_mode);
    return status;
}

/* Closes `from`. */
static int merge_open(struct merge *merge, const struct level *level, int from, int to)
{
    struct stat looks;
    int status = keep_looks(merge, from, &looks);
    DIR *entries = status == 0 ? fdopendir(from) : NULL;
    if (entries == NULL) {
        close(from);
        return status < 0 ? status : UV_ENOMEM;
    }
    status = put_entries(merge, level, entries, to);
    closedir(entries);
    if (status < 0)
        return status;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, looks.st_mtim};
    fchmod(to, looks.st_mode & 0777); /* another user's folder keeps its own */
    futimens(to, times);
    return 0;
}

static int merge_folder(struct merge *merge, const struct level *level, int parent_from,
                        const char *from_name, int parent_to, const char *to_name)
{
    int from = -1, to = -1;
    int status = beneath_open_folder(parent_to, to_name, &to);
    if (status == 0)
        status = beneath_open_folder(parent_from, from_name, &from);
    if (status == 0)
        status = merge_open(merge, level, from, to);
    if (to >= 0)
        close(to);
    return status == 0 ? staging_throw_away(&merge->receiver->staging, parent_from, from_name) : status;
}

int publish_merge(struct receiver *receiver, const char *from, const char *to)
{
    struct merge merge = {.receiver = receiver};
    struct level level = {NULL, to};
    return merge_folder(&merge, &level, receiver->staging.tree, from, receiver->staging.target, to);
}
