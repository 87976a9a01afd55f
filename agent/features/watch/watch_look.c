/* SPDX-License-Identifier: MIT */
/* Looks again, and tells what is different.
 *
 * Theory of operation. Folders that hints name wait in a queue. Each is listed and compared with its nodes by
 * name: a node that is not there any more is gone, an entry without a node is new; a node whose inode is
 * another one is both. A folder whose time has changed is queued as well, whatever the hints said.
 *
 * When the queue is empty the new ones are gone through. One with the inode of a gone one was moved: it takes
 * over what was beneath that, and is listed, since something may have happened within. Another is created,
 * and if it is a folder it is listed, and what is in it is new in turn. What is gone and was not found again
 * is deleted. */
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "agent/features/watch/watch_tree_internal.h"
#include "protocol/wire/message.h"

/* The entries of one folder while it is listed. */
struct listing {
    struct watch_look *look;
    struct watch_node **entries;
    size_t count, capacity;
};

void watch_look_enqueue(struct watch_look *look, struct watch_node *folder)
{
    if (folder->queued)
        return;
    folder->queued = true;
    folder->queue_next = look->queue;
    look->queue = folder;
}

void watch_look_tell(struct watch_look *look, struct watch_changes *changes, uint8_t what,
                     const struct watch_node *node, const char *from)
{
    char *path = watch_node_path(node);
    if (path == NULL || watch_changes_add(changes, what, node->facts.folder, path, from) < 0)
        look->status = UV_ENOMEM;
    free(path);
}

/* ---- one folder ---- */

static void take_entry(void *ctx, const char *name, const struct watch_facts *facts)
{
    struct listing *listing = ctx;
    struct watch_look *look = listing->look;
    if (look->status < 0)
        return;
    if (look->tree->count + listing->count >
        2 * look->tree->max) { /* even if nothing of the folder was new */
        look->tree->full = true;
        return;
    }
    if (listing->count == listing->capacity) {
        size_t capacity = listing->capacity == 0 ? 64 : listing->capacity * 2;
        struct watch_node **entries = realloc(listing->entries, capacity * sizeof(struct watch_node *));
        if (entries == NULL) {
            look->status = UV_ENOMEM;
            return;
        }
        listing->entries = entries;
        listing->capacity = capacity;
    }
    struct watch_node *node = watch_node_create(name, facts);
    if (node == NULL)
        look->status = UV_ENOMEM;
    else
        listing->entries[listing->count++] = node;
}

static int compare_names(const void *a, const void *b)
{
    const struct watch_node *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

/* Takes the node out of the tree; `link` is where it hangs. */
static struct watch_node *lose(struct watch_look *look, struct watch_node **link)
{
    struct watch_node *node = *link;
    node->gone_path = watch_node_path(node);
    if (node->gone_path == NULL)
        look->status = UV_ENOMEM;
    *link = node->next;
    node->parent = node->next = NULL;
    node->gone_next = look->gone;
    look->gone = node;
    return node;
}

static void gain(struct watch_look *look, struct watch_node *folder, struct watch_node **link,
                 struct watch_node *node)
{
    node->parent = folder;
    node->next = *link;
    *link = node;
    node->fresh = true;
    if (look->fresh_last != NULL)
        look->fresh_last->fresh_next = node;
    else
        look->fresh = node;
    look->fresh_last = node;
    if (++look->tree->count > look->tree->max)
        look->tree->full = true;
}

/* The entry has a node: is it the one? `seen` is freed or takes its place. */
static void compare(struct watch_look *look, struct watch_node *folder, struct watch_node **link,
                    struct watch_node *seen)
{
    struct watch_node *node = *link;
    if (!watch_facts_same(&node->facts, &seen->facts)) {
        seen->replaced = lose(look, link);
        gain(look, folder, link, seen);
        return;
    }
    if (watch_facts_changed(&node->facts, &seen->facts)) {
        node->facts = seen->facts;
        if (node->facts.folder)
            watch_look_enqueue(look, node);
        else if (!node->fresh)
            watch_look_tell(look, &look->modified, CHANGE_MODIFIED, node, "");
    }
    free(seen);
}

static void compare_all(struct watch_look *look, struct watch_node *folder, struct listing *listing)
{
    struct watch_node **link = &folder->children;
    for (size_t i = 0; i < listing->count; i++) {
        struct watch_node *seen = listing->entries[i];
        while (*link != NULL && strcmp((*link)->name, seen->name) < 0)
            lose(look, link);
        if (*link != NULL && strcmp((*link)->name, seen->name) == 0)
            compare(look, folder, link, seen);
        else
            gain(look, folder, link, seen);
        link = &(*link)->next;
    }
    while (*link != NULL)
        lose(look, link);
}

static void look_into(struct watch_look *look, struct watch_node *folder)
{
    struct listing listing = {.look = look};
    char *path = watch_node_path(folder);
    int status = path == NULL ? UV_ENOMEM : look->lister->list(look->lister->ctx, path, take_entry, &listing);
    free(path);
    if (look->status == 0 && !look->tree->full && status == 0) {
        if (listing.count > 0) /* qsort takes no null pointer */
            qsort(listing.entries, listing.count, sizeof(*listing.entries), compare_names);
        compare_all(look, folder, &listing);
        listing.count = 0; /* all were handed on */
    }
    for (size_t i = 0; i < listing.count; i++)
        watch_node_free(listing.entries[i]);
    free(listing.entries);
    if (status == UV_ENOMEM)
        look->status = status;
    else if (status < 0 && folder->parent == NULL)
        look->status = status;
    else if (status == UV_ENOENT || status == UV_ENOTDIR)
        watch_look_enqueue(look, folder->parent); /* gone meanwhile: the folder above knows more */
}

static bool may_go_on(const struct watch_look *look)
{
    return look->status == 0 && !look->tree->full;
}

/* In the tree: neither gone nor beneath something that is. */
static bool is_there(const struct watch_look *look, const struct watch_node *node)
{
    while (node->parent != NULL)
        node = node->parent;
    return node == look->tree->root;
}

static void drain(struct watch_look *look)
{
    while (look->queue != NULL && may_go_on(look)) {
        struct watch_node *folder = look->queue;
        look->queue = folder->queue_next;
        folder->queued = false;
        if (is_there(look, folder))
            look_into(look, folder);
    }
}

/* ---- what is new ---- */

static void judge(struct watch_look *look, struct watch_node *node)
{
    struct watch_node *gone = look->gone != NULL ? watch_match_find(look, node) : NULL;
    node->told = true;
    if (gone != NULL) {
        watch_match_take_over(look, node, gone);
        return;
    }
    node->fresh_next = look->unmatched;
    look->unmatched = node;
    if (node->facts.folder)
        watch_look_enqueue(look, node);
}

static void judge_all(struct watch_look *look)
{
    drain(look);
    while (look->fresh != NULL && may_go_on(look)) {
        if (look->gone != NULL)
            watch_match_index(look); /* what drain has found since */
        struct watch_node *batch = look->fresh;
        look->fresh = look->fresh_last = NULL;
        while (batch != NULL && may_go_on(look)) {
            struct watch_node *node = batch;
            batch = node->fresh_next;
            node->fresh_next = NULL;
            if (is_there(look, node))
                judge(look, node);
        }
        drain(look);
    }
}

static struct watch_node *turn_round(struct watch_node *list)
{
    struct watch_node *turned = NULL;
    while (list != NULL) {
        struct watch_node *node = list;
        list = node->fresh_next;
        node->fresh_next = turned;
        turned = node;
    }
    return turned;
}

/* Only now it is known of everything that is gone whether it was moved. */
static void tell_unmatched(struct watch_look *look)
{
    for (struct watch_node *node = turn_round(look->unmatched); node != NULL && may_go_on(look);
         node = node->fresh_next) {
        struct watch_node *replaced = node->replaced;
        if (!is_there(look, node)) {
            node->told = false;
        } else if (replaced != NULL && !replaced->matched && !replaced->facts.folder && !node->facts.folder) {
            replaced->saved_over = true; /* written beside and renamed: that is how files are saved */
            watch_look_tell(look, &look->modified, CHANGE_MODIFIED, node, "");
        } else {
            watch_look_tell(look, &look->created, CHANGE_CREATED, node, "");
        }
    }
}

/* ---- a whole look ---- */

/* The folder that the path is in, and the entry itself if it is one: as far down as they are known. */
static void enqueue_path(struct watch_look *look, const char *path)
{
    struct watch_node *folder = look->tree->root;
    while (*path != '\0') {
        size_t size = strcspn(path, "/");
        struct watch_node *child = watch_node_child(folder, path, size);
        path += size + (path[size] == '/');
        if (*path == '\0')
            watch_look_enqueue(look, folder);
        if (child == NULL || !child->facts.folder)
            break;
        folder = child;
    }
    watch_look_enqueue(look, folder);
}

static void enqueue_all(struct watch_look *look)
{
    struct watch_node *root = look->tree->root, *node = root;
    while (node != NULL) {
        if (node->facts.folder)
            watch_look_enqueue(look, node);
        if (node->children != NULL) {
            node = node->children;
            continue;
        }
        while (node != root && node->next == NULL)
            node = node->parent;
        node = node == root ? NULL : node->next;
    }
}

static void settle_gone(struct watch_look *look)
{
    while (look->gone != NULL) {
        struct watch_node *node = look->gone;
        look->gone = node->gone_next;
        /* One that came and went within this look: told only if its coming was. */
        bool untold = node->matched || node->saved_over || (node->fresh && !node->told);
        struct watch_changes *changes = node->fresh ? &look->deleted_again : &look->deleted;
        if (!untold && may_go_on(look) &&
            watch_changes_add(changes, CHANGE_DELETED, node->facts.folder, node->gone_path, "") < 0)
            look->status = UV_ENOMEM;
        look->tree->count -= watch_node_free(node);
    }
}

/* What is in the tree has no marks of this look any more. */
static void clear_marks(struct watch_look *look)
{
    struct watch_node *root = look->tree->root, *node = root;
    while (node != NULL) {
        node->queued = node->fresh = node->told = false;
        node->replaced = node->fresh_next = NULL;
        if (node->children != NULL) {
            node = node->children;
            continue;
        }
        while (node != root && node->next == NULL)
            node = node->parent;
        node = node == root ? NULL : node->next;
    }
}

/* Nothing is known any more: the hints are all there is. */
static void pass_hints_on(struct watch_tree *tree, const char *const *paths, size_t count, bool everywhere,
                          struct watch_changes *changes)
{
    changes->lost = changes->lost || everywhere || tree->root->children != NULL;
    while (tree->root->children != NULL) {
        struct watch_node *child = tree->root->children;
        tree->root->children = child->next;
        watch_node_free(child);
    }
    tree->count = 0;
    for (size_t i = 0; i < count && !everywhere; i++) {
        const char *slash = strrchr(paths[i], '/');
        char *folder = strndup(paths[i], slash == NULL ? 0 : (size_t)(slash - paths[i]));
        bool told = folder == NULL;
        for (const struct watch_change *change = changes->first; change != NULL && !told;
             change = change->next)
            told = strcmp(change->path, folder) == 0;
        if (!told)
            watch_changes_add(changes, CHANGE_MODIFIED, true, folder, "");
        free(folder);
    }
}

int watch_tree_look(struct watch_tree *tree, const struct watch_lister *lister, const char *const *paths,
                    size_t count, bool everywhere, struct watch_changes *changes)
{
    if (tree->full) {
        pass_hints_on(tree, paths, count, everywhere, changes);
        return 0;
    }
    struct watch_look look = {.tree = tree, .lister = lister};
    look.index = calloc(WATCH_INDEX_SIZE, sizeof(struct watch_node *));
    if (look.index == NULL) {
        changes->lost = true;
        return UV_ENOMEM;
    }
    if (everywhere)
        enqueue_all(&look);
    for (size_t i = 0; i < count && !everywhere; i++)
        enqueue_path(&look, paths[i]);
    judge_all(&look);
    tell_unmatched(&look);
    settle_gone(&look);
    clear_marks(&look);
    free(look.index);
    watch_changes_move(changes, &look.deleted);
    watch_changes_move(changes, &look.moved);
    watch_changes_move(changes, &look.created);
    watch_changes_move(changes, &look.modified);
    watch_changes_move(changes, &look.deleted_again);
    if (look.status < 0)
        changes->lost = true;
    if (tree->full)
        pass_hints_on(tree, paths, count, true, changes);
    return look.status;
}
