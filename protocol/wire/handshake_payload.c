/* SPDX-License-Identifier: MIT */
/* Layouts and formulas of the handshake's payloads. Which of them is due when is handshake.c's. */
#include "protocol/wire/handshake_payload.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "protocol/base/status.h"

#define CODES 1000000

/* Noise's part: 32 for an ephemeral key, 48 for a sealed static one, 16 for the tag of a payload under a key.
 */
static const struct handshake_sizes SIZES[] = {
    [PATTERN_XX] = {.message = {32 + 32, 32 + 48 + 36 + 16, 48 + 33 + 16}, .payload = {32, 36, 33}},
    [PATTERN_IK] = {.message = {32 + 48 + 16, 32 + 4 + 16, 16}, .payload = {0, 4, 0}},
    [PATTERN_IKPSK2] = {.message = {32 + 48 + 16, 32 + 4 + 16, 16}, .payload = {0, 4, 0}},
    [PATTERN_XXPSK3] = {.message = {32 + 32 + 16, 32 + 48 + 36 + 16, 48 + 33 + 16}, .payload = {32, 36, 33}},
};

const struct handshake_sizes *handshake_sizes_of(enum handshake_pattern pattern)
{
    if ((size_t)pattern >= sizeof(SIZES) / sizeof(SIZES[0]) || SIZES[pattern].message[0] == 0)
        return NULL;
    return &SIZES[pattern];
}

void handshake_commit(const uint8_t nonce[static HANDSHAKE_NONCE_SIZE],
                      const uint8_t public_key[static NOISE_KEY_SIZE],
                      uint8_t ret[static HANDSHAKE_COMMITMENT_SIZE])
{
    static const char LABEL[] = "Hospes commit";
    crypto_generichash_state state;
    crypto_generichash_init(&state, nonce, HANDSHAKE_NONCE_SIZE, HANDSHAKE_COMMITMENT_SIZE);
    crypto_generichash_update(&state, (const uint8_t *)LABEL, sizeof(LABEL) - 1);
    crypto_generichash_update(&state, public_key, NOISE_KEY_SIZE);
    crypto_generichash_final(&state, ret, HANDSHAKE_COMMITMENT_SIZE);
    sodium_memzero(&state, sizeof(state));
}

void handshake_choice_encode(const struct handshake_choice *choice, uint8_t ret[static HANDSHAKE_CHOICE_SIZE])
{
    ret[0] = (uint8_t)(choice->version >> 8);
    ret[1] = (uint8_t)choice->version;
    ret[2] = (uint8_t)choice->cipher;
    ret[3] = 0;
}

int handshake_choice_decode(const uint8_t bytes[static HANDSHAKE_CHOICE_SIZE], struct handshake_choice *ret)
{
    uint16_t version = (uint16_t)(bytes[0] << 8 | bytes[1]);
    if (bytes[3] != 0)
        return STATUS_MALFORMED;
    if (version == 0 || (bytes[2] != 0 && bytes[2] != AEAD_CHACHA20_POLY1305 && bytes[2] != AEAD_AES256_GCM))
        return STATUS_AUTHENTICATION_FAILED;
    *ret = (struct handshake_choice){.version = version, .cipher = (enum aead_cipher)bytes[2]};
    return 0;
}

void handshake_confirm_make(const struct noise *noise, uint8_t ret[static HANDSHAKE_CONFIRM_SIZE])
{
    static const uint8_t NONCE[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];
    uint8_t first[NOISE_KEY_SIZE], second[NOISE_KEY_SIZE];
    noise_split(noise, first, second);
    crypto_aead_chacha20poly1305_ietf_encrypt(ret, NULL, NULL, 0, NULL, 0, NULL, NONCE, first);
    sodium_memzero(first, sizeof(first));
    sodium_memzero(second, sizeof(second));
}

bool handshake_confirm_check(const struct noise *noise, const uint8_t confirm[static HANDSHAKE_CONFIRM_SIZE])
{
    uint8_t expected[HANDSHAKE_CONFIRM_SIZE];
    handshake_confirm_make(noise, expected);
    return sodium_memcmp(expected, confirm, sizeof(expected)) == 0;
}

void handshake_code_make(const uint8_t master[static 32],
                         const uint8_t bridge_nonce[static HANDSHAKE_NONCE_SIZE],
                         const uint8_t agent_nonce[static HANDSHAKE_NONCE_SIZE],
                         char ret[static HANDSHAKE_CODE_DIGITS + 1])
{
    static const char LABEL[] = "Hospes code";
    uint8_t hash[32];
    crypto_generichash_state state;
    crypto_generichash_init(&state, master, 32, sizeof(hash));
    crypto_generichash_update(&state, (const uint8_t *)LABEL, sizeof(LABEL) - 1);
    crypto_generichash_update(&state, bridge_nonce, HANDSHAKE_NONCE_SIZE);
    crypto_generichash_update(&state, agent_nonce, HANDSHAKE_NONCE_SIZE);
    crypto_generichash_final(&state, hash, sizeof(hash));
    uint64_t number = 0;
    for (size_t i = 0; i < sizeof(number); i++)
        number = number << 8 | hash[i];
    snprintf(ret, HANDSHAKE_CODE_DIGITS + 1, "%0*u", HANDSHAKE_CODE_DIGITS, (unsigned)(number % CODES));
    sodium_memzero(&state, sizeof(state));
    sodium_memzero(hash, sizeof(hash));
}
