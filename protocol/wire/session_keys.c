/* SPDX-License-Identifier: MIT */
/* The table of docs/protocol.md, "Keys", but for the code (handshake_payload.c) and the ratchet
 * (record_seal.c), and the window of connection numbers. Who may use a key, and when, is the session's
 * affair. */
#include "protocol/wire/session_keys.h"

#include <sodium.h>
#include <string.h>

#define NUMBER_SIZE 8

/* B(ret_size, master, label ‖ middle ‖ u64 number) */
static void derive(const struct session_keys *keys, const char *label, struct span middle, uint64_t number,
                   uint8_t *ret, size_t ret_size)
{
    uint8_t last[NUMBER_SIZE];
    for (size_t i = 0; i < NUMBER_SIZE; i++)
        last[i] = (uint8_t)(number >> (8 * (NUMBER_SIZE - 1 - i)));
    crypto_generichash_state state;
    crypto_generichash_init(&state, keys->master, sizeof(keys->master), ret_size);
    crypto_generichash_update(&state, (const uint8_t *)label, strlen(label));
    crypto_generichash_update(&state, middle.data, middle.size);
    crypto_generichash_update(&state, last, sizeof(last));
    crypto_generichash_final(&state, ret, ret_size);
    sodium_memzero(&state, sizeof(state));
}

void session_keys_derive(struct session_keys *ret, const struct noise *noise, enum aead_cipher cipher)
{
    static const char LABEL[] = "Hospes session";
    uint8_t both[2 * NOISE_KEY_SIZE], hash[NOISE_HASH_SIZE];
    noise_split(noise, both, both + NOISE_KEY_SIZE);
    noise_hash(noise, hash);
    crypto_generichash_state state;
    crypto_generichash_init(&state, both, sizeof(both), sizeof(ret->master));
    crypto_generichash_update(&state, (const uint8_t *)LABEL, sizeof(LABEL) - 1);
    crypto_generichash_update(&state, hash, sizeof(hash));
    crypto_generichash_final(&state, ret->master, sizeof(ret->master));
    memset(ret->peer, 0, sizeof(ret->peer));
    noise_peer_key(noise, ret->peer);
    ret->cipher = cipher;
    sodium_memzero(&state, sizeof(state));
    sodium_memzero(both, sizeof(both));
}

void session_keys_wipe(struct session_keys *keys)
{
    sodium_memzero(keys, sizeof(*keys));
}

void session_keys_of_connection(const struct session_keys *keys, uint64_t number, struct connection_keys *ret)
{
    uint8_t both[2 * AEAD_KEY_SIZE];
    derive(keys, "Hospes connection", span_of(NULL, 0), number, both, sizeof(both));
    memcpy(ret->to_agent, both, AEAD_KEY_SIZE);
    memcpy(ret->to_bridge, both + AEAD_KEY_SIZE, AEAD_KEY_SIZE);
    sodium_memzero(both, sizeof(both));
}

void session_keys_of_files(const struct session_keys *keys, uint64_t number, struct files_keys *ret)
{
    uint8_t both[AEAD_KEY_SIZE + FILES_DIGEST_SIZE];
    derive(keys, "Hospes files", span_of(NULL, 0), number, both, sizeof(both));
    memcpy(ret->check, both, sizeof(ret->check));
    memcpy(ret->digest, both + sizeof(ret->check), sizeof(ret->digest));
    sodium_memzero(both, sizeof(both));
}

void session_keys_prove(const struct session_keys *keys, const struct session_id *session, uint64_t number,
                        uint8_t ret_proof[static PROOF_SIZE])
{
    derive(keys, "Hospes proof", span_of(session->bytes, sizeof(session->bytes)), number, ret_proof,
           PROOF_SIZE);
}

bool session_keys_check(const struct session_keys *keys, const struct session_id *session, uint64_t number,
                        const uint8_t proof[static PROOF_SIZE])
{
    uint8_t expected[PROOF_SIZE];
    session_keys_prove(keys, session, number, expected);
    bool is_equal = sodium_memcmp(expected, proof, PROOF_SIZE) == 0;
    sodium_memzero(expected, sizeof(expected));
    return is_equal;
}

static uint8_t *window_byte(struct connection_window *window, uint64_t number, uint8_t *ret_bit)
{
    *ret_bit = (uint8_t)(1u << (number % 8));
    return &window->seen[number % CONNECTION_WINDOW / 8];
}

/* Numbers above the highest up to this one come into the window, unseen: their places still tell of old ones.
 */
static void window_advance(struct connection_window *window, uint64_t number)
{
    if (number - window->highest >= CONNECTION_WINDOW) {
        memset(window->seen, 0, sizeof(window->seen));
        window->highest = number;
        return;
    }
    while (window->highest != number) {
        uint8_t bit;
        uint8_t *byte = window_byte(window, ++window->highest, &bit);
        *byte &= (uint8_t)~bit;
    }
}

bool connection_window_take(struct connection_window *window, uint64_t number)
{
    if (number == 0)
        return false;
    if (number > window->highest)
        window_advance(window, number);
    else if (window->highest - number >= CONNECTION_WINDOW)
        return false;
    uint8_t bit;
    uint8_t *byte = window_byte(window, number, &bit);
    if ((*byte & bit) != 0)
        return false;
    *byte |= bit;
    return true;
}

void connection_keys_wipe(struct connection_keys *keys)
{
    sodium_memzero(keys, sizeof(*keys));
}

void files_keys_wipe(struct files_keys *keys)
{
    sodium_memzero(keys, sizeof(*keys));
}
