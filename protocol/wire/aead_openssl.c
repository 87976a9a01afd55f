/* SPDX-License-Identifier: MIT */
/* Both ciphers as OpenSSL's libcrypto has them: more than twice libsodium's speed where the processor has
 * wide AES instructions (docs/decisions/0014). The expanded keys lie in the library's own memory, which it
 * wipes. */
#include "protocol/wire/aead.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>
#include <uv.h>

#define NONCE_SIZE 12

struct aead {
    EVP_CIPHER_CTX *seal, *open; /* NULL until first used */
    enum aead_cipher cipher;
    uint8_t key[AEAD_KEY_SIZE];
};

size_t aead_size(void)
{
    return sizeof(struct aead);
}

int aead_init(struct aead *aead, enum aead_cipher cipher, const uint8_t key[static AEAD_KEY_SIZE])
{
    assert(cipher == AEAD_CHACHA20_POLY1305 || cipher == AEAD_AES256_GCM);
    if ((aead_ciphers() & (uint32_t)cipher) == 0)
        return UV_ENOTSUP;
    *aead = (struct aead){.cipher = cipher};
    memcpy(aead->key, key, AEAD_KEY_SIZE);
    return 0;
}

void aead_wipe(struct aead *aead)
{
    EVP_CIPHER_CTX_free(aead->seal); /* wipes; NULL is allowed */
    EVP_CIPHER_CTX_free(aead->open);
    OPENSSL_cleanse(aead, sizeof(*aead));
}

static void make_nonce(uint64_t counter, uint8_t ret[static NONCE_SIZE])
{
    memset(ret, 0, NONCE_SIZE);
    for (size_t i = 0; i < sizeof(counter); i++)
        ret[NONCE_SIZE - 1 - i] = (uint8_t)(counter >> (8 * i));
}

/* The context of one direction, made when it is first needed. NULL: out of memory. */
static EVP_CIPHER_CTX *take(const struct aead *aead, EVP_CIPHER_CTX **place, int encrypt)
{
    if (*place != NULL)
        return *place;
    EVP_CIPHER_CTX *made = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *cipher = aead->cipher == AEAD_AES256_GCM ? EVP_aes_256_gcm() : EVP_chacha20_poly1305();
    if (made != NULL && EVP_CipherInit_ex(made, cipher, NULL, aead->key, NULL, encrypt) != 1) {
        EVP_CIPHER_CTX_free(made);
        made = NULL;
    }
    *place = made;
    return made;
}

static bool begin(EVP_CIPHER_CTX *context, uint64_t counter, const uint8_t *ad, size_t ad_size, int encrypt)
{
    uint8_t nonce[NONCE_SIZE];
    int done;
    make_nonce(counter, nonce);
    return context != NULL && EVP_CipherInit_ex(context, NULL, NULL, NULL, nonce, encrypt) == 1 &&
           (ad_size == 0 || EVP_CipherUpdate(context, NULL, &done, ad, (int)ad_size) == 1);
}

static bool run(EVP_CIPHER_CTX *context, const uint8_t *in, size_t size, uint8_t *out)
{
    int done;
    return size == 0 || EVP_CipherUpdate(context, out, &done, in, (int)size) == 1;
}

void aead_seal(struct aead *aead, uint64_t counter, const uint8_t *ad, size_t ad_size, const uint8_t *in,
               size_t size, uint8_t *out)
{
    uint8_t nothing[16]; /* stream ciphers end without a block */
    int done;
    EVP_CIPHER_CTX *context = take(aead, &aead->seal, 1);
    bool good = begin(context, counter, ad, ad_size, 1) && run(context, in, size, out) &&
                EVP_CipherFinal_ex(context, nothing, &done) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_SIZE, out + size) == 1;
    if (!good)
        memset(out, 0, size + AEAD_TAG_SIZE); /* out of memory: opens nowhere, and nothing plain goes out */
}

bool aead_open(struct aead *aead, uint64_t counter, const uint8_t *ad, size_t ad_size, const uint8_t *in,
               size_t size, uint8_t *out)
{
    uint8_t nothing[16], tag[AEAD_TAG_SIZE];
    int done;
    if (size < AEAD_TAG_SIZE)
        return false;
    size -= AEAD_TAG_SIZE;
    memcpy(tag, in + size, sizeof(tag));
    EVP_CIPHER_CTX *context = take(aead, &aead->open, 0);
    return begin(context, counter, ad, ad_size, 0) && run(context, in, size, out) &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_SIZE, tag) == 1 &&
           EVP_CipherFinal_ex(context, nothing, &done) == 1;
}
