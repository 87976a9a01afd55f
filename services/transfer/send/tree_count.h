/* SPDX-License-Identifier: MIT */
/* How much there is in all: a second walk, ahead of the one that announces, done in slices. */
#ifndef HOSPES_TREE_COUNT_H
#define HOSPES_TREE_COUNT_H

#include "services/transfer/send/tree_walk.h"

struct tree_count; /* opaque */

/* The options of the walk that announces; its folders and what is told of failures are not used. UV_ENOMEM */
int tree_count_create(const struct tree_walk_options *options, struct tree_count **ret);
void tree_count_destroy(struct tree_count *count); /* NULL allowed */
/* Counts for about `slice_ms`. 0: not ready yet; UV_EOF: that is all; UV_ECANCELED, UV_ENOMEM. */
int tree_count_go_on(struct tree_count *count, unsigned slice_ms);
/* So far. */
void tree_count_totals(const struct tree_count *count, struct totals_message *ret);

#endif
