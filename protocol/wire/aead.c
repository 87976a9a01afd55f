/* SPDX-License-Identifier: MIT */
/* Which ciphers there are and which is chosen. The ciphers themselves are aead_sodium.c's or
 * aead_openssl.c's: one of them is linked. */
#include "protocol/wire/aead.h"

#include <sodium.h>

/* libsodium's test of the processor holds for OpenSSL, too: it can do AES without, but slower than ChaCha20.
 */
static bool has_aes(void)
{
    return sodium_init() >= 0 && crypto_aead_aes256gcm_is_available() != 0;
}

uint32_t aead_ciphers(void)
{
    return AEAD_CHACHA20_POLY1305 | (has_aes() ? AEAD_AES256_GCM : 0u);
}

enum aead_cipher aead_choose(uint32_t own, uint32_t peer)
{
    uint32_t both = own & peer;
    if ((both & AEAD_AES256_GCM) != 0)
        return AEAD_AES256_GCM;
    return (both & AEAD_CHACHA20_POLY1305) != 0 ? AEAD_CHACHA20_POLY1305 : (enum aead_cipher)0;
}

const char *aead_name(enum aead_cipher cipher)
{
    switch (cipher) {
    case AEAD_CHACHA20_POLY1305:
        return "chacha20-poly1305";
    case AEAD_AES256_GCM:
        return "aes256-gcm";
    }
    return "plain";
}
