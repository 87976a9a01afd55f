/* SPDX-License-Identifier: MIT */
/* The nodes of a watched tree. Within watch_tree*.c only. */
#ifndef HOSPES_WATCH_TREE_INTERNAL_H
#define HOSPES_WATCH_TREE_INTERNAL_H

#include "agent/features/watch/watch_tree.h"

struct watch_node {
    struct watch_node *parent;   /* NULL: the watched folder, or gone */
    struct watch_node *children; /* of a folder: by name, ascending */
    struct watch_node *next;     /* among its parent's children */
    struct watch_facts facts;
    /* of a look that is under way */
    struct watch_node *queue_next; /* folders to list */
    struct watch_node *gone_next;  /* tops of what is gone */
    struct watch_node *fresh_next; /* new ones */
    struct watch_node *index_next; /* gone ones by inode */
    struct watch_node *replaced;   /* of a new one: what had its name */
    char *gone_path;               /* of a top that is gone: where it was */
    bool queued, fresh, told, matched, saved_over;
    char name[];
};

struct watch_tree {
    struct watch_node *root;
    size_t count, max;
    bool full;
};

struct watch_node *watch_node_create(const char *name, const struct watch_facts *facts); /* NULL: no memory */
/* With all beneath; gives how many there were. */
size_t watch_node_free(struct watch_node *node);
char *watch_node_path(const struct watch_node *node); /* relative; NULL: no memory */
struct watch_node *watch_node_child(const struct watch_node *folder, const char *name, size_t size);

bool watch_facts_same(const struct watch_facts *a, const struct watch_facts *b); /* the same inode */
bool watch_facts_changed(const struct watch_facts *a, const struct watch_facts *b);

/* A look that is under way. */
#define WATCH_INDEX_SIZE 4096
struct watch_look {
    struct watch_tree *tree;
    const struct watch_lister *lister;
    struct watch_node *queue;              /* folders to list */
    struct watch_node *gone;               /* tops of what was taken out of the tree */
    struct watch_node *fresh, *fresh_last; /* new nodes that were not gone through */
    struct watch_node *unmatched;          /* new nodes that were nowhere else before */
    struct watch_node **index;             /* gone nodes and all beneath them, by inode */
    struct watch_changes deleted, moved, created, modified, deleted_again;
    int status;
};
void watch_look_enqueue(struct watch_look *look, struct watch_node *folder);
void watch_look_tell(struct watch_look *look, struct watch_changes *changes, uint8_t what,
                     const struct watch_node *node, const char *from);

/* Gone nodes by inode: made anew when more are gone. */
void watch_match_index(struct watch_look *look);
/* The gone node that `node` was; NULL: none. */
struct watch_node *watch_match_find(struct watch_look *look, const struct watch_node *node);
/* The new node goes on where the gone one ends. */
void watch_match_take_over(struct watch_look *look, struct watch_node *node, struct watch_node *gone);

#endif
