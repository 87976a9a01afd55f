/* SPDX-License-Identifier: MIT */
/* Both ciphers as libsodium has them. AES-256-GCM's key is expanded once; without AES instructions libsodium
 * has none. */
#include "protocol/wire/aead.h"

#include <assert.h>
#include <sodium.h>
#include <stdalign.h>
#include <string.h>
#include <uv.h>

#include "protocol/wire/secret.h"

#define NONCE_SIZE 12

struct aead {
    alignas(16) union {
        crypto_aead_aes256gcm_state aes;
        uint8_t key[AEAD_KEY_SIZE];
    } secret;
    enum aead_cipher cipher;
};

_Static_assert(sizeof(struct aead) <= SECRET_SIZE_MAX, "fits the largest secret");
_Static_assert(crypto_aead_aes256gcm_KEYBYTES == AEAD_KEY_SIZE &&
                   crypto_aead_aes256gcm_ABYTES == AEAD_TAG_SIZE &&
                   crypto_aead_aes256gcm_NPUBBYTES == NONCE_SIZE,
               "AES-256-GCM");
_Static_assert(crypto_aead_chacha20poly1305_ietf_KEYBYTES == AEAD_KEY_SIZE &&
                   crypto_aead_chacha20poly1305_ietf_ABYTES == AEAD_TAG_SIZE &&
                   crypto_aead_chacha20poly1305_ietf_NPUBBYTES == NONCE_SIZE,
               "ChaCha20-Poly1305");

size_t aead_size(void)
{
    return sizeof(struct aead);
}

int aead_init(struct aead *aead, enum aead_cipher cipher, const uint8_t key[static AEAD_KEY_SIZE])
{
    assert(cipher == AEAD_CHACHA20_POLY1305 || cipher == AEAD_AES256_GCM);
    if (cipher == AEAD_AES256_GCM) {
        if ((aead_ciphers() & AEAD_AES256_GCM) == 0)
            return UV_ENOTSUP;
        crypto_aead_aes256gcm_beforenm(&aead->secret.aes, key);
    } else {
        memcpy(aead->secret.key, key, AEAD_KEY_SIZE);
    }
    aead->cipher = cipher;
    return 0;
}

void aead_wipe(struct aead *aead)
{
    sodium_memzero(aead, sizeof(*aead));
}

static void make_nonce(uint64_t counter, uint8_t ret[static NONCE_SIZE])
{
    memset(ret, 0, NONCE_SIZE);
    for (size_t i = 0; i < sizeof(counter); i++)
        ret[NONCE_SIZE - 1 - i] = (uint8_t)(counter >> (8 * i));
}

void aead_seal(struct aead *aead, uint64_t counter, const uint8_t *ad, size_t ad_size, const uint8_t *in,
               size_t size, uint8_t *out)
{
    uint8_t nonce[NONCE_SIZE];
    make_nonce(counter, nonce);
    if (aead->cipher == AEAD_AES256_GCM)
        crypto_aead_aes256gcm_encrypt_afternm(out, NULL, in, size, ad, ad_size, NULL, nonce,
                                              &aead->secret.aes);
    else
        crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, in, size, ad, ad_size, NULL, nonce,
                                                  aead->secret.key);
}

bool aead_open(struct aead *aead, uint64_t counter, const uint8_t *ad, size_t ad_size, const uint8_t *in,
               size_t size, uint8_t *out)
{
    uint8_t nonce[NONCE_SIZE];
    make_nonce(counter, nonce);
    if (aead->cipher == AEAD_AES256_GCM)
        return crypto_aead_aes256gcm_decrypt_afternm(out, NULL, NULL, in, size, ad, ad_size, nonce,
                                                     &aead->secret.aes) == 0;
    return crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, in, size, ad, ad_size, nonce,
                                                     aead->secret.key) == 0;
}
