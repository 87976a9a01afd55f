/* SPDX-License-Identifier: MIT */
/* Depth first with a stack of open folders, as deep as FILES_DEPTH_MAX. Which paths may go at all is
 * change_work.c's to say. */
#include "agent/features/files/remove_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "agent/features/files/complaint.h"
#include "agent/platform/same_mount.h"
#include "protocol/base/status.h"
#include "services/transfer/entry_name.h"

#define REWINDS_MAX 8 /* a folder that others fill while it is emptied */

struct level {
    DIR *folder;
    size_t path_size; /* of the walk's path, without this folder's name */
    unsigned rewinds;
    char name[FILES_NAME_MAX + 1];
};

struct walk {
    int top; /* the folder above */
    size_t depth;
    struct level *levels; /* FILES_DEPTH_MAX */
    const atomic_bool *stop;
    uint64_t removed;
    char path[FILES_PATH_MAX + 1]; /* of the folder at work; may be cut */
    char *problem;
};

static int folder_of(const struct walk *walk)
{
    return walk->depth > 0 ? dirfd(walk->levels[walk->depth - 1].folder) : walk->top;
}

static int complain(struct walk *walk, int error, const char *name)
{
    char path[FILES_PATH_MAX + FILES_NAME_MAX + 2];
    snprintf(path, sizeof(path), "%s/%s", walk->path, name);
    if (error == EXDEV || error == EBUSY)
        return complaint_of_path(walk->problem, UV_EXDEV, path,
                                 "is in use by the system: something is mounted there");
    if (error == E2BIG)
        return complaint_of_path(walk->problem, STATUS_LIMIT, path, "is too deep to be removed");
    return complaint_of_errno(walk->problem, error, "can't remove", path);
}

static int enter(struct walk *walk, const char *name)
{
    if (walk->depth == FILES_DEPTH_MAX)
        return complain(walk, E2BIG, name);
    int fd = same_mount_enter(folder_of(walk), name);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (folder == NULL) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return complain(walk, error, name);
    }
    struct level *level = &walk->levels[walk->depth++];
    level->folder = folder;
    level->rewinds = 0;
    level->path_size = strlen(walk->path);
    snprintf(level->name, sizeof(level->name), "%s", name);
    snprintf(walk->path + level->path_size, sizeof(walk->path) - level->path_size, "/%s", name);
    return 0;
}

/* The folder at work is empty: out of it, and away with it. */
static int leave(struct walk *walk)
{
    struct level *level = &walk->levels[walk->depth - 1];
    int parent = walk->depth > 1 ? dirfd(walk->levels[walk->depth - 2].folder) : walk->top;
    int failed = unlinkat(parent, level->name, AT_REMOVEDIR);
    int error = errno;
    if (failed < 0 && (error == ENOTEMPTY || error == EEXIST) && level->rewinds < REWINDS_MAX) {
        level->rewinds++;
        rewinddir(level->folder);
        return 0;
    }
    closedir(level->folder);
    walk->depth--;
    walk->path[level->path_size] = '\0';
    if (failed < 0)
        return complain(walk, error, level->name);
    walk->removed++;
    return 0;
}

static int remove_entry(struct walk *walk, const char *name, bool may_be_folder)
{
    if (unlinkat(folder_of(walk), name, 0) == 0) {
        walk->removed++;
        return 0;
    }
    struct stat info;
    int error = errno;
    bool is_folder = may_be_folder && (error == EISDIR || error == EPERM) &&
                     fstatat(folder_of(walk), name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
    if (is_folder)
        return enter(walk, name);
    return error == ENOENT ? 0 : complain(walk, error, name); /* gone meanwhile: as it should be */
}

static int step(struct walk *walk)
{
    errno = 0;
    struct dirent *entry = readdir(walk->levels[walk->depth - 1].folder);
    if (entry == NULL)
        return errno != 0 ? complain(walk, errno, ".") : leave(walk);
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
        return 0;
    if (entry->d_type == DT_DIR)
        return enter(walk, entry->d_name);
    return remove_entry(walk, entry->d_name, true);
}

static int empty(struct walk *walk, const char *name)
{
    walk->levels = calloc(FILES_DEPTH_MAX, sizeof(*walk->levels));
    int status = walk->levels == NULL ? complain(walk, ENOMEM, name) : enter(walk, name);
    while (status == 0 && walk->depth > 0) {
        status = step(walk);
        if (status == 0 && walk->depth > 0 && atomic_load(walk->stop))
            status = UV_ECANCELED;
    }
    while (walk->depth > 0)
        closedir(walk->levels[--walk->depth].folder);
    free(walk->levels);
    return status;
}

static int remove_named(struct walk *walk, const char *name, bool recursive)
{
    struct stat info;
    if (fstatat(walk->top, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
        return complain(walk, errno, name);
    if (!S_ISDIR(info.st_mode))
        return remove_entry(walk, name, false);
    if (recursive)
        return empty(walk, name);
    if (unlinkat(walk->top, name, AT_REMOVEDIR) < 0)
        return complain(walk, errno == EEXIST ? ENOTEMPTY : errno, name);
    walk->removed++;
    return 0;
}

int remove_tree(const char *path, bool recursive, const atomic_bool *stop, uint64_t *ret_removed,
                char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct walk *walk = calloc(1, sizeof(*walk));
    size_t name_size;
    const char *name_start = entry_name_of_path(path, &name_size);
    if (walk == NULL)
        return complaint_of_errno(ret_problem, ENOMEM, "can't remove", path);
    walk->stop = stop;
    walk->problem = ret_problem;
    char name[FILES_NAME_MAX + 1];
    int status = 0;
    if (name_size == 0 || name_size > FILES_NAME_MAX)
        status =
            complaint_of_errno(ret_problem, name_size == 0 ? EINVAL : ENAMETOOLONG, "can't remove", path);
    if (status == 0) {
        snprintf(name, sizeof(name), "%.*s", (int)name_size, name_start);
        snprintf(walk->path, sizeof(walk->path), "%.*s", (int)(name_start - path), path);
        walk->top = open(walk->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
        if (walk->top < 0 && errno == EACCES) /* one may go through, but not look */
            walk->top = open(walk->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (walk->top < 0)
            status = complaint_of_errno(ret_problem, errno, "can't remove", path);
    }
    if (status == 0) {
        size_t size = strlen(walk->path); /* "/a/" is shown as "/a", "/" as "" */
        walk->path[size - 1] = '\0';
        status = remove_named(walk, name, recursive);
        close(walk->top);
    }
    *ret_removed += walk->removed;
    free(walk);
    return status;
}
