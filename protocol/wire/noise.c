/* SPDX-License-Identifier: MIT */
/* Noise's HandshakeState: works off the pattern's tokens, one message after another.
 *
 * Theory of operation. `message` counts both sides' messages: the initiator writes the even ones. A message
 * is written into, or its payload opened into, the caller's buffer, whose room is taken before the first
 * token, so that nothing has to be undone. The first failure wipes everything; such a handshake is neither
 * finished nor anybody's turn. After the last message only the chaining key, the hash and the other side's
 * public key are left.
 *
 * An ephemeral key is made when its token is written, from a caller's one only for test vectors. */
#include "protocol/wire/noise.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "protocol/wire/noise_pattern.h"
#include "protocol/wire/noise_symmetric.h"
#include "protocol/wire/secret.h"

struct noise {
    struct noise_symmetric symmetric;
    struct noise_key_pair own;
    struct noise_key_pair ephemeral;
    uint8_t peer[NOISE_KEY_SIZE];
    uint8_t peer_ephemeral[NOISE_KEY_SIZE];
    uint8_t psk[NOISE_KEY_SIZE];
    struct noise_pattern pattern;
    uint8_t message; /* number of the next one */
    bool initiator;
    bool has_peer;      /* `peer` is known */
    bool has_ephemeral; /* given by the caller */
    bool is_spent;
    bool met_zero; /* why it is spent */
};

_Static_assert(sizeof(struct noise) <= SECRET_SIZE_MAX, "fits the largest secret");

size_t noise_size(void)
{
    return sizeof(struct noise);
}

void noise_key_pair_make(struct noise_key_pair *ret)
{
    randombytes_buf(ret->private_key, sizeof(ret->private_key));
    noise_key_pair_complete(ret);
}

void noise_key_pair_complete(struct noise_key_pair *pair)
{
    crypto_scalarmult_base(pair->public_key, pair->private_key);
}

/* Static keys that are known before the first message count as said: the initiator's first. */
static void mix_known_keys(struct noise *noise)
{
    struct span own = span_of(noise->own.public_key, NOISE_KEY_SIZE);
    struct span peer = span_of(noise->peer, NOISE_KEY_SIZE);
    if (noise->pattern.initiator_is_known)
        noise_symmetric_mix_hash(&noise->symmetric, noise->initiator ? own : peer);
    if (noise->pattern.responder_is_known)
        noise_symmetric_mix_hash(&noise->symmetric, noise->initiator ? peer : own);
}

int noise_init(struct noise *noise, const struct noise_setup *setup)
{
    struct noise_pattern pattern;
    int status = noise_pattern_parse(setup->pattern, &pattern);
    if (status < 0)
        return status;
    bool knows_peer = setup->initiator ? pattern.responder_is_known : pattern.initiator_is_known;
    assert(!pattern.has_static || setup->own != NULL);
    assert(!knows_peer || setup->peer != NULL);
    assert(!pattern.has_psk || setup->psk != NULL);
    memset(noise, 0, sizeof(*noise));
    noise->pattern = pattern;
    noise->initiator = setup->initiator;
    noise->has_peer = knows_peer;
    if (pattern.has_static)
        noise->own = *setup->own;
    if (knows_peer)
        memcpy(noise->peer, setup->peer, NOISE_KEY_SIZE);
    if (pattern.has_psk)
        memcpy(noise->psk, setup->psk, NOISE_KEY_SIZE);
    if (setup->ephemeral != NULL) {
        noise->ephemeral = *setup->ephemeral;
        noise->has_ephemeral = true;
    }
    char name[NOISE_HASH_SIZE + 1];
    snprintf(name, sizeof(name), "Noise_%.*s_25519_ChaChaPoly_BLAKE2b", NOISE_PATTERN_NAME_MAX,
             setup->pattern);
    noise_symmetric_init(&noise->symmetric, name);
    noise_symmetric_mix_hash(&noise->symmetric, setup->prologue);
    mix_known_keys(noise);
    return 0;
}

void noise_wipe(struct noise *noise)
{
    sodium_memzero(noise, sizeof(*noise));
    noise->is_spent = true;
}

bool noise_is_finished(const struct noise *noise)
{
    return !noise->is_spent && noise->message == noise->pattern.message_count;
}

bool noise_must_write(const struct noise *noise)
{
    return !noise->is_spent && !noise_is_finished(noise) && (noise->message % 2 == 0) == noise->initiator;
}

static int spend(struct noise *noise, int status)
{
    bool met_zero = noise->met_zero;
    noise_wipe(noise);
    noise->met_zero = met_zero;
    return status;
}

bool noise_met_zero(const struct noise *noise)
{
    return noise->met_zero;
}

static void end_message(struct noise *noise)
{
    noise->message++;
    if (!noise_is_finished(noise))
        return;
    sodium_memzero(&noise->own, sizeof(noise->own));
    sodium_memzero(&noise->ephemeral, sizeof(noise->ephemeral));
    sodium_memzero(noise->psk, sizeof(noise->psk));
}

/* What the next message has beside its payload's bytes. */
static size_t message_overhead(const struct noise *noise)
{
    size_t size = 0;
    bool has_key = noise->symmetric.has_key;
    for (const uint8_t *token = noise->pattern.tokens[noise->message]; *token != TOKEN_END; token++) {
        if (*token == TOKEN_E)
            size += NOISE_KEY_SIZE;
        else if (*token == TOKEN_S)
            size += NOISE_KEY_SIZE + (has_key ? NOISE_TAG_SIZE : 0);
        if (*token == TOKEN_E ? noise->pattern.has_psk : *token != TOKEN_S)
            has_key = true;
    }
    return size + (has_key ? NOISE_TAG_SIZE : 0);
}

/* Tokens that put nothing into the message: DH results and the psk. */
static int mix_token(struct noise *noise, uint8_t token)
{
    if (token == TOKEN_PSK) {
        noise_symmetric_mix_psk(&noise->symmetric, noise->psk);
        return 0;
    }
    /* In a token's name the initiator's key comes first. */
    bool own_is_static = token == TOKEN_SS || token == (noise->initiator ? TOKEN_SE : TOKEN_ES);
    bool peer_is_static = token == TOKEN_SS || token == (noise->initiator ? TOKEN_ES : TOKEN_SE);
    uint8_t shared[NOISE_KEY_SIZE];
    const struct noise_key_pair *own = own_is_static ? &noise->own : &noise->ephemeral;
    if (crypto_scalarmult(shared, own->private_key, peer_is_static ? noise->peer : noise->peer_ephemeral) !=
        0) {
        noise->met_zero = true;
        return STATUS_AUTHENTICATION_FAILED;
    }
    noise_symmetric_mix_key(&noise->symmetric, shared);
    sodium_memzero(shared, sizeof(shared));
    return 0;
}

static void mix_ephemeral(struct noise *noise, const uint8_t public_key[static NOISE_KEY_SIZE])
{
    noise_symmetric_mix_hash(&noise->symmetric, span_of(public_key, NOISE_KEY_SIZE));
    if (noise->pattern.has_psk)
        noise_symmetric_mix_key(&noise->symmetric, public_key);
}

/* *tail moves behind what was written. */
static int write_token(struct noise *noise, uint8_t token, uint8_t **tail)
{
    switch (token) {
    case TOKEN_E:
        if (!noise->has_ephemeral)
            noise_key_pair_make(&noise->ephemeral);
        memcpy(*tail, noise->ephemeral.public_key, NOISE_KEY_SIZE);
        mix_ephemeral(noise, *tail);
        *tail += NOISE_KEY_SIZE;
        return 0;
    case TOKEN_S: {
        size_t size = NOISE_KEY_SIZE + noise_symmetric_overhead(&noise->symmetric);
        noise_symmetric_seal(&noise->symmetric, span_of(noise->own.public_key, NOISE_KEY_SIZE), *tail);
        *tail += size;
        return 0;
    }
    default:
        return mix_token(noise, token);
    }
}

int noise_write(struct noise *noise, struct span payload, struct buffer *out)
{
    assert(noise_must_write(noise));
    size_t overhead = message_overhead(noise);
    uint8_t *tail;
    if (payload.size > NOISE_MESSAGE_MAX - overhead)
        return spend(noise, UV_ENOBUFS);
    int status = buffer_reserve(out, overhead + payload.size, &tail);
    if (status < 0)
        return spend(noise, status);
    for (const uint8_t *token = noise->pattern.tokens[noise->message]; *token != TOKEN_END; token++) {
        status = write_token(noise, *token, &tail);
        if (status < 0)
            return spend(noise, status);
    }
    noise_symmetric_seal(&noise->symmetric, payload, tail);
    buffer_commit(out, overhead + payload.size);
    end_message(noise);
    return 0;
}

/* *rest moves behind what was read; it is long enough. */
static int read_token(struct noise *noise, uint8_t token, struct span *rest)
{
    size_t size = NOISE_KEY_SIZE;
    switch (token) {
    case TOKEN_E:
        memcpy(noise->peer_ephemeral, rest->data, NOISE_KEY_SIZE);
        mix_ephemeral(noise, noise->peer_ephemeral);
        break;
    case TOKEN_S:
        size += noise_symmetric_overhead(&noise->symmetric);
        if (!noise_symmetric_open(&noise->symmetric, span_of(rest->data, size), noise->peer))
            return STATUS_AUTHENTICATION_FAILED;
        noise->has_peer = true;
        break;
    default:
        return mix_token(noise, token);
    }
    *rest = span_of(rest->data + size, rest->size - size);
    return 0;
}

int noise_read(struct noise *noise, struct span message, struct buffer *out)
{
    assert(!noise->is_spent && !noise_is_finished(noise) && !noise_must_write(noise));
    size_t overhead = message_overhead(noise);
    if (message.size < overhead || message.size > NOISE_MESSAGE_MAX)
        return spend(noise, STATUS_MALFORMED);
    uint8_t *tail;
    int status = buffer_reserve(out, message.size - overhead, &tail);
    if (status < 0)
        return spend(noise, status);
    struct span rest = message;
    for (const uint8_t *token = noise->pattern.tokens[noise->message]; *token != TOKEN_END; token++) {
        status = read_token(noise, *token, &rest);
        if (status < 0)
            return spend(noise, status);
    }
    if (!noise_symmetric_open(&noise->symmetric, rest, tail))
        return spend(noise, STATUS_AUTHENTICATION_FAILED);
    buffer_commit(out, message.size - overhead);
    end_message(noise);
    return 0;
}

bool noise_peer_key(const struct noise *noise, uint8_t ret[static NOISE_KEY_SIZE])
{
    if (!noise->has_peer)
        return false;
    memcpy(ret, noise->peer, NOISE_KEY_SIZE);
    return true;
}

void noise_hash(const struct noise *noise, uint8_t ret[static NOISE_HASH_SIZE])
{
    memcpy(ret, noise->symmetric.hash, NOISE_HASH_SIZE);
}

void noise_split(const struct noise *noise, uint8_t ret_first[static NOISE_KEY_SIZE],
                 uint8_t ret_second[static NOISE_KEY_SIZE])
{
    assert(noise_is_finished(noise));
    noise_symmetric_split(&noise->symmetric, ret_first, ret_second);
}
