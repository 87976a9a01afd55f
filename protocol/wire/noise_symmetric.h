/* SPDX-License-Identifier: MIT */
/* The symmetric half of Noise (revision 34, sections 4 and 5): chaining key, handshake hash and the cipher
 * between them. */
#ifndef HOSPES_NOISE_SYMMETRIC_H
#define HOSPES_NOISE_SYMMETRIC_H

#include "protocol/wire/noise.h"

struct noise_symmetric { /* secret */
    uint8_t chaining_key[NOISE_HASH_SIZE];
    uint8_t hash[NOISE_HASH_SIZE];
    uint8_t key[NOISE_KEY_SIZE];
    uint64_t nonce;
    bool has_key;
};

/* name: the protocol's whole name, at most NOISE_HASH_SIZE bytes. */
void noise_symmetric_init(struct noise_symmetric *symmetric, const char *name);
void noise_symmetric_mix_hash(struct noise_symmetric *symmetric, struct span data);
/* A DH result or, in patterns with a psk, an ephemeral public key. */
void noise_symmetric_mix_key(struct noise_symmetric *symmetric, const uint8_t input[static NOISE_KEY_SIZE]);
void noise_symmetric_mix_psk(struct noise_symmetric *symmetric, const uint8_t psk[static NOISE_KEY_SIZE]);
/* What a sealed text is longer than the plain one: 0 as long as there is no key. */
size_t noise_symmetric_overhead(const struct noise_symmetric *symmetric);
/* out: plain.size + overhead; may not overlap. */
void noise_symmetric_seal(struct noise_symmetric *symmetric, struct span plain, uint8_t *out);
/* sealed.size ≥ overhead; out: the rest of it. False: not authentic. */
bool noise_symmetric_open(struct noise_symmetric *symmetric, struct span sealed, uint8_t *out);
void noise_symmetric_split(const struct noise_symmetric *symmetric, uint8_t ret_first[static NOISE_KEY_SIZE],
                           uint8_t ret_second[static NOISE_KEY_SIZE]);

#endif
