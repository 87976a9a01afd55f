/* SPDX-License-Identifier: MIT */
/* Noise vectors: both sides of a handshake with fixed keys, then transport messages in turn. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire/noise.h"
#include "protocol/wire/secret.h"
#include "tests/unit/wire/handshake_vectors.h"

#define TEXT_MAX 4096

struct player {
    struct noise *noise;
    uint8_t send_key[NOISE_KEY_SIZE], receive_key[NOISE_KEY_SIZE];
    uint64_t sent, received;
};

static void check(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "vector: %s\n", what);
    abort();
}

size_t vector_bytes(const json_t *text, uint8_t *out, size_t capacity)
{
    size_t size = 0;
    if (text == NULL)
        return 0;
    check(json_is_string(text), "not text");
    check(sodium_hex2bin(out, capacity, json_string_value(text), json_string_length(text), NULL, &size,
                         NULL) == 0,
          "not hexadecimal, or too long");
    check(size * 2 == json_string_length(text), "odd digits");
    return size;
}

json_t *vector_text(struct span bytes)
{
    char *text = malloc(bytes.size * 2 + 1);
    check(text != NULL, "memory");
    sodium_bin2hex(text, bytes.size * 2 + 1, bytes.data, bytes.size);
    json_t *json = json_string(text);
    free(text);
    return json;
}

/* NULL when the vector has none. */
static const uint8_t *key_of(const json_t *vector, const char *side, const char *name, uint8_t *out)
{
    char member[64];
    snprintf(member, sizeof(member), "%s_%s", side, name);
    size_t size = vector_bytes(json_object_get(vector, member), out, NOISE_KEY_SIZE);
    check(size == 0 || size == NOISE_KEY_SIZE, member);
    return size == 0 ? NULL : out;
}

static bool key_pair_of(const json_t *vector, const char *side, const char *name, struct noise_key_pair *ret)
{
    if (key_of(vector, side, name, ret->private_key) == NULL)
        return false;
    noise_key_pair_complete(ret);
    return true;
}

static const uint8_t *psk_of(const json_t *vector, const char *side, uint8_t *out)
{
    char member[64];
    snprintf(member, sizeof(member), "%s_psks", side);
    const json_t *psks = json_object_get(vector, member);
    if (json_array_size(psks) == 0)
        return NULL;
    check(json_array_size(psks) == 1, "more than one psk");
    check(vector_bytes(json_array_get(psks, 0), out, NOISE_KEY_SIZE) == NOISE_KEY_SIZE, member);
    return out;
}

static void start(struct player *player, const json_t *vector, bool initiator)
{
    const char *side = initiator ? "init" : "resp";
    char pattern[32], member[64];
    uint8_t peer[NOISE_KEY_SIZE], psk[NOISE_KEY_SIZE], prologue[TEXT_MAX];
    struct noise_key_pair own, ephemeral;
    check(sscanf(json_string_value(json_object_get(vector, "protocol_name")),
                 "Noise_%31[^_]_25519_ChaChaPoly_BLAKE2b", pattern) == 1,
          "protocol_name");
    snprintf(member, sizeof(member), "%s_prologue", side);
    size_t prologue_size = vector_bytes(json_object_get(vector, member), prologue, sizeof(prologue));
    bool has_own = key_pair_of(vector, side, "static", &own);
    check(key_pair_of(vector, side, "ephemeral", &ephemeral), "no ephemeral key");
    const struct noise_setup setup = {
        .pattern = pattern,
        .initiator = initiator,
        .prologue = span_of(prologue, prologue_size),
        .own = has_own ? &own : NULL,
        .ephemeral = &ephemeral,
        .peer = key_of(vector, side, "remote_static", peer),
        .psk = psk_of(vector, side, psk),
    };
    check(noise_init(player->noise, &setup) == 0, "pattern");
    player->sent = player->received = 0;
}

static void make_nonce(uint64_t number, uint8_t ret[static 12])
{
    memset(ret, 0, 12);
    for (size_t i = 0; i < 8; i++)
        ret[4 + i] = (uint8_t)(number >> (8 * i));
}

static void transport_keys(struct player *initiator, struct player *responder)
{
    uint8_t first[NOISE_KEY_SIZE], second[NOISE_KEY_SIZE];
    noise_split(initiator->noise, initiator->send_key, initiator->receive_key);
    noise_split(responder->noise, responder->receive_key, responder->send_key);
    noise_split(initiator->noise, first, second);
    check(memcmp(first, initiator->send_key, sizeof(first)) == 0, "a second split gives the same");
    check(memcmp(first, responder->receive_key, sizeof(first)) == 0, "both sides have the first key");
    check(memcmp(second, responder->send_key, sizeof(second)) == 0, "both sides have the second key");
}

static void say(struct player *player, struct span payload, struct buffer *out)
{
    if (!noise_is_finished(player->noise)) {
        check(noise_must_write(player->noise), "turn");
        check(noise_write(player->noise, payload, out) == 0, "write");
        return;
    }
    uint8_t nonce[12], *tail;
    check(buffer_reserve(out, payload.size + NOISE_TAG_SIZE, &tail) == 0, "room");
    make_nonce(player->sent++, nonce);
    crypto_aead_chacha20poly1305_ietf_encrypt(tail, NULL, payload.data, payload.size, NULL, 0, NULL, nonce,
                                              player->send_key);
    buffer_commit(out, payload.size + NOISE_TAG_SIZE);
}

static void hear(struct player *player, struct span message, struct buffer *out)
{
    if (!noise_is_finished(player->noise)) {
        check(noise_read(player->noise, message, out) == 0, "read");
        return;
    }
    uint8_t nonce[12], *tail;
    check(message.size >= NOISE_TAG_SIZE, "too short");
    check(buffer_reserve(out, message.size, &tail) == 0, "room");
    make_nonce(player->received++, nonce);
    check(crypto_aead_chacha20poly1305_ietf_decrypt(tail, NULL, NULL, message.data, message.size, NULL, 0,
                                                    nonce, player->receive_key) == 0,
          "transport message does not open");
    buffer_commit(out, message.size - NOISE_TAG_SIZE);
}

/* One message, from one side to the other. */
static json_t *exchange(struct player *from, struct player *to, const json_t *entry)
{
    uint8_t payload[TEXT_MAX], given[TEXT_MAX];
    size_t payload_size = vector_bytes(json_object_get(entry, "payload"), payload, sizeof(payload));
    size_t given_size = vector_bytes(json_object_get(entry, "ciphertext"), given, sizeof(given));
    struct buffer message, heard;
    buffer_init(&message, TEXT_MAX);
    buffer_init(&heard, TEXT_MAX);
    say(from, span_of(payload, payload_size), &message);
    hear(to, given_size > 0 ? span_of(given, given_size) : buffer_span(&message), &heard);
    check(span_equals(buffer_span(&heard), span_of(payload, payload_size)), "another payload was read");
    json_t *result = json_pack("{s:o, s:o}", "payload", vector_text(span_of(payload, payload_size)),
                               "ciphertext", vector_text(buffer_span(&message)));
    buffer_finish(&message);
    buffer_finish(&heard);
    return result;
}

static json_t *play(struct player *initiator, struct player *responder, const json_t *vector)
{
    json_t *messages = json_array(), *entry;
    uint8_t hash[NOISE_HASH_SIZE], other_hash[NOISE_HASH_SIZE];
    bool is_transport = false;
    size_t i;
    json_array_foreach(json_object_get(vector, "messages"), i, entry)
    {
        struct player *from = i % 2 == 0 ? initiator : responder, *to = i % 2 == 0 ? responder : initiator;
        json_array_append_new(messages, exchange(from, to, entry));
        if (is_transport || !noise_is_finished(from->noise))
            continue;
        is_transport = noise_is_finished(to->noise);
        check(is_transport, "both sides finish with the same message");
        transport_keys(initiator, responder);
    }
    check(is_transport, "too few messages");
    noise_hash(initiator->noise, hash);
    noise_hash(responder->noise, other_hash);
    check(memcmp(hash, other_hash, sizeof(hash)) == 0, "both sides have the same hash");
    return json_pack("{s:o, s:o}", "messages", messages, "handshake_hash",
                     vector_text(span_of(hash, sizeof(hash))));
}

json_t *noise_vector_play(const json_t *vector)
{
    struct secret_pool *secrets = secret_pool_create();
    check(secrets != NULL, "memory");
    struct player initiator = {.noise = secret_take(secrets, noise_size())};
    struct player responder = {.noise = secret_take(secrets, noise_size())};
    start(&initiator, vector, true);
    start(&responder, vector, false);
    json_t *result = play(&initiator, &responder, vector);
    secret_release(secrets, initiator.noise, noise_size());
    secret_release(secrets, responder.noise, noise_size());
    secret_pool_destroy(secrets);
    return result;
}
