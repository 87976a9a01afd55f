/* SPDX-License-Identifier: MIT */
/* The walk is a stack of folders, each read name by name. A folder is opened before it is announced, so that
 * one that can't be opened fails as a whole. Files are only looked at; reading them is others' work. */
#include "services/transfer/send/tree_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "protocol/wire/utf8.h"
#include "services/transfer/entry_name.h"
#include "services/transfer/receive/receiver.h"

#define LEFT_OUT 1 /* of the functions here: not this one, go on */

struct tree_walk {
    struct tree_walk_options options;
    size_t next_root;
    size_t depth;
    struct source_folder *stack[FILES_DEPTH_MAX]; /* referenced and used */
    char root_name[FILES_NAME_MAX + 1];
    bool is_over;
};

int tree_walk_create(const struct tree_walk_options *options, struct tree_walk **ret)
{
    struct tree_walk *walk = calloc(1, sizeof(*walk));
    if (walk == NULL)
        return UV_ENOMEM;
    walk->options = *options;
    *ret = walk;
    return 0;
}

static struct source_folder *top_of(const struct tree_walk *walk)
{
    return walk->depth == 0 ? NULL : walk->stack[walk->depth - 1];
}

static void enter(struct tree_walk *walk, struct source_folder *folder)
{
    source_folder_use(folder);
    walk->stack[walk->depth++] = folder; /* the reference is ours now */
}

static void leave(struct tree_walk *walk)
{
    struct source_folder *folder = walk->stack[--walk->depth];
    source_folder_unuse(walk->options.folders, folder);
    source_folder_release(walk->options.folders, folder);
}

void tree_walk_destroy(struct tree_walk *walk)
{
    if (walk == NULL)
        return;
    while (walk->depth > 0)
        leave(walk);
    free(walk);
}

static int leave_out(struct tree_walk *walk, int status, const char *text, const char *name)
{
    if (walk->options.on_left_out != NULL)
        walk->options.on_left_out(walk->options.ctx, status, text, top_of(walk), name);
    return status == UV_ENOMEM ? UV_ENOMEM : LEFT_OUT;
}

static int leave_out_error(struct tree_walk *walk, int status, const char *name)
{
    return leave_out(walk, status, status_text(status), name);
}

/* Fills *facts. `follow`: of what a link points to. */
static int look(struct tree_walk *walk, const char *name, bool follow, struct file_facts *facts)
{
    int at = AT_FDCWD;
    int status = walk->depth == 0 ? 0 : source_folder_descriptor(walk->options.folders, top_of(walk), &at);
    if (status < 0)
        return status;
    struct stat stat;
    if (fstatat(at, name, &stat, follow ? 0 : AT_SYMLINK_NOFOLLOW) < 0)
        return uv_translate_sys_error(errno);
    file_facts_of(&stat, facts);
    return 0;
}

static int visit_folder(struct tree_walk *walk, struct walk_entry *entry)
{
    struct source_folder *above = top_of(walk);
    if (!walk->options.recursive)
        return leave_out(walk, UV_EISDIR, "it is a folder, and folders were not asked for", entry->name);
    if (walk->depth == FILES_DEPTH_MAX)
        return leave_out(walk, STATUS_TOO_LARGE, "too many folders inside each other", entry->name);
    struct source_folder *folder;
    int status = source_folder_open(walk->options.folders, above, entry->name, entry->path, entry->follow,
                                    &entry->facts, &folder);
    if (status < 0)
        return leave_out_error(walk, status, entry->name);
    if (source_folder_is_within(above, &entry->facts)) {
        source_folder_release(walk->options.folders, folder);
        return leave_out(walk, UV_ELOOP, "the link leads back to a folder that it is in", entry->name);
    }
    entry->type = ENTRY_FOLDER;
    entry->self = folder;
    enter(walk, folder);
    return 0;
}

/* The target's text; false when it is no text that a manifest can have. */
static bool read_target(struct tree_walk *walk, struct walk_entry *entry)
{
    int at = AT_FDCWD;
    if (walk->depth > 0 && source_folder_descriptor(walk->options.folders, top_of(walk), &at) < 0)
        return false;
    const char *name = walk->depth == 0 ? entry->path : entry->name;
    ssize_t size = readlinkat(at, name, entry->target, sizeof(entry->target));
    if (size <= 0 || (size_t)size == sizeof(entry->target))
        size = 0;
    entry->target[size] = '\0';
    if (size == 0 || !utf8_is_valid(span_of(entry->target, (size_t)size))) {
        entry->target[0] = '\0';
        return false;
    }
    return true;
}

static int visit_file(struct walk_entry *entry)
{
    entry->type = ENTRY_FILE;
    return 0;
}

static int visit_other(struct tree_walk *walk, const struct walk_entry *entry)
{
    return leave_out(walk, STATUS_NOT_SUPPORTED, "neither a file, a folder nor a link", entry->name);
}

static int visit_link(struct tree_walk *walk, struct walk_entry *entry)
{
    switch (walk->options.links) {
    case FILES_LINKS_KEEP: {
        size_t depth = walk->depth == 0 ? 0 : walk->depth - 1;
        if (!read_target(walk, entry) || !entry_link_stays_inside(entry->target, depth))
            return leave_out(walk, STATUS_NOT_ALLOWED, "the link points outside of what is copied",
                             entry->name);
        int status = look(walk, walk->depth == 0 ? entry->path : entry->name, false, &entry->facts);
        if (status < 0)
            return leave_out_error(walk, status, entry->name);
        entry->type = ENTRY_LINK;
        return 0;
    }
    case FILES_LINKS_FOLLOW: {
        int status = look(walk, entry->name, true, &entry->facts);
        if (status < 0)
            return leave_out_error(walk, status, entry->name);
        entry->follow = true;
        if (S_ISDIR(entry->facts.mode))
            return visit_folder(walk, entry);
        return S_ISREG(entry->facts.mode) ? visit_file(entry) : visit_other(walk, entry);
    }
    default:
        return leave_out(walk, STATUS_NOT_ALLOWED, "links are left out", entry->name);
    }
}

/* Something in a folder, whose kind readdir may have told. */
static int visit(struct tree_walk *walk, unsigned char kind, struct walk_entry *entry)
{
    if (kind == DT_DIR)
        return visit_folder(walk, entry);
    if (kind == DT_LNK)
        return visit_link(walk, entry);
    if (kind != DT_REG && kind != DT_UNKNOWN)
        return visit_other(walk, entry);
    int status = look(walk, entry->name, false, &entry->facts);
    if (status < 0)
        return leave_out_error(walk, status, entry->name);
    if (S_ISREG(entry->facts.mode))
        return visit_file(entry);
    if (S_ISDIR(entry->facts.mode))
        return visit_folder(walk, entry);
    return S_ISLNK(entry->facts.mode) ? visit_link(walk, entry) : visit_other(walk, entry);
}

/* As visit, for a listing: everything is told as it is, nothing is entered. */
static int visit_listed(struct tree_walk *walk, struct walk_entry *entry)
{
    int status = look(walk, entry->name, false, &entry->facts);
    if (status < 0)
        return leave_out_error(walk, status, entry->name);
    if (S_ISREG(entry->facts.mode)) {
        entry->type = ENTRY_FILE;
    } else if (S_ISDIR(entry->facts.mode)) {
        entry->type = ENTRY_FOLDER;
    } else if (S_ISLNK(entry->facts.mode)) {
        entry->type = ENTRY_LINK;
        read_target(walk, entry);
    } else {
        return LEFT_OUT;
    }
    return 0;
}

static int visit_root(struct tree_walk *walk, struct walk_entry *entry)
{
    const char *path = walk->options.paths[walk->next_root++];
    size_t size;
    const char *name = entry_name_of_path(path, &size);
    if (size >= sizeof(walk->root_name))
        size = 0;
    memcpy(walk->root_name, name, size);
    walk->root_name[size] = '\0';
    bool follow = walk->options.links != FILES_LINKS_KEEP || walk->options.list;
    *entry = (struct walk_entry){.name = walk->root_name, .path = path, .follow = follow};
    if (walk->options.list) {
        struct source_folder *folder;
        int status = source_folder_open(walk->options.folders, NULL, walk->root_name, path, true,
                                        &entry->facts, &folder);
        if (status < 0)
            return status;
        enter(walk, folder);
        return LEFT_OUT; /* what is in it is wanted */
    }
    int status = look(walk, path, follow, &entry->facts);
    if (status < 0)
        return leave_out_error(walk, status, entry->name);
    if (S_ISREG(entry->facts.mode))
        return visit_file(entry);
    if (S_ISDIR(entry->facts.mode))
        return visit_folder(walk, entry);
    return S_ISLNK(entry->facts.mode) ? visit_link(walk, entry) : visit_other(walk, entry);
}

static bool is_no_entry(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, PARTIAL_FOLDER) == 0;
}

/* The next name of the folder on top, or its end. */
/* A listing also has names that can't be copied, so that somebody can get rid of them. */
static bool name_can_be_told(const char *name)
{
    return utf8_is_valid(span_of_text(name));
}

static int visit_next(struct tree_walk *walk, struct walk_entry *entry)
{
    struct source_folder *folder = top_of(walk);
    const struct dirent *found;
    int status = source_folder_next(walk->options.folders, folder, &found);
    if (status < 0) {
        if (walk->options.list)
            return status;
        leave_out_error(walk, status, NULL); /* what is left of it */
        found = NULL;
    }
    if (found == NULL) {
        leave(walk);
        if (walk->options.list)
            return LEFT_OUT;
        *entry = (struct walk_entry){.type = ENTRY_LEAVE, .name = ""};
        return 0;
    }
    if (is_no_entry(found->d_name))
        return LEFT_OUT;
    if (!(walk->options.list ? name_can_be_told(found->d_name) : entry_name_is_valid(found->d_name)))
        return leave_out(walk, STATUS_INVALID, "names with such characters can't be copied", found->d_name);
    entry->follow = false;
    entry->folder = folder;
    entry->self = NULL;
    entry->name = found->d_name;
    entry->path = NULL;
    entry->target[0] = '\0';
    return walk->options.list ? visit_listed(walk, entry) : visit(walk, found->d_type, entry);
}

int tree_walk_next(struct tree_walk *walk, struct walk_entry *ret)
{
    for (;;) {
        const atomic_bool *stop = *walk->options.stop;
        if (stop != NULL && atomic_load_explicit(stop, memory_order_relaxed))
            return UV_ECANCELED;
        if (walk->depth == 0 && walk->next_root == walk->options.path_count)
            return UV_EOF;
        int status = walk->depth == 0 ? visit_root(walk, ret) : visit_next(walk, ret);
        if (status != LEFT_OUT)
            return status;
    }
}
