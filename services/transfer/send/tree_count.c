/* SPDX-License-Identifier: MIT */
/* Sums up a walk of its own. When it runs is the sender's business. */
#include "services/transfer/send/tree_count.h"

#include <stdlib.h>
#include <uv.h>

#include "protocol/base/clock.h"

#define FOLDERS_OPEN_MAX 16
#define ENTRIES_A_LOOK   32 /* at the clock */

struct tree_count {
    struct source_folder_set folders;
    struct tree_walk *walk;
    struct totals_message totals;
};

int tree_count_create(const struct tree_walk_options *options, struct tree_count **ret)
{
    struct tree_count *count = calloc(1, sizeof(*count));
    if (count == NULL)
        return UV_ENOMEM;
    source_folder_set_init(&count->folders, FOLDERS_OPEN_MAX);
    struct tree_walk_options own = *options;
    own.folders = &count->folders;
    own.on_left_out = NULL;
    int status = tree_walk_create(&own, &count->walk);
    if (status < 0) {
        free(count);
        return status;
    }
    *ret = count;
    return 0;
}

void tree_count_destroy(struct tree_count *count)
{
    if (count == NULL)
        return;
    tree_walk_destroy(count->walk);
    free(count);
}

int tree_count_go_on(struct tree_count *count, unsigned slice_ms)
{
    uint64_t end_ms = clock_monotonic_ms() + slice_ms;
    do {
        for (size_t i = 0; i < ENTRIES_A_LOOK; i++) {
            struct walk_entry entry;
            int status = tree_walk_next(count->walk, &entry);
            if (status < 0)
                return status;
            if (entry.type == ENTRY_FILE) {
                count->totals.files++;
                count->totals.bytes += entry.facts.size;
            }
        }
    } while (clock_monotonic_ms() < end_ms);
    return 0;
}

void tree_count_totals(const struct tree_count *count, struct totals_message *ret)
{
    *ret = count->totals;
}
