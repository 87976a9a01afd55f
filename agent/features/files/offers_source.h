/* SPDX-License-Identifier: MIT */
/* What the guest offers to the host, as far as giving it needs to know: filled by the feature that keeps the
 * offers. All on the loop's thread; none of it blocks. */
#ifndef HOSPES_OFFERS_SOURCE_H
#define HOSPES_OFFERS_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "services/transfer/fs_identity.h"

struct offered_files {
    struct fs_identity identity; /* of the user who offered them: read with that user's rights */
    size_t path_count;           /* 1 … FILES_PATHS_MAX */
    const char *const *paths;    /* absolute; valid until return to the loop */
};

struct offers_source {
    /* STATUS_NOT_FOUND: no such offer (any more). */
    int (*paths)(void *ctx, uint64_t offer, struct offered_files *ret);
    /* Bytes that a GET of it has moved so far. Can be NULL. */
    void (*moved)(void *ctx, uint64_t offer, uint64_t bytes);
    /* A GET of it has ended: 0: the host has it (what could be read of it); else why not, and it is still
     * offered. */
    void (*taken)(void *ctx, uint64_t offer, int status);
    /* The host does not want it. STATUS_NOT_FOUND. */
    int (*decline)(void *ctx, uint64_t offer);
};

#endif
