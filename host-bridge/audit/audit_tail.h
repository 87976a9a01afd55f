/* SPDX-License-Identifier: MIT */
/* The last entries of the log. Blocks on the disk: for a worker thread. */
#ifndef HOSPES_AUDIT_TAIL_H
#define HOSPES_AUDIT_TAIL_H

#include <jansson.h>

#include "host-bridge/audit/audit_snapshot.h"

#define AUDIT_TAIL_ENTRIES_MAX 1000
#define AUDIT_TAIL_BYTES_MAX                                                                                 \
    (16 * 1024 * 1024) /* looked through for the entries of one guest: some 40,000 lines */
#define AUDIT_TAIL_ANSWER_MAX (4 * 1024 * 1024) /* of lines in one answer: ten times 1,000 usual ones */

/* Up to `limit` entries, the newest last; of one guest unless `guest` is "". Lines that are no entries are
 * left out. UV_ENOMEM, system errors. */
int audit_tail_read(const struct audit_snapshot *snapshot, size_t limit, const char *guest,
                    json_t **ret_entries);

#endif
