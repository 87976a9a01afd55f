/* SPDX-License-Identifier: MIT */
/* Makes, locks and removes the hidden folders. Whoever holds the lock of a folder may remove it; whoever
 * waits for one looks afterwards whether it is still there. Nothing here follows a link, and nothing that
 * belongs to another user is used: in a shared folder the name could have been taken to watch what comes. */
#include "services/transfer/receive/staging.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/transfer/platform/beneath.h"
#include "services/transfer/platform/file_system.h"
#include "services/transfer/platform/rename.h"
#include "services/transfer/receive/receiver.h"
#include "services/transfer/receive/removal.h"
#include "services/transfer/receive/reunion.h"

#define TRIES         16 /* against another transfer that removes what this one has just made */
#define LEFTOVERS_MAX 64 /* that are removed at once */

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Opens `name`, which is made where it lacks, and makes sure that it is ours alone. */
static int open_own(int parent, const char *name, bool make, int *ret_fd)
{
    if (make && mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
        return file_status(errno);
    int fd = -1;
    int status = beneath_open_folder(parent, name, &fd);
    struct stat look;
    if (status == 0 && fstat(fd, &look) < 0)
        status = file_status(errno);
    if (status == 0 && look.st_uid != file_system_user())
        status = UV_EACCES;
    if (status == 0 && (look.st_mode & 07777) != 0700 && fchmod(fd, 0700) < 0)
        status = file_status(errno);
    if (status == 0)
        *ret_fd = fd;
    else
        close_one(&fd);
    return status;
}

/* 0; UV_EAGAIN: it was removed before the lock was had; STATUS_CONFLICT. */
static int lock(int fd)
{
    struct stat look;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? STATUS_CONFLICT : file_status(errno);
    if (fstat(fd, &look) < 0)
        return file_status(errno);
    return look.st_nlink == 0 ? UV_EAGAIN : 0;
}

static int open_and_lock(struct staging *staging)
{
    int status = UV_EAGAIN;
    for (int tries = 0; tries < TRIES && (status == UV_EAGAIN || status == UV_ENOENT); tries++) {
        close_one(&staging->own);
        close_one(&staging->partial);
        status = open_own(staging->target, PARTIAL_FOLDER, true, &staging->partial);
        if (status == 0)
            status = open_own(staging->partial, staging->id, true, &staging->own);
        if (status == 0)
            status = lock(staging->own);
    }
    return status;
}

static void remove_if_left(struct staging *staging, const char *name)
{
    int fd = -1;
    struct stat look;
    if (open_own(staging->partial, name, false, &fd) < 0)
        return;
    if (fstat(fd, &look) == 0 && look.st_mtim.tv_sec + PARTIAL_AGE_MAX_S < time(NULL) && lock(fd) == 0)
        removal_remove(staging->partial, name, fd, NULL);
    close(fd);
}

/* What other transfers left, and nobody came back for. */
static void remove_leftovers(struct staging *staging)
{
    int fd = -1;
    if (beneath_open_folder(staging->partial, ".", &fd) < 0)
        return;
    DIR *entries = fdopendir(fd);
    if (entries == NULL) {
        close(fd);
        return;
    }
    int left = LEFTOVERS_MAX;
    for (struct dirent *entry; left > 0 && (entry = readdir(entries)) != NULL;) {
        size_t size = strlen(entry->d_name);
        if (size != 2 * FILES_ID_SIZE || strspn(entry->d_name, "0123456789abcdef") != size ||
            strcmp(entry->d_name, staging->id) == 0)
            continue;
        remove_if_left(staging, entry->d_name);
        left--;
    }
    closedir(entries);
}

static int remove_parts(struct staging *staging)
{
    static const char *const parts[] = {JOURNAL_NAME, STAGING_TREE, STAGING_OLD, STAGING_TRASH};
    int status = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && status == 0; i++)
        status = removal_remove(staging->own, parts[i], staging->own, NULL);
    return status;
}

static bool exists(int folder, const char *name)
{
    struct stat look;
    return fstatat(folder, name, &look, AT_SYMLINK_NOFOLLOW) == 0;
}

/* tree/ of the run before becomes old/; where that run had an old/ itself, both become one. */
static int take_over(struct staging *staging)
{
    if (!exists(staging->own, STAGING_TREE))
        return exists(staging->own, STAGING_OLD) ? open_own(staging->own, STAGING_OLD, false, &staging->old)
                                                 : 0;
    if (exists(staging->own, STAGING_OLD)) {
        reunion_move(staging->own, STAGING_OLD, STAGING_TREE);
        int status = removal_remove(staging->own, STAGING_OLD, staging->own, NULL);
        if (status < 0)
            return status;
    }
    if (renameat(staging->own, STAGING_TREE, staging->own, STAGING_OLD) < 0)
        return file_status(errno);
    return open_own(staging->own, STAGING_OLD, false, &staging->old);
}

/* The folder above is 0700, so this one may show what the process's umask leaves of a mode. */
static int make_tree(struct staging *staging)
{
    struct stat look;
    if (mkdirat(staging->own, STAGING_TREE, 0777) < 0 && errno != EEXIST)
        return file_status(errno);
    if (fstatat(staging->own, STAGING_TREE, &look, AT_SYMLINK_NOFOLLOW) < 0)
        return file_status(errno);
    staging->mask = 0777 & ~look.st_mode;
    if (mkdirat(staging->own, STAGING_TRASH, 0700) < 0 && errno != EEXIST)
        return file_status(errno);
    return beneath_open_folder(staging->own, STAGING_TREE, &staging->tree);
}

static int prepare(struct staging *staging, bool resume, struct journal_state *ret_journal)
{
    removal_remove(staging->own, STAGING_TRASH, staging->own, NULL);
    staging->was_resumed =
        resume && (exists(staging->own, STAGING_TREE) || exists(staging->own, STAGING_OLD));
    int status = resume ? journal_read(staging->own, ret_journal) : remove_parts(staging);
    if (status == 0 && staging->was_resumed && !ret_journal->has_begun)
        status = take_over(staging);
    return status == 0 ? make_tree(staging) : status;
}

static int fail(struct staging *staging, int status, const char *folder, char *ret_problem)
{
    if (status == STATUS_CONFLICT)
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "this transfer is already at work there");
    else if (status == UV_EACCES && staging->target >= 0 && exists(staging->target, PARTIAL_FOLDER))
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "the folder %s there belongs to another user",
                 PARTIAL_FOLDER);
    else
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "%.160s: %s", folder, status_text(status));
    staging_close(staging, false);
    return status;
}

int staging_open(struct staging *staging, const char *folder, const struct files_id *id, bool resume,
                 struct journal_state *ret_journal, char ret_problem[static TEXT_REASON_MAX + 1])
{
    *staging = (struct staging){.target = -1, .partial = -1, .own = -1, .tree = -1, .old = -1};
    for (size_t i = 0; i < FILES_ID_SIZE; i++)
        snprintf(staging->id + 2 * i, 3, "%02x", id->bytes[i]);
    /* The target itself is the owner's word: links on the way to it are his. */
    staging->target = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
    if (staging->target < 0)
        return fail(staging, file_status(errno), folder, ret_problem);
    int status = open_and_lock(staging);
    if (status < 0)
        return fail(staging, status, folder, ret_problem);
    remove_leftovers(staging);
    status = prepare(staging, resume, ret_journal);
    if (status < 0) {
        journal_state_finish(ret_journal);
        return fail(staging, status, folder, ret_problem);
    }
    return 0;
}

int staging_throw_away(struct staging *staging, int folder, const char *name)
{
    char to[sizeof(STAGING_TRASH) + 16];
    for (int tries = 0; tries < TRIES; tries++) {
        snprintf(to, sizeof(to), "%s/%u", STAGING_TRASH, staging->trash_count++);
        int status = rename_exclusive(folder, name, staging->own, to);
        if (status != UV_EEXIST)
            return status;
    }
    return UV_EEXIST;
}

void staging_close(struct staging *staging, bool remove)
{
    close_one(&staging->tree);
    close_one(&staging->old);
    if (remove && staging->own >= 0) {
        remove_parts(staging);
        removal_remove(staging->partial, staging->id, staging->own, NULL);
        unlinkat(staging->target, PARTIAL_FOLDER, AT_REMOVEDIR); /* when it was the last one */
    } else if (staging->own >= 0) {
        futimens(staging->own, NULL); /* its day begins now */
    }
    close_one(&staging->own);
    close_one(&staging->partial);
    close_one(&staging->target);
}
