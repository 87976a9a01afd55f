/* SPDX-License-Identifier: MIT */
/* Puts the roots into their places, once all is staged and verified. The order is what makes a crash
 * harmless: everything to the disk; the journal says that publishing begins, with all roots; then each is
 * moved by one rename, and where that is not to its own name, the name is noted before. So a root that is no
 * longer staged has the name that was noted last, and one that is still staged is put again. A folder that is
 * merged into another loses its entries one by one (publish_merge.c) and is gone from the staging folder at
 * the end.
 *
 * What the process was told to replace is replaced, and nothing else: an entry of this very transfer is not
 * (two roots whose names are the same, or only so to the file system). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/transfer/platform/file_system.h"
#include "services/transfer/platform/rename.h"
#include "services/transfer/receive/free_name.h"
#include "services/transfer/receive/receiver_internal.h"

static bool look_at(int folder, const char *name, struct stat *ret)
{
    return fstatat(folder, name, ret, AT_SYMLINK_NOFOLLOW) == 0;
}

int publish_check_root(struct receiver *receiver, const char *name, bool is_folder)
{
    struct stat look;
    if (receiver->conflict == FILES_RENAME || !look_at(receiver->staging.target, name, &look))
        return 0;
    if (receiver->conflict == FILES_FAIL)
        return UV_EEXIST;
    if (is_folder)
        return S_ISDIR(look.st_mode) ? 0 : UV_ENOTDIR;
    return S_ISDIR(look.st_mode) ? UV_EISDIR : 0;
}

static bool is_of_this_transfer(const struct receiver *receiver, const struct stat *look)
{
    for (size_t i = 0; i < receiver->journal.root_count; i++) {
        const struct root *root = &receiver->journal.roots[i];
        if (root->is_put && root->device == look->st_dev && root->inode == look->st_ino)
            return true;
    }
    return false;
}

static int note_name(struct receiver *receiver, size_t number, const char *name)
{
    struct root *root = &receiver->journal.roots[number];
    if (strcmp(root->name, name) == 0)
        return 0;
    char *copy = strdup(name);
    if (copy == NULL)
        return UV_ENOMEM;
    int status = journal_note_name(receiver->staging.own, number, name);
    if (status < 0) {
        free(copy);
        return status;
    }
    free(root->name);
    root->name = copy;
    return 0;
}

/* The first of "name", "name (1)" … that is free. */
static int put_beside(struct receiver *receiver, size_t number, const char *staged)
{
    struct root *root = &receiver->journal.roots[number];
    char wanted[FILES_NAME_MAX + 1], name[FILES_NAME_MAX + 1];
    snprintf(wanted, sizeof(wanted), "%s", root->name);
    for (unsigned i = 0; i <= FREE_NAME_MAX; i++) {
        struct stat look;
        free_name_make(wanted, root->is_folder, i, name);
        if (look_at(receiver->staging.target, name, &look))
            continue;
        int status = note_name(receiver, number, name);
        if (status == 0)
            status = rename_exclusive(receiver->staging.tree, staged, receiver->staging.target, name);
        if (status != UV_EEXIST)
            return status;
    }
    return UV_EEXIST;
}

static int put_over(struct receiver *receiver, size_t number, const char *staged)
{
    const struct root *root = &receiver->journal.roots[number];
    struct stat look;
    int target = receiver->staging.target;
    int status = rename_exclusive(receiver->staging.tree, staged, target, root->name);
    if (status != UV_EEXIST || receiver->conflict == FILES_FAIL || !look_at(target, root->name, &look))
        return status;
    if (is_of_this_transfer(receiver, &look))
        return UV_EEXIST;
    if (root->is_folder)
        return S_ISDIR(look.st_mode) ? publish_merge(receiver, staged, root->name) : UV_ENOTDIR;
    if (S_ISDIR(look.st_mode))
        return UV_EISDIR;
    return renameat(receiver->staging.tree, staged, target, root->name) == 0 ? 0 : file_status(errno);
}

/* Moved folders that their owner may not write to get the rest of their mode here; see receiver_disk.c. */
static void finish_mode(struct receiver *receiver, const struct root *root)
{
    if (!root->is_folder || (root->mode & S_IWUSR) != 0)
        return;
    int fd = openat(receiver->staging.target, root->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    fchmod(fd, root->mode);
    close(fd);
}

static int put_root(struct receiver *receiver, size_t number)
{
    struct root *root = &receiver->journal.roots[number];
    char staged[STAGED_NAME_SIZE];
    struct stat look;
    snprintf(staged, sizeof(staged), "%u", (unsigned)number);
    int status = 0;
    if (look_at(receiver->staging.tree, staged, &look))
        status = receiver->conflict == FILES_RENAME ? put_beside(receiver, number, staged)
                                                    : put_over(receiver, number, staged);
    else if (root->state == ROOT_STAGED && !receiver->was_published)
        status = UV_ENOENT; /* somebody took it out of the staging folder */
    if (status < 0)
        return status;
    finish_mode(receiver, root);
    if (look_at(receiver->staging.target, root->name, &look)) {
        root->device = look.st_dev;
        root->inode = look.st_ino;
        root->is_put = true;
    }
    return 0;
}

static int fail_root(struct receiver *receiver, size_t number, int status)
{
    struct root *root = &receiver->journal.roots[number];
    const char *text = NULL;
    if (status == UV_EISDIR)
        text = FOLDER_IN_THE_WAY;
    else if (status == UV_ENOTDIR)
        text = FILE_IN_THE_WAY;
    else if (status == UV_EEXIST)
        text = "something has this name already";
    receiver_note(receiver, receiver->folders.top, root->name, status, text);
    root->state = ROOT_FAILED;
    return journal_note_failed(receiver->staging.own, number);
}

static char *path_of(const struct receiver *receiver, const struct root *root)
{
    if (root->state == ROOT_FAILED)
        return strdup("");
    size_t size = strlen(receiver->folder) + strlen(root->name) + 2;
    char *path = malloc(size);
    bool has_slash = receiver->folder[0] != '\0' && receiver->folder[strlen(receiver->folder) - 1] == '/';
    if (path != NULL)
        snprintf(path, size, "%s%s%s", receiver->folder, has_slash ? "" : "/", root->name);
    return path;
}

static int make_paths(struct receiver *receiver)
{
    size_t count = receiver->journal.root_count;
    receiver->paths = calloc(count + 1, sizeof(*receiver->paths));
    if (receiver->paths == NULL)
        return UV_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        receiver->paths[i] = path_of(receiver, &receiver->journal.roots[i]);
        if (receiver->paths[i] == NULL)
            return UV_ENOMEM;
    }
    return 0;
}

static int begin(struct receiver *receiver)
{
    struct journal_state *journal = &receiver->journal;
    if (journal->has_begun)
        return 0;
    journal->files = receiver->engine.counts.files_done;
    journal->bytes = receiver->engine.counts.bytes_done;
    journal->skipped = receiver->engine.counts.skipped;
    journal->failed = receiver->engine.counts.failed;
    int status = journal_begin(receiver->staging.own, journal, receiver->has_staged);
    if (status == 0)
        journal->has_begun = true;
    return status;
}

int publish_roots(struct receiver *receiver)
{
    struct journal_state *journal = &receiver->journal;
    receiver->engine.counts.phase = TRANSFER_FINISH;
    int status = begin(receiver);
    if (status < 0)
        return receiver_problem(receiver, status, "what came could not be put on the disk");
    for (size_t i = 0; i < journal->root_count && !journal->is_done; i++) {
        if (receiver_is_stopped(receiver))
            return UV_ECANCELED;
        if (journal->roots[i].state == ROOT_FAILED)
            continue;
        status = put_root(receiver, i);
        if (status_is_fatal(status))
            return status;
        if (status < 0)
            status = fail_root(receiver, i, status);
        if (status < 0)
            return status;
    }
    if (!journal->is_done)
        status = journal_note_done(receiver->staging.own);
    if (status < 0)
        return status;
    journal->is_done = true;
    return make_paths(receiver);
}
