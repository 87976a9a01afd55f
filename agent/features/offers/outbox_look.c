/* SPDX-License-Identifier: MIT */
/* Looks at the outbox. Folders in it are gone through whole, within limits, since they settle as one. */
#include "agent/features/offers/outbox_look.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "agent/platform/folder_list.h"
#include "protocol/wire/limits.h"
#include "services/transfer/entry_name.h"
#include "services/transfer/platform/rename.h"

#define ENTRIES_MAX 100000 /* of one folder: what is beyond does not count for whether it has settled */
#define DEPTH_MAX   64
#define NAMES_TRIED 10000

int outbox_make(const char *path)
{
    struct stat facts;
    if (mkdir(path, 0755) == 0)
        return 0;
    if (errno != EEXIST)
        return uv_translate_sys_error(errno);
    if (stat(path, &facts) < 0)
        return uv_translate_sys_error(errno);
    return S_ISDIR(facts.st_mode) ? 0 : UV_ENOTDIR;
}

struct walk {
    int folder; /* that is listed */
    int depth;
    struct outbox_signature *signature;
};

static uint64_t mix(uint64_t a, uint64_t b)
{
    a = (a ^ b) * 0x9E3779B97F4A7C15U;
    return a ^ a >> 29;
}

static bool take_inner(void *ctx, const char *name, const struct folder_entry *entry)
{
    const struct walk *walk = ctx;
    struct outbox_signature *signature = walk->signature;
    if (++signature->entries > ENTRIES_MAX)
        return false;
    uint64_t state = mix(mix(mix(entry->inode, entry->size), (uint64_t)entry->mtime_ns), strlen(name));
    signature->mix += state; /* the order of a listing means nothing */
    signature->bytes += entry->file ? entry->size : 0;
    if (!entry->folder || walk->depth == DEPTH_MAX)
        return true;
    int fd = openat(walk->folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct walk inner = {.folder = fd, .depth = walk->depth + 1, .signature = signature};
    if (fd >= 0)
        folder_list_read(fd, take_inner, &inner);
    return signature->entries <= ENTRIES_MAX;
}

struct look {
    int folder;
    void (*see)(void *ctx, const char *name, const struct outbox_signature *signature);
    void *ctx;
};

static bool take_top(void *ctx, const char *name, const struct folder_entry *entry)
{
    const struct look *look = ctx;
    if (outbox_name_is_ignored(name) || !entry_name_is_valid(name) || (!entry->folder && !entry->file))
        return true;
    struct outbox_signature signature = {
        .inode = entry->inode, .bytes = entry->folder ? 0 : entry->size, .mtime_ns = entry->mtime_ns};
    int fd = entry->folder ? openat(look->folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    struct walk walk = {.folder = fd, .depth = 1, .signature = &signature};
    if (fd >= 0)
        folder_list_read(fd, take_inner, &walk);
    look->see(look->ctx, name, &signature);
    return true;
}

int outbox_look(const char *path,
                void (*see)(void *ctx, const char *name, const struct outbox_signature *signature), void *ctx)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return uv_translate_sys_error(errno);
    struct look look = {.folder = fd, .see = see, .ctx = ctx};
    return folder_list_read(fd, take_top, &look);
}

static int open_sent(int folder)
{
    if (mkdirat(folder, OUTBOX_SENT, 0755) < 0 && errno != EEXIST)
        return -1;
    return openat(folder, OUTBOX_SENT, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* "a.txt", "a (1).txt" … */
static void make_name(const char *name, int number, char *out, size_t size)
{
    const char *dot = strrchr(name, '.');
    size_t stem = dot == NULL || dot == name ? strlen(name) : (size_t)(dot - name);
    if (number == 0)
        snprintf(out, size, "%s", name);
    else
        snprintf(out, size, "%.*s (%d)%s", (int)stem, name, number, name + stem);
}

int outbox_put_away(const char *path, const char *name)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int sent = folder < 0 ? -1 : open_sent(folder);
    int status = sent < 0 ? uv_translate_sys_error(errno) : UV_EEXIST;
    for (int number = 0; status == UV_EEXIST && number < NAMES_TRIED; number++) {
        char free_name[FILES_NAME_MAX + 16];
        make_name(name, number, free_name, sizeof(free_name));
        status = rename_exclusive(folder, name, sent, free_name);
    }
    if (sent >= 0)
        close(sent);
    if (folder >= 0)
        close(folder);
    return status;
}
