/* SPDX-License-Identifier: MIT */
/* Folder objects and the bounded set of their descriptors, in the order in which they were wanted last. A
 * folder that is read keeps its stream with its descriptor; when that is closed its place is kept, as file
 * systems keep places valid for NFS. That a folder is the same one as before is checked by device and inode
 * whenever it is opened again. */
#include "services/transfer/send/source_folder.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "protocol/wire/utf8.h"

#define FOLDER_OPEN_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK)
#define FILE_OPEN_FLAGS   (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

struct source_folder {
    struct source_folder *parent; /* referenced; NULL: a root */
    const char *path;             /* of a root, borrowed */
    bool follow;
    dev_t device;
    ino_t inode;
    size_t references, uses;
    int fd;      /* -1: closed */
    DIR *stream; /* owns fd; can be NULL */
    long place;  /* in the stream, when it was closed; 0: at its beginning */
    struct source_folder *older, *newer;
    char name[];
};

void source_folder_set_init(struct source_folder_set *set, size_t open_max)
{
    assert(open_max >= 2);
    *set = (struct source_folder_set){.open_max = open_max};
}

static void set_remove(struct source_folder_set *set, struct source_folder *folder)
{
    if (folder->older != NULL)
        folder->older->newer = folder->newer;
    else
        set->oldest = folder->newer;
    if (folder->newer != NULL)
        folder->newer->older = folder->older;
    else
        set->newest = folder->older;
    folder->older = folder->newer = NULL;
}

static void set_append(struct source_folder_set *set, struct source_folder *folder)
{
    folder->older = set->newest;
    if (set->newest != NULL)
        set->newest->newer = folder;
    else
        set->oldest = folder;
    set->newest = folder;
}

static void shut(struct source_folder_set *set, struct source_folder *folder)
{
    if (folder->fd < 0)
        return;
    if (folder->stream != NULL) {
        folder->place = telldir(folder->stream);
        closedir(folder->stream);
    } else {
        close(folder->fd);
    }
    folder->fd = -1;
    folder->stream = NULL;
    set_remove(set, folder);
    set->open_count--;
}

static void keep_open(struct source_folder_set *set, struct source_folder *folder, int fd)
{
    while (set->open_count >= set->open_max)
        shut(set, set->oldest);
    folder->fd = fd;
    set_append(set, folder);
    set->open_count++;
}

/* openat(2). Where there are no more descriptors, those of folders are given up, but for `at`'s own: it was
 * wanted last. */
static int open_at(struct source_folder_set *set, int at, const char *name, int flags, int *ret_fd)
{
    for (;;) {
        int fd = openat(at, name, flags);
        if (fd >= 0) {
            *ret_fd = fd;
            return 0;
        }
        if (errno == EINTR)
            continue;
        if ((errno != EMFILE && errno != ENFILE) || set->oldest == set->newest)
            return uv_translate_sys_error(errno);
        shut(set, set->oldest);
    }
}

static int open_folder_at(struct source_folder_set *set, int at, const char *name, bool follow, int *ret_fd)
{
    return open_at(set, at, name, FOLDER_OPEN_FLAGS | (follow ? 0 : O_NOFOLLOW), ret_fd);
}

int source_folder_open(struct source_folder_set *set, struct source_folder *parent, const char *name,
                       const char *path, bool follow, struct file_facts *ret_facts,
                       struct source_folder **ret)
{
    int at = AT_FDCWD, fd;
    int status = parent == NULL ? 0 : source_folder_descriptor(set, parent, &at);
    if (status == 0)
        status = open_folder_at(set, at, parent == NULL ? path : name, follow, &fd);
    if (status < 0)
        return status;
    struct file_facts facts;
    status = file_facts_read(fd, &facts);
    size_t size = strlen(name) + 1;
    struct source_folder *folder = status < 0 ? NULL : malloc(sizeof(*folder) + size);
    if (folder == NULL) {
        close(fd);
        return status < 0 ? status : UV_ENOMEM;
    }
    *folder = (struct source_folder){.parent = parent == NULL ? NULL : source_folder_reference(parent),
                                     .path = path,
                                     .follow = follow,
                                     .device = facts.device,
                                     .inode = facts.inode,
                                     .references = 1};
    memcpy(folder->name, name, size);
    keep_open(set, folder, fd);
    *ret_facts = facts;
    *ret = folder;
    return 0;
}

struct source_folder *source_folder_reference(struct source_folder *folder)
{
    folder->references++;
    return folder;
}

void source_folder_release(struct source_folder_set *set, struct source_folder *folder)
{
    while (folder != NULL && --folder->references == 0) {
        struct source_folder *parent = folder->parent;
        shut(set, folder);
        free(folder);
        folder = parent;
    }
}

void source_folder_use(struct source_folder *folder)
{
    folder->uses++;
}

void source_folder_unuse(struct source_folder_set *set, struct source_folder *folder)
{
    assert(folder->uses > 0);
    if (--folder->uses == 0)
        shut(set, folder);
}

/* From `from`'s descriptor (or a path) to the one of the folder below it. */
static int step_down(struct source_folder_set *set, int from, const struct source_folder *to, int *ret_fd)
{
    int fd;
    int status = open_folder_at(set, from, to->parent == NULL ? to->path : to->name, to->follow, &fd);
    if (status < 0)
        return status;
    struct file_facts facts;
    status = file_facts_read(fd, &facts);
    if (status == 0 && (facts.device != to->device || facts.inode != to->inode))
        status = STATUS_CHANGED;
    if (status < 0)
        close(fd);
    else
        *ret_fd = fd;
    return status;
}

/* Opens it again, beginning at the lowest folder above it that is open. Those in between are not kept. */
static int reopen(struct source_folder_set *set, struct source_folder *folder)
{
    struct source_folder *way[FILES_DEPTH_MAX + 1];
    size_t count = 0;
    struct source_folder *start = folder;
    for (; start != NULL && start->fd < 0; start = start->parent) {
        assert(count < FILES_DEPTH_MAX + 1);
        way[count++] = start;
    }
    int from = start == NULL ? AT_FDCWD : start->fd;
    if (start != NULL) { /* not to be given up on the way */
        set_remove(set, start);
        set_append(set, start);
    }
    bool owns = false;
    while (count > 0) {
        int fd;
        int status = step_down(set, from, way[--count], &fd);
        if (owns)
            close(from);
        if (status < 0)
            return status;
        from = fd;
        owns = true;
    }
    keep_open(set, folder, from);
    return 0;
}

int source_folder_descriptor(struct source_folder_set *set, struct source_folder *folder, int *ret_fd)
{
    if (folder->fd < 0) {
        int status = reopen(set, folder);
        if (status < 0)
            return status;
    } else if (set->newest != folder) {
        set_remove(set, folder);
        set_append(set, folder);
    }
    *ret_fd = folder->fd;
    return 0;
}

int source_folder_open_file(struct source_folder_set *set, struct source_folder *folder, const char *name,
                            bool follow, int *ret_fd)
{
    int at = AT_FDCWD;
    int status = folder == NULL ? 0 : source_folder_descriptor(set, folder, &at);
    if (status < 0)
        return status;
    return open_at(set, at, name, FILE_OPEN_FLAGS | (follow ? 0 : O_NOFOLLOW), ret_fd);
}

int source_folder_next(struct source_folder_set *set, struct source_folder *folder, const struct dirent **ret)
{
    int fd;
    int status = source_folder_descriptor(set, folder, &fd);
    if (status < 0)
        return status;
    if (folder->stream == NULL) {
        folder->stream = fdopendir(fd);
        if (folder->stream == NULL)
            return uv_translate_sys_error(errno);
        if (folder->place != 0)
            seekdir(folder->stream, folder->place);
    }
    errno = 0;
    *ret = readdir(folder->stream);
    return *ret == NULL && errno != 0 ? uv_translate_sys_error(errno) : 0;
}

bool source_folder_is_within(const struct source_folder *folder, const struct file_facts *facts)
{
    for (; folder != NULL; folder = folder->parent)
        if (folder->device == facts->device && folder->inode == facts->inode)
            return true;
    return false;
}

/* Puts "NAME" or "NAME/" before what stands at `start`; returns the new start, or `start` without room. */
static size_t put_before(char *out, size_t start, const char *name, bool slash)
{
    size_t size = strlen(name);
    if (size + slash > start)
        return start;
    if (slash)
        out[--start] = '/';
    memcpy(out + start - size, name, size);
    return start - size;
}

char *source_folder_path(const struct source_folder *folder, const char *name, char *out, size_t capacity)
{
    char clean[FILES_NAME_MAX + 1] = "";
    if (name != NULL)
        utf8_copy(clean, sizeof(clean), span_of_text(name));
    for (char *at = clean; *at != '\0'; at++)
        if ((unsigned char)*at < 32 || *at == 127)
            *at = '?';
    size_t start = capacity - 1;
    out[start] = '\0';
    bool slash = false;
    if (name != NULL) {
        start = put_before(out, start, clean, false);
        slash = true;
    }
    for (; folder != NULL; folder = folder->parent) {
        size_t before = put_before(out, start, folder->name, slash);
        if (before == start)
            break;
        start = before;
        slash = true;
    }
    memmove(out, out + start, capacity - start);
    return out;
}
