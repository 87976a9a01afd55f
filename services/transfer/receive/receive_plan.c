/* SPDX-License-Identifier: MIT */
/* MANIFEST: checks each entry, makes folders and links at once, and asks receive_plan_file.c about files.
 *
 * What is guaranteed about names: in one run each name is taken once. tree/ holds nothing but what this run
 * made or took over, so the file system itself says EEXIST to a second one, also to one that is the same only
 * to this file system (upper and lower case), and also in a resumed transfer. The exception are files that
 * are not staged, since the one in place is the same already (UPDATE): of two names that are one to the file
 * system, where the first is the same already, the second replaces it.
 *
 * Memory: state is kept for files that are not settled (FILES_WINDOW at most) and for folders that are not
 * complete. A sender could leave any number of those behind by settled entries, so beyond FOLDERS_MAX their
 * own settling waits until they are complete, and FILES_WINDOW bounds them, too. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/transfer/entry_name.h"
#include "services/transfer/platform/file_system.h"
#include "services/transfer/receive/receiver_internal.h"

#define FOLDERS_MAX (FILES_WINDOW + 2 * FILES_DEPTH_MAX)

static const char *const TAKEN =
    "another entry of this name came already; here, names may also be the same by upper and lower case";

/* Counts a root and finds its name. 0; STATUS_NOT_ALLOWED: there are too many. */
static int add_root(struct receiver *receiver, const struct manifest_entry *entry, const char **name)
{
    struct journal_state *journal = &receiver->journal;
    size_t number = journal->root_count;
    if (receiver->name_count > 0 && number < receiver->name_count)
        *name = receiver->names[number];
    if (number == ROOTS_MAX || (receiver->name_count > 0 && number >= receiver->name_count))
        return STATUS_NOT_ALLOWED;
    struct root *roots = journal->roots;
    if (number % 64 == 0) {
        roots = realloc(roots, (number + 64) * sizeof(*roots));
        if (roots == NULL)
            return UV_ENOMEM;
        journal->roots = roots;
    }
    char *copy = strdup(*name);
    if (copy == NULL)
        return UV_ENOMEM;
    roots[number] = (struct root){.name = copy,
                                  .state = ROOT_STAGED,
                                  .is_folder = entry->type == ENTRY_FOLDER,
                                  .mode = entry->mode & 0777};
    journal->root_count++;
    return 0;
}

static int make_folder_on_disk(struct receiver *receiver, struct folder *parent, const char *name,
                               uint32_t root)
{
    char room[STAGED_NAME_SIZE];
    int fd;
    int status = folder_stack_fd(&receiver->folders, parent, SIDE_STAGED, &fd);
    if (status < 0)
        return status;
    return mkdirat(fd, staged_name(parent, root, name, room), 0700) == 0 ? 0 : file_status(errno);
}

/* Is there a folder of this name on that side? */
static bool has_side(struct receiver *receiver, struct folder *parent, enum folder_side side,
                     const char *name)
{
    int fd;
    struct stat look;
    return parent->has[side] && folder_stack_fd(&receiver->folders, parent, side, &fd) == 0 &&
           fstatat(fd, name, &look, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(look.st_mode);
}

static void find_sides(struct receiver *receiver, struct folder *parent, struct folder *folder)
{
    char room[STAGED_NAME_SIZE];
    folder->has[SIDE_STAGED] = true;
    folder->has[SIDE_OLD] =
        has_side(receiver, parent, SIDE_OLD, staged_name(parent, folder->root, folder->name, room));
    if (receiver->conflict == FILES_REPLACE)
        folder->has[SIDE_PLACE] = has_side(receiver, parent, SIDE_PLACE, folder->name);
}

/* `status`: what is wrong with it already. A folder that failed is entered, too: what comes is in it. */
static int take_folder(struct receiver *receiver, const struct manifest_entry *entry, uint64_t number,
                       const char *name, uint32_t root, int status, const char *text)
{
    struct folder *parent = receiver->folders.current, *folder;
    if (parent->depth == FILES_DEPTH_MAX)
        return STATUS_MALFORMED;
    if (status == 0)
        status = make_folder_on_disk(receiver, parent, name, root);
    if (status_is_disk_full(status))
        return receiver_pause(receiver, status);
    if (status_is_fatal(status))
        return status;
    int entered = folder_stack_enter(&receiver->folders, entry, number, name, root, &folder);
    if (entered < 0)
        return entered;
    if (status < 0) {
        folder->has_failed = true;
        text = status == UV_EEXIST && text == NULL ? TAKEN : text;
        return receiver_entry_failed(receiver, number, parent, name, status, text);
    }
    find_sides(receiver, parent, folder);
    folder->settles_late = receiver->folders.count > FOLDERS_MAX;
    return folder->settles_late ? 0 : answers_settle(&receiver->answers, number);
}

static int make_link(struct receiver *receiver, const struct manifest_entry *entry, const char *name,
                     uint32_t root)
{
    struct folder *parent = receiver->folders.current;
    if (receiver->links != FILES_LINKS_KEEP)
        return STATUS_NOT_ALLOWED;
    if (!entry_link_stays_inside(entry->target, parent->depth > 0 ? parent->depth - 1u : 0))
        return STATUS_INVALID;
    char room[STAGED_NAME_SIZE];
    const char *staged = staged_name(parent, root, name, room);
    int fd;
    int status = folder_stack_fd(&receiver->folders, parent, SIDE_STAGED, &fd);
    if (status < 0)
        return status;
    if (symlinkat(entry->target, fd, staged) < 0)
        return file_status(errno);
    receiver->has_staged = true;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                {.tv_sec = (time_t)entry->mtime.s, .tv_nsec = (long)entry->mtime.ns}};
    utimensat(fd, staged, times, AT_SYMLINK_NOFOLLOW);
    if ((receiver->flags & FILES_OWNER) != 0 && !receiver->owner_refused)
        (void)!fchownat(fd, staged, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW);
    return 0;
}

static int take_link(struct receiver *receiver, const struct manifest_entry *entry, uint64_t number,
                     const char *name, uint32_t root)
{
    int status = make_link(receiver, entry, name, root);
    if (status == 0)
        return answers_settle(&receiver->answers, number);
    if (status_is_disk_full(status))
        return receiver_pause(receiver, status);
    if (status_is_fatal(status))
        return status;
    struct folder *parent = receiver->folders.current;
    if (parent->parent == NULL)
        receiver->journal.roots[root].state = ROOT_FAILED;
    const char *text = status == STATUS_NOT_ALLOWED ? "links are not taken here"
                       : status == STATUS_INVALID   ? "the link points out of what is copied"
                       : status == UV_EEXIST        ? TAKEN
                                                    : NULL;
    return receiver_entry_failed(receiver, number, parent, name, status, text);
}

/* Something of another kind has its name already. Files are looked at by receive_plan_file. */
static int check_place(struct receiver *receiver, const struct manifest_entry *entry, const char **ret_text)
{
    struct folder *parent = receiver->folders.current;
    struct stat look;
    int fd;
    if (entry->type == ENTRY_FILE || receiver->conflict != FILES_REPLACE || !parent->has[SIDE_PLACE] ||
        folder_stack_fd(&receiver->folders, parent, SIDE_PLACE, &fd) < 0 ||
        fstatat(fd, entry->name, &look, AT_SYMLINK_NOFOLLOW) < 0 ||
        S_ISDIR(look.st_mode) == (entry->type == ENTRY_FOLDER))
        return 0;
    if (entry->type == ENTRY_FOLDER) {
        *ret_text = FILE_IN_THE_WAY;
        return UV_ENOTDIR;
    }
    *ret_text = FOLDER_IN_THE_WAY;
    return UV_EISDIR;
}

/* What speaks against an entry, whatever it is. */
static int check_entry(struct receiver *receiver, const struct manifest_entry *entry, const char **name,
                       uint32_t *ret_root, const char **ret_text)
{
    struct folder *parent = receiver->folders.current;
    bool is_folder = entry->type == ENTRY_FOLDER;
    bool is_valid = entry_name_is_valid(entry->name);
    if (parent->has_failed) {
        *ret_text = "the folder that it belongs to could not be made";
        return UV_ENOENT;
    }
    int status = 0;
    *ret_root = parent->root;
    if (parent->parent == NULL) {
        *name = is_valid ? entry->name : "?";
        status = add_root(receiver, entry, name);
        if (status < 0) {
            *ret_text = "this is more than what was asked for";
            return status;
        }
        *ret_root = (uint32_t)receiver->journal.root_count - 1;
    }
    if (!is_valid) {
        *ret_text =
            "a name that is not allowed: it has control characters, a slash, is no UTF-8, or is reserved";
        status = STATUS_INVALID;
    } else if (is_folder && (receiver->flags & FILES_RECURSIVE) == 0) {
        *ret_text = "it is a folder; folders are taken only when asked for (--recursive)";
        status = UV_EISDIR;
    } else if (parent->parent == NULL) {
        status = publish_check_root(receiver, *name, is_folder);
    } else {
        status = check_place(receiver, entry, ret_text);
    }
    if (status < 0 && parent->parent == NULL)
        receiver->journal.roots[*ret_root].state = ROOT_FAILED;
    return status;
}

/* Publishing has begun in an earlier run, so all was there and verified. */
static int take_published(struct receiver *receiver, const struct manifest_entry *entry, uint64_t number)
{
    if (entry->type == ENTRY_FILE)
        return receiver_file_is_there(receiver, number, entry->size, false);
    if (entry->type == ENTRY_FOLDER) {
        struct folder *folder;
        if (receiver->folders.current->depth == FILES_DEPTH_MAX)
            return STATUS_MALFORMED;
        int status = folder_stack_enter(&receiver->folders, entry, number, "", 0, &folder);
        if (status < 0)
            return status;
        folder->has_failed = true; /* nothing is done for it */
    }
    return answers_settle(&receiver->answers, number);
}

/* A name that may be shown to people: it comes from the other side. */
static void make_showable(char *name)
{
    for (; *name != '\0'; name++)
        if ((unsigned char)*name < 32 || *name == 127 || *name == '/')
            *name = '?';
}

static int take_new_entry(struct receiver *receiver, const struct manifest_entry *entry, uint64_t number)
{
    const char *name = entry->name, *text = NULL;
    uint32_t root = 0;
    int status = check_entry(receiver, entry, &name, &root, &text);
    if (status_is_fatal(status))
        return status;
    char shown[FILES_NAME_MAX + 1];
    if (status < 0) {
        memcpy(shown, name, strlen(name) + 1);
        make_showable(shown);
        name = shown;
    }
    if (entry->type == ENTRY_FOLDER)
        return take_folder(receiver, entry, number, name, root, status, text);
    if (status < 0)
        return receiver_entry_failed(receiver, number, receiver->folders.current, name, status, text);
    if (entry->type == ENTRY_LINK)
        return take_link(receiver, entry, number, name, root);
    return receive_plan_file(receiver, entry, number, name, root);
}

static int take_entry(struct receiver *receiver, const struct manifest_entry *entry, uint64_t number)
{
    if (receiver_is_stopped(receiver))
        return UV_ECANCELED;
    if (entry->type == ENTRY_LEAVE)
        return receiver->folders.current->parent == NULL ? STATUS_MALFORMED : receiver_leave(receiver);
    if (entry->type != ENTRY_FOLDER && entry->type != ENTRY_FILE && entry->type != ENTRY_LINK)
        return STATUS_MALFORMED;
    if (receiver->answers.unsettled >= FILES_WINDOW)
        return STATUS_MALFORMED;
    size_t roots = receiver->journal.root_count;
    receiver->answers.unsettled++;
    int status = receiver->journal.has_begun ? take_published(receiver, entry, number)
                                             : take_new_entry(receiver, entry, number);
    if (status == UV_EAGAIN) { /* it comes again as if it never came */
        receiver->answers.unsettled--;
        if (!receiver->journal.has_begun && receiver->journal.root_count > roots)
            free(receiver->journal.roots[--receiver->journal.root_count].name);
        return status;
    }
    if (status == 0 && entry->type == ENTRY_FILE && !receiver->engine.counts.totals_known) {
        receiver->engine.counts.files_total++;
        receiver->engine.counts.bytes_total += entry->size;
    }
    return status;
}

int receive_plan_take(struct receiver *receiver, const struct manifest_message *manifest)
{
    if (receiver->heard_last)
        return STATUS_UNEXPECTED;
    if (manifest->first != receiver->next_entry - receiver->manifest_done)
        return receiver_problem(receiver, STATUS_MALFORMED, "entries of the manifest are missing");
    while (receiver->manifest_done < manifest->count) {
        int status = take_entry(receiver, &manifest->entries[receiver->manifest_done], receiver->next_entry);
        if (status < 0)
            return status;
        receiver->manifest_done++;
        receiver->next_entry++;
    }
    receiver->manifest_done = 0;
    receiver->heard_last = manifest->last;
    while (receiver->heard_last && receiver->folders.current->parent != NULL) {
        int status = receiver_leave(receiver);
        if (status < 0)
            return status;
    }
    return 0;
}
