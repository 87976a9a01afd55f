/* SPDX-License-Identifier: MIT */
/* What the receiver has to say of entries: NEED and SETTLED, gathered into runs. Bounded by FILES_WINDOW: an
 * entry counts as under way until its last word was produced. */
#ifndef HOSPES_ANSWERS_H
#define HOSPES_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>

#include "services/transfer/transfer_item.h"

struct answer_run {
    uint64_t first, count;
    uint8_t action; /* enum need_action; 0: SETTLED */
};

struct answer_failure; /* opaque */

struct answers {
    struct answer_run *needs, *settled; /* on the heap */
    size_t need_count, settled_count, need_capacity, settled_capacity;
    struct answer_failure *failed_first, *failed_last;
    uint64_t unsettled; /* entries that were announced and not answered for good */
};

void answers_finish(struct answers *answers);
/* Each UV_ENOMEM. */
int answers_need(struct answers *answers, uint64_t entry, enum need_action action);
int answers_settle(struct answers *answers, uint64_t entry);
int answers_fail(struct answers *answers, uint64_t entry, int status, const char *text);
bool answers_are_empty(const struct answers *answers);
/* One message at the end of `out`, if there is something to say. */
int answers_produce(struct answers *answers, struct item_queue *out);

#endif
