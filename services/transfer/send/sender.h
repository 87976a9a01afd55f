/* SPDX-License-Identifier: MIT */
/* The engine that gives files: walks, announces, sends what the receiver lacks (docs/protocol.md, section
 * 11). */
#ifndef HOSPES_SENDER_H
#define HOSPES_SENDER_H

#include "services/transfer/engine.h"

struct sender_options { /* borrowed until sender_create returns */
    struct item_pool *pool;
    struct engine_keys keys;
    size_t path_count;
    const char *const *paths; /* absolute */
    uint32_t flags;           /* enum files_flag: RECURSIVE, OWNER, ATTRIBUTES count here */
    uint8_t links; /* enum files_links, for links within; a root that is a link is followed unless KEEP */
    bool list;     /* LIST: one folder, its entries without their contents, nothing is asked for */
};

/* Opens nothing yet but looks at the roots: UV_ENOENT, UV_EACCES … with a sentence when one of them is not
 * there (nothing is sent then); STATUS_INVALID for a root without a name, UV_EISDIR for a folder without
 * RECURSIVE. UV_ENOMEM. */
int sender_create(const struct sender_options *options, struct engine **ret,
                  char ret_problem[static TEXT_REASON_MAX + 1]);

#endif
