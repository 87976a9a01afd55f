/* SPDX-License-Identifier: MIT */
/* Authenticated encryption of records: one cipher, one key, nonces that count. */
#ifndef HOSPES_AEAD_H
#define HOSPES_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AEAD_KEY_SIZE 32
#define AEAD_TAG_SIZE 16

/* Bits of HELLO's `ciphers`. Each side lists what it is willing and able to use. */
enum aead_cipher {
    AEAD_CHACHA20_POLY1305 = 1, /* RFC 8439; always there */
    AEAD_AES256_GCM = 2,        /* where the processor has AES instructions; faster there */
};

/* What this machine can do well: a set of bits. */
uint32_t aead_ciphers(void);
/* The faster one of what both can, AES-256-GCM first; 0: none in common. */
enum aead_cipher aead_choose(uint32_t own, uint32_t peer);
const char *aead_name(enum aead_cipher cipher); /* "aes256-gcm", "chacha20-poly1305" */

struct aead;            /* opaque, holds a key: allocate aead_size() bytes with secret_take */
size_t aead_size(void); /* ≤ SECRET_SIZE_MAX */
/* UV_ENOTSUP: AES-256-GCM on a machine that has no instructions for it. UV_ENOMEM where the library behind it
 * needs memory of its own. */
int aead_init(struct aead *aead, enum aead_cipher cipher, const uint8_t key[static AEAD_KEY_SIZE]);
void aead_wipe(struct aead *aead);
/* out: size + AEAD_TAG_SIZE bytes; may be the same place as `in`. The nonce is four zero bytes and `counter`,
 * big endian. */
void aead_seal(struct aead *aead, uint64_t counter, const uint8_t *ad, size_t ad_size, const uint8_t *in,
               size_t size, uint8_t *out);
/* in: size bytes with the tag; out: size - AEAD_TAG_SIZE. False: not authentic, `out` holds nothing of use.
 */
bool aead_open(struct aead *aead, uint64_t counter, const uint8_t *ad, size_t ad_size, const uint8_t *in,
               size_t size, uint8_t *out);

#endif
