/* SPDX-License-Identifier: MIT */
/* Depth first, by descriptors: a folder that another process swaps for a link meanwhile is not followed. Of a
 * chain that is deeper than DEPTH_MAX the rest is moved to the top and removed from there, so that few
 * descriptors are needed whatever lies there. */
#include "services/transfer/receive/removal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#define DEPTH_MAX  32
#define MOVED_MAX  4096 /* chains that are too deep, in one call */
#define MOVED_NAME "deep-%u"

struct removal {
    int flat;
    unsigned moved; /* deep-0 … deep-(moved - 1) wait in `flat` */
    atomic_bool *stop;
    int status; /* the first reason */
};

static void note(struct removal *removal, int error)
{
    if (error != ENOENT && removal->status == 0)
        removal->status = uv_translate_sys_error(error);
}

static void remove_named(struct removal *removal, int parent, const char *name, bool may_be_file, int depth);

static void empty_folder(struct removal *removal, DIR *entries, int depth)
{
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (removal->stop != NULL && atomic_load_explicit(removal->stop, memory_order_relaxed)) {
            removal->status = UV_ECANCELED;
            return;
        }
        remove_named(removal, dirfd(entries), entry->d_name, entry->d_type != DT_DIR, depth);
    }
}

static bool move_away(struct removal *removal, int parent, const char *name)
{
    char to[32];
    snprintf(to, sizeof(to), MOVED_NAME, removal->moved);
    if (removal->moved == MOVED_MAX || renameat(parent, name, removal->flat, to) < 0)
        return false;
    removal->moved++;
    return true;
}

/* One folder's own rights may keep its owner out. */
static int open_folder(int parent, const char *name)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(parent, name, flags);
    if (fd >= 0 || errno != EACCES)
        return fd;
    int path = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (path < 0)
        return -1;
    char self[64];
    snprintf(self, sizeof(self), "/proc/self/fd/%d", path);
    if (chmod(self, 0700) == 0)
        fd = openat(path, ".", flags);
    close(path);
    return fd;
}

/* True when nothing has that name any more. */
static bool remove_at_once(int parent, const char *name, bool may_be_file)
{
    if (may_be_file) {
        if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
            return true;
        if (errno != EISDIR && errno != EPERM) /* POSIX says EPERM of folders, Linux EISDIR */
            return false;
    }
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return true;
    return errno == ENOTDIR && unlinkat(parent, name, 0) == 0;
}

static void remove_named(struct removal *removal, int parent, const char *name, bool may_be_file, int depth)
{
    if (remove_at_once(parent, name, may_be_file))
        return;
    if (errno != ENOTEMPTY && errno != EEXIST) {
        note(removal, errno);
        return;
    }
    if (depth >= DEPTH_MAX && move_away(removal, parent, name))
        return;
    int fd = open_folder(parent, name);
    struct stat look;
    if (fd >= 0 && fstat(fd, &look) == 0 && (look.st_mode & 0700) != 0700)
        fchmod(fd, 0700);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    if (entries == NULL) {
        note(removal, errno);
        if (fd >= 0)
            close(fd);
        return;
    }
    empty_folder(removal, entries, depth + 1);
    closedir(entries);
    if (unlinkat(parent, name, AT_REMOVEDIR) < 0)
        note(removal, errno);
}

int removal_remove(int parent, const char *name, int flat, atomic_bool *stop)
{
    struct removal removal = {.flat = flat, .stop = stop};
    remove_named(&removal, parent, name, true, 0);
    while (removal.moved > 0 && removal.status != UV_ECANCELED) { /* each may move more of itself */
        char deep[32];
        snprintf(deep, sizeof(deep), MOVED_NAME, --removal.moved);
        char now[32] = "deep-now";
        if (renameat(flat, deep, flat, now) < 0) {
            note(&removal, errno);
            continue;
        }
        remove_named(&removal, flat, now, true, 0);
    }
    return removal.status;
}
