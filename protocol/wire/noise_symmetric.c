/* SPDX-License-Identifier: MIT */
/* Noise's SymmetricState and CipherState for ChaChaPoly and BLAKE2b. The hash is used without its own key:
 * Noise wants HMAC around it. Every value on the stack from which a key follows is wiped. */
#include "protocol/wire/noise_symmetric.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#define HASH_BLOCK_SIZE 128 /* BLOCKLEN of BLAKE2b */
#define NONCE_SIZE      12
#define HKDF_OUTPUTS    3

static void hash_two(struct span first, struct span second, uint8_t ret[static NOISE_HASH_SIZE])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, NOISE_HASH_SIZE);
    crypto_generichash_update(&state, first.data, first.size);
    crypto_generichash_update(&state, second.data, second.size);
    crypto_generichash_final(&state, ret, NOISE_HASH_SIZE);
    sodium_memzero(&state, sizeof(state));
}

/* RFC 2104; a key of NOISE_HASH_SIZE is never longer than a block. The text comes in two pieces. */
static void hmac(const uint8_t key[static NOISE_HASH_SIZE], struct span first, struct span second,
                 uint8_t ret[static NOISE_HASH_SIZE])
{
    uint8_t block[HASH_BLOCK_SIZE] = {0}, inner[NOISE_HASH_SIZE];
    memcpy(block, key, NOISE_HASH_SIZE);
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] ^= 0x36;
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, NOISE_HASH_SIZE);
    crypto_generichash_update(&state, block, sizeof(block));
    crypto_generichash_update(&state, first.data, first.size);
    crypto_generichash_update(&state, second.data, second.size);
    crypto_generichash_final(&state, inner, sizeof(inner));
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] ^= 0x36 ^ 0x5c;
    hash_two(span_of(block, sizeof(block)), span_of(inner, sizeof(inner)), ret);
    sodium_memzero(&state, sizeof(state));
    sodium_memzero(block, sizeof(block));
    sodium_memzero(inner, sizeof(inner));
}

/* The first `count` outputs. */
static void hkdf(const uint8_t chaining_key[static NOISE_HASH_SIZE], struct span input, size_t count,
                 uint8_t ret[static HKDF_OUTPUTS][NOISE_HASH_SIZE])
{
    uint8_t extracted[NOISE_HASH_SIZE];
    hmac(chaining_key, input, span_of(NULL, 0), extracted);
    struct span last = span_of(NULL, 0);
    for (size_t i = 0; i < count; i++) {
        uint8_t number = (uint8_t)(i + 1);
        hmac(extracted, last, span_of(&number, 1), ret[i]);
        last = span_of(ret[i], NOISE_HASH_SIZE);
    }
    sodium_memzero(extracted, sizeof(extracted));
}

void noise_symmetric_init(struct noise_symmetric *symmetric, const char *name)
{
    size_t size = strlen(name);
    assert(size <= NOISE_HASH_SIZE);
    memset(symmetric, 0, sizeof(*symmetric));
    memcpy(symmetric->hash, name, size);
    memcpy(symmetric->chaining_key, symmetric->hash, NOISE_HASH_SIZE);
}

void noise_symmetric_mix_hash(struct noise_symmetric *symmetric, struct span data)
{
    hash_two(span_of(symmetric->hash, NOISE_HASH_SIZE), data, symmetric->hash);
}

static void set_key(struct noise_symmetric *symmetric, const uint8_t *key)
{
    memcpy(symmetric->key, key, NOISE_KEY_SIZE);
    symmetric->nonce = 0;
    symmetric->has_key = true;
}

void noise_symmetric_mix_key(struct noise_symmetric *symmetric, const uint8_t input[static NOISE_KEY_SIZE])
{
    uint8_t outputs[HKDF_OUTPUTS][NOISE_HASH_SIZE];
    hkdf(symmetric->chaining_key, span_of(input, NOISE_KEY_SIZE), 2, outputs);
    memcpy(symmetric->chaining_key, outputs[0], NOISE_HASH_SIZE);
    set_key(symmetric, outputs[1]);
    sodium_memzero(outputs, sizeof(outputs));
}

void noise_symmetric_mix_psk(struct noise_symmetric *symmetric, const uint8_t psk[static NOISE_KEY_SIZE])
{
    uint8_t outputs[HKDF_OUTPUTS][NOISE_HASH_SIZE];
    hkdf(symmetric->chaining_key, span_of(psk, NOISE_KEY_SIZE), 3, outputs);
    memcpy(symmetric->chaining_key, outputs[0], NOISE_HASH_SIZE);
    noise_symmetric_mix_hash(symmetric, span_of(outputs[1], NOISE_HASH_SIZE));
    set_key(symmetric, outputs[2]);
    sodium_memzero(outputs, sizeof(outputs));
}

/* Four zero bytes, then the number, little endian. */
static void make_nonce(uint64_t number, uint8_t ret[static NONCE_SIZE])
{
    memset(ret, 0, NONCE_SIZE);
    for (size_t i = 0; i < sizeof(number); i++)
        ret[4 + i] = (uint8_t)(number >> (8 * i));
}

size_t noise_symmetric_overhead(const struct noise_symmetric *symmetric)
{
    return symmetric->has_key ? NOISE_TAG_SIZE : 0;
}

void noise_symmetric_seal(struct noise_symmetric *symmetric, struct span plain, uint8_t *out)
{
    size_t size = plain.size + noise_symmetric_overhead(symmetric);
    if (symmetric->has_key) {
        uint8_t nonce[NONCE_SIZE];
        make_nonce(symmetric->nonce++, nonce);
        crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plain.data, plain.size, symmetric->hash,
                                                  NOISE_HASH_SIZE, NULL, nonce, symmetric->key);
    } else if (plain.size > 0) {
        memcpy(out, plain.data, plain.size);
    }
    noise_symmetric_mix_hash(symmetric, span_of(out, size));
}

bool noise_symmetric_open(struct noise_symmetric *symmetric, struct span sealed, uint8_t *out)
{
    if (symmetric->has_key) {
        uint8_t nonce[NONCE_SIZE];
        make_nonce(symmetric->nonce, nonce);
        if (crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.data, sealed.size,
                                                      symmetric->hash, NOISE_HASH_SIZE, nonce,
                                                      symmetric->key) != 0)
            return false;
        symmetric->nonce++;
    } else if (sealed.size > 0) {
        memcpy(out, sealed.data, sealed.size);
    }
    noise_symmetric_mix_hash(symmetric, sealed);
    return true;
}

void noise_symmetric_split(const struct noise_symmetric *symmetric, uint8_t ret_first[static NOISE_KEY_SIZE],
                           uint8_t ret_second[static NOISE_KEY_SIZE])
{
    uint8_t outputs[HKDF_OUTPUTS][NOISE_HASH_SIZE];
    hkdf(symmetric->chaining_key, span_of(NULL, 0), 2, outputs);
    memcpy(ret_first, outputs[0], NOISE_KEY_SIZE);
    memcpy(ret_second, outputs[1], NOISE_KEY_SIZE);
    sodium_memzero(outputs, sizeof(outputs));
}
