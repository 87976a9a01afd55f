/* SPDX-License-Identifier: MIT */
/* The nodes, and the first look. What a further look finds is watch_look.c's. */
#include "agent/features/watch/watch_tree.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "agent/features/watch/watch_tree_internal.h"

bool watch_facts_same(const struct watch_facts *a, const struct watch_facts *b)
{
    return a->folder == b->folder && a->inode == b->inode && a->device == b->device &&
           a->birth_ns == b->birth_ns;
}

bool watch_facts_changed(const struct watch_facts *a, const struct watch_facts *b)
{
    return a->mtime_ns != b->mtime_ns || (!a->folder && a->size != b->size);
}

struct watch_node *watch_node_create(const char *name, const struct watch_facts *facts)
{
    size_t size = strlen(name) + 1;
    struct watch_node *node = calloc(1, sizeof(*node) + size);
    if (node == NULL)
        return NULL;
    node->facts = *facts;
    memcpy(node->name, name, size);
    return node;
}

/* Without recursion: a guest's user can make folders as deep as a path is long. */
size_t watch_node_free(struct watch_node *node)
{
    size_t count = 0;
    struct watch_node *stack = node;
    if (node != NULL)
        node->next = NULL;
    while (stack != NULL) {
        struct watch_node *top = stack;
        stack = top->next;
        while (top->children != NULL) {
            struct watch_node *child = top->children;
            top->children = child->next;
            child->next = stack;
            stack = child;
        }
        free(top->gone_path);
        free(top);
        count++;
    }
    return count;
}

char *watch_node_path(const struct watch_node *node)
{
    size_t size = 0;
    for (const struct watch_node *at = node; at->parent != NULL; at = at->parent)
        size += strlen(at->name) + 1;
    char *path = malloc(size + 1);
    if (path == NULL)
        return NULL;
    char *end = path + (size > 0 ? size - 1 : 0);
    *end = '\0';
    for (const struct watch_node *at = node; at->parent != NULL; at = at->parent) {
        size_t part = strlen(at->name);
        end -= part;
        memcpy(end, at->name, part);
        if (at->parent->parent != NULL)
            *--end = '/';
    }
    return path;
}

struct watch_node *watch_node_child(const struct watch_node *folder, const char *name, size_t size)
{
    for (struct watch_node *child = folder->children; child != NULL; child = child->next) {
        int order = strncmp(child->name, name, size);
        if (order == 0 && child->name[size] == '\0')
            return child;
        if (order > 0)
            return NULL;
    }
    return NULL;
}

int watch_tree_create(size_t entries_max, struct watch_tree **ret)
{
    struct watch_tree *tree = calloc(1, sizeof(*tree));
    struct watch_node *root = watch_node_create("", &(struct watch_facts){.folder = true});
    if (tree == NULL || root == NULL) {
        free(tree);
        free(root);
        return UV_ENOMEM;
    }
    tree->root = root;
    tree->max = entries_max;
    *ret = tree;
    return 0;
}

void watch_tree_destroy(struct watch_tree *tree)
{
    if (tree == NULL)
        return;
    watch_node_free(tree->root);
    free(tree);
}

int watch_tree_fill(struct watch_tree *tree, const struct watch_lister *lister)
{
    struct watch_changes untold = {0};
    int status = watch_tree_look(tree, lister, NULL, 0, true, &untold);
    watch_changes_clear(&untold);
    return status;
}

bool watch_tree_is_full(const struct watch_tree *tree)
{
    return tree->full;
}

size_t watch_tree_count(const struct watch_tree *tree)
{
    return tree->count;
}

/* The next node of a walk, those above first; NULL: that was the last. */
static const struct watch_node *after(const struct watch_node *node, const struct watch_node *root)
{
    if (node->children != NULL)
        return node->children;
    while (node != root && node->next == NULL)
        node = node->parent;
    return node == root ? NULL : node->next;
}

void watch_tree_folders(const struct watch_tree *tree, void (*on_folder)(void *ctx, const char *path),
                        void *ctx)
{
    for (const struct watch_node *node = after(tree->root, tree->root); node != NULL;
         node = after(node, tree->root)) {
        char *path = node->facts.folder ? watch_node_path(node) : NULL;
        if (path != NULL)
            on_folder(ctx, path);
        free(path);
    }
}
