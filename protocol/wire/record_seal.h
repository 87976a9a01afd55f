/* SPDX-License-Identifier: MIT */
/* Sealed records (docs/protocol.md, "Records"): bytes in, records out, and back. One direction of one
 * connection has one sealer and one opener; both count records, change the key after RECORDS_A_KEY of them,
 * and so notice what was taken away, repeated or moved. */
#ifndef HOSPES_RECORD_SEAL_H
#define HOSPES_RECORD_SEAL_H

#include "protocol/base/buffer.h"
#include "protocol/wire/aead.h"
#include "protocol/wire/limits.h"
#include "protocol/wire/secret.h"

/* u32 size of what follows, then ciphertext of 1 … RECORD_PLAIN_MAX bytes, then the tag. The size is
 * authenticated. */
#define RECORD_HEADER_SIZE   4
#define RECORD_OVERHEAD_SIZE (RECORD_HEADER_SIZE + AEAD_TAG_SIZE)
#define RECORD_SIZE_MAX      (RECORD_PLAIN_MAX + RECORD_OVERHEAD_SIZE)

struct record_key; /* opaque: a key, its counter */
/* UV_ENOMEM, UV_ENOTSUP (aead_init). */
int record_key_create(struct secret_pool *secrets, enum aead_cipher cipher,
                      const uint8_t key[static AEAD_KEY_SIZE], struct record_key **ret);
void record_key_destroy(struct record_key *key); /* NULL allowed */

/* One record: plain (1 … RECORD_PLAIN_MAX bytes) → out, plain_size + RECORD_OVERHEAD_SIZE bytes, which must
 * not overlap. Returns the record's size. UV_ENOMEM (a new key): the connection can't go on. */
int record_seal(struct record_key *key, const uint8_t *plain, size_t plain_size, uint8_t *out,
                size_t *ret_size);

/* Cuts a stream of bytes into records. */
struct record_opener {
    struct record_key *key;
    struct buffer partial; /* the beginning of a record whose rest has not come; empty as a rule */
};
void record_opener_init(struct record_opener *opener, struct record_key *key); /* borrowed */
void record_opener_finish(struct record_opener *opener);
/* Takes bytes up to the end of one record at most. `plain` (RECORD_PLAIN_MAX bytes) gets what was in it:
 * *ret_plain_size is 0 while the record is not complete. *ret_taken: bytes of `bytes` that are done with;
 * call again with the rest. STATUS_MALFORMED, STATUS_TOO_LARGE, STATUS_AUTHENTICATION_FAILED, UV_ENOMEM: the
 * connection can't go on. */
int record_open(struct record_opener *opener, struct span bytes, uint8_t *plain, size_t *ret_plain_size,
                size_t *ret_taken);
/* True between records. */
bool record_opener_at_boundary(const struct record_opener *opener);

#endif
