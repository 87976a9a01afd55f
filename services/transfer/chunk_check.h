/* SPDX-License-Identifier: MIT */
/* Tags of the bytes that a connection carries, and digests of what a receiver has (docs/protocol.md, section
 * 11). Used by one thread at a time. */
#ifndef HOSPES_CHUNK_CHECK_H
#define HOSPES_CHUNK_CHECK_H

#include "services/transfer/engine.h"

struct chunk_check; /* opaque */

int chunk_check_create(const struct engine_keys *keys, struct chunk_check **ret); /* UV_ENOMEM, UV_ENOTSUP */
void chunk_check_destroy(struct chunk_check *check);                              /* wipes; NULL allowed */
/* The next CHECK of this direction; tag_size is 0 in a sealed session. */
void chunk_check_make(struct chunk_check *check, struct span bytes, struct check_message *ret);
/* In constant time. False: not authentic, or of the wrong size. */
bool chunk_check_open(struct chunk_check *check, struct span bytes, const struct check_message *message);

void chunk_digest(const struct engine_keys *keys, struct span bytes, uint8_t ret[static FILES_DIGEST_SIZE]);

#endif
