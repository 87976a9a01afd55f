/* SPDX-License-Identifier: MIT */
/* Our own authentication from fixed keys and nonces, on both sides, and all that docs/protocol.md ("Keys",
 * "Records") derives from it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire/handshake.h"
#include "protocol/wire/record_seal.h"
#include "tests/unit/wire/fixed_random.h"
#include "tests/unit/wire/handshake_vectors.h"

#define HELLO_MAX 1024
#define PLAIN_MAX 256

struct play {
    const json_t *vector;
    struct secret_pool *secrets;
    uint8_t hello[HELLO_MAX];
    size_t hello_size;
    uint8_t psk[NOISE_KEY_SIZE];
    struct noise_key_pair bridge_key, agent_key;
    struct handshake *bridge, *agent;
    enum handshake_pattern pattern;
    struct session_keys keys;
};

static void check(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "vector: %s\n", what);
    abort();
}

static void exact_bytes(const struct play *play, const char *name, uint8_t *out, size_t size)
{
    check(vector_bytes(json_object_get(play->vector, name), out, size) == size, name);
}

/* The next bytes that libsodium gives are those of the vector. */
static void queue_random(const struct play *play, const char *name)
{
    uint8_t bytes[32];
    exact_bytes(play, name, bytes, sizeof(bytes));
    fixed_random_queue(bytes, sizeof(bytes));
}

static uint64_t number_of(const json_t *object, const char *name)
{
    const json_t *number = json_object_get(object, name);
    check(json_is_integer(number) && json_integer_value(number) >= 0, name);
    return (uint64_t)json_integer_value(number);
}

static enum handshake_pattern pattern_of(const json_t *vector)
{
    const char *name = json_string_value(json_object_get(vector, "pattern"));
    for (unsigned i = PATTERN_XX; name != NULL && i <= PATTERN_XXPSK3; i++)
        if (strcmp(handshake_pattern_name(i), name) == 0)
            return (enum handshake_pattern)i;
    check(false, "pattern");
    return PATTERN_XX;
}

static struct handshake *create(struct play *play, bool bridge)
{
    struct handshake *handshake;
    const struct handshake_setup setup = {
        .bridge = bridge,
        .pattern = play->pattern,
        .hello = span_of(play->hello, play->hello_size),
        .own = bridge ? &play->bridge_key : &play->agent_key,
        .peer = bridge ? play->agent_key.public_key : NULL,
        .psk = play->psk,
    };
    check(handshake_create(play->secrets, &setup, &handshake) == 0, "create");
    return handshake;
}

static void prepare(struct play *play)
{
    play->pattern = pattern_of(play->vector);
    play->hello_size = vector_bytes(json_object_get(play->vector, "hello"), play->hello, sizeof(play->hello));
    exact_bytes(play, "bridge_static", play->bridge_key.private_key, NOISE_KEY_SIZE);
    exact_bytes(play, "agent_static", play->agent_key.private_key, NOISE_KEY_SIZE);
    if (handshake_pattern_has_psk(play->pattern))
        exact_bytes(play, "psk", play->psk, sizeof(play->psk));
    noise_key_pair_complete(&play->bridge_key);
    noise_key_pair_complete(&play->agent_key);
    play->bridge = create(play, true);
    play->agent = create(play, false);
}

static void add_message(json_t *messages, const struct auth_bytes *message)
{
    json_array_append_new(messages, vector_text(span_of(message->bytes, message->size)));
}

static json_t *authenticate(struct play *play)
{
    bool is_first = handshake_pattern_is_first(play->pattern), heard_compare;
    bool compare = json_is_true(json_object_get(play->vector, "compare"));
    const struct handshake_choice choice = {.version = (uint16_t)number_of(play->vector, "version"),
                                            .cipher = (enum aead_cipher)number_of(play->vector, "cipher")};
    struct handshake_choice heard;
    uint8_t agent_key[NOISE_KEY_SIZE];
    struct auth_bytes message;
    json_t *messages = json_array();
    fixed_random_seed(0);
    if (is_first)
        queue_random(play, "bridge_nonce");
    queue_random(play, "bridge_ephemeral");
    check(handshake_begin(play->bridge, &message) == 0, "message 1");
    add_message(messages, &message);
    check(handshake_meet(play->agent, &message) == 0, "message 1 is taken");
    if (is_first)
        queue_random(play, "agent_nonce");
    queue_random(play, "agent_ephemeral");
    check(handshake_reply(play->agent, &choice, &message) == 0, "message 2");
    add_message(messages, &message);
    check(handshake_read(play->bridge, &message, &heard, agent_key) == 0, "message 2 is taken");
    check(handshake_answer(play->bridge, compare, &message) == 0, "message 3");
    check(heard.version == choice.version && heard.cipher == choice.cipher, "choice");
    add_message(messages, &message);
    check(handshake_conclude(play->agent, &message, &heard_compare) == 0, "message 3 is taken");
    check(heard_compare == (is_first && compare), "compare");
    return messages;
}

static json_t *derive_connections(const struct play *play)
{
    json_t *connections = json_array(), *entry;
    struct session_id session;
    size_t i;
    exact_bytes(play, "session", session.bytes, sizeof(session.bytes));
    json_array_foreach(json_object_get(play->vector, "connections"), i, entry)
    {
        struct connection_keys keys;
        uint8_t proof[PROOF_SIZE];
        uint64_t number = number_of(entry, "number");
        session_keys_of_connection(&play->keys, number, &keys);
        session_keys_prove(&play->keys, &session, number, proof);
        json_array_append_new(
            connections, json_pack("{s:I, s:o, s:o, s:o}", "number", (json_int_t)number, "to_agent",
                                   vector_text(span_of(keys.to_agent, sizeof(keys.to_agent))), "to_bridge",
                                   vector_text(span_of(keys.to_bridge, sizeof(keys.to_bridge))), "proof",
                                   vector_text(span_of(proof, sizeof(proof)))));
    }
    return connections;
}

/* The record at `position` of connection 0, bridge → agent; the ones before it hold one zero byte each. */
static json_t *seal_record(const struct play *play, const json_t *entry)
{
    uint8_t plain[PLAIN_MAX], record[PLAIN_MAX + RECORD_OVERHEAD_SIZE];
    size_t plain_size = vector_bytes(json_object_get(entry, "plain"), plain, sizeof(plain)), size;
    uint64_t position = number_of(entry, "position"), cipher = number_of(entry, "cipher");
    struct connection_keys keys;
    struct record_key *key;
    session_keys_of_connection(&play->keys, 0, &keys);
    check(record_key_create(play->secrets, (enum aead_cipher)cipher, keys.to_agent, &key) == 0, "key");
    for (uint64_t i = 0; i < position; i++)
        check(record_seal(key, (const uint8_t *)"", 1, record, &size) == 0, "earlier record");
    check(record_seal(key, plain, plain_size, record, &size) == 0, "record");
    record_key_destroy(key);
    return json_pack("{s:I, s:I, s:o, s:o}", "cipher", (json_int_t)cipher, "position", (json_int_t)position,
                     "plain", vector_text(span_of(plain, plain_size)), "record",
                     vector_text(span_of(record, size)));
}

static json_t *seal_records(const struct play *play, uint32_t cipher_bits)
{
    json_t *records = json_array(), *entry;
    size_t i;
    json_array_foreach(json_object_get(play->vector, "records"), i, entry)
    {
        bool can = (cipher_bits & (uint32_t)number_of(entry, "cipher")) != 0;
        json_array_append_new(records, can ? seal_record(play, entry) : json_deep_copy(entry));
    }
    return records;
}

json_t *auth_vector_play(const json_t *vector, uint32_t cipher_bits)
{
    struct play play = {.vector = vector, .secrets = secret_pool_create()};
    check(play.secrets != NULL, "memory");
    prepare(&play);
    json_t *result = json_deep_copy(vector);
    json_object_set_new(result, "messages", authenticate(&play));
    struct session_keys agent_keys;
    handshake_keys(play.bridge, &play.keys);
    handshake_keys(play.agent, &agent_keys);
    check(memcmp(play.keys.master, agent_keys.master, sizeof(agent_keys.master)) == 0, "one master key");
    check(memcmp(play.keys.peer, play.agent_key.public_key, NOISE_KEY_SIZE) == 0, "the agent's key");
    check(memcmp(agent_keys.peer, play.bridge_key.public_key, NOISE_KEY_SIZE) == 0, "the bridge's key");
    json_object_set_new(result, "master", vector_text(span_of(play.keys.master, sizeof(play.keys.master))));
    char code[HANDSHAKE_CODE_DIGITS + 1], other_code[HANDSHAKE_CODE_DIGITS + 1];
    if (handshake_code(play.bridge, code)) {
        check(handshake_code(play.agent, other_code) && strcmp(code, other_code) == 0, "one code");
        json_object_set_new(result, "code", json_string(code));
    }
    json_object_set_new(result, "connections", derive_connections(&play));
    json_object_set_new(result, "records", seal_records(&play, cipher_bits));
    handshake_destroy(play.bridge);
    handshake_destroy(play.agent);
    secret_pool_destroy(play.secrets);
    return result;
}
