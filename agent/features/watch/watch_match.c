/* SPDX-License-Identifier: MIT */
/* Finds what was moved: an inode that is gone in one place and new in another. When that is asked is
 * watch_look.c's. */
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "agent/features/watch/watch_tree_internal.h"
#include "protocol/wire/message.h"

static struct watch_node **bucket(struct watch_look *look, const struct watch_facts *facts)
{
    return &look->index[(facts->inode * 0x9E3779B97F4A7C15U >> 32) % WATCH_INDEX_SIZE];
}

void watch_match_index(struct watch_look *look)
{
    memset(look->index, 0, WATCH_INDEX_SIZE * sizeof(struct watch_node *));
    for (struct watch_node *top = look->gone; top != NULL; top = top->gone_next) {
        struct watch_node *node = top;
        while (node != NULL) {
            struct watch_node **place = bucket(look, &node->facts);
            node->index_next = *place;
            *place = node;
            if (node->children != NULL) {
                node = node->children;
                continue;
            }
            while (node != top && node->next == NULL)
                node = node->parent;
            node = node == top ? NULL : node->next;
        }
    }
}

/* It is in the tree again, or what it was beneath went elsewhere without it. */
static bool is_taken(const struct watch_look *look, const struct watch_node *node)
{
    const struct watch_node *at = node;
    while (!at->matched && at->parent != NULL)
        at = at->parent;
    return at->matched || at == look->tree->root;
}

/* A file without a time of birth could be another one with the same number: it must look the same, too. */
struct watch_node *watch_match_find(struct watch_look *look, const struct watch_node *node)
{
    for (struct watch_node *gone = *bucket(look, &node->facts); gone != NULL; gone = gone->index_next) {
        if (gone->fresh || !watch_facts_same(&gone->facts, &node->facts) || is_taken(look, gone))
            continue;
        if (node->facts.birth_ns != 0 || node->facts.folder ||
            !watch_facts_changed(&gone->facts, &node->facts))
            return gone;
    }
    return NULL;
}

/* Where it was before this look: the top has the path. */
static char *old_path(const struct watch_node *gone)
{
    size_t size = 0;
    const struct watch_node *top = gone;
    for (; top->parent != NULL; top = top->parent)
        size += strlen(top->name) + 1;
    size_t head = top->gone_path == NULL ? 0 : strlen(top->gone_path);
    char *path = malloc(head + size + 1);
    if (path == NULL)
        return NULL;
    char *end = path + head + size;
    *end = '\0';
    for (const struct watch_node *at = gone; at->parent != NULL; at = at->parent) {
        size_t part = strlen(at->name);
        end -= part;
        memcpy(end, at->name, part);
        *--end = '/';
    }
    if (head > 0)
        memcpy(path, top->gone_path, head);
    return path;
}

static void adopt_children(struct watch_node *node, struct watch_node *gone)
{
    struct watch_node **link = &gone->children, **end = &node->children;
    while (*link != NULL) {
        struct watch_node *child = *link;
        if (child->matched) { /* it went elsewhere by itself */
            link = &child->next;
            continue;
        }
        *link = child->next;
        child->next = NULL;
        child->parent = node;
        *end = child;
        end = &child->next;
    }
}

void watch_match_take_over(struct watch_look *look, struct watch_node *node, struct watch_node *gone)
{
    char *from = old_path(gone);
    if (from == NULL) {
        look->status = UV_ENOMEM;
        return;
    }
    watch_look_tell(look, &look->moved, CHANGE_MOVED, node, from);
    free(from);
    gone->matched = true;
    if (!node->facts.folder) {
        if (watch_facts_changed(&node->facts, &gone->facts))
            watch_look_tell(look, &look->modified, CHANGE_MODIFIED, node, "");
        return;
    }
    adopt_children(node, gone);
    watch_look_enqueue(look, node);
}
