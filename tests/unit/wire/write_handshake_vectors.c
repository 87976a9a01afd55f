/* SPDX-License-Identifier: MIT */
/* Writes the fixed vectors of tests/vectors/handshake: write_handshake_vectors DIRECTORY. Keys and payloads
 * are a function of the vector's name, so that the same program writes the same files. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire/aead.h"
#include "protocol/wire/limits.h"
#include "protocol/wire/noise.h"
#include "tests/unit/wire/fixed_random.h"
#include "tests/unit/wire/handshake_vectors.h"

#define PSKS_MAX 4 /* psk0 … psk3 */

/* 32 bytes, or fewer, that belong to these two names. */
static json_t *named_bytes(const char *vector, const char *name, size_t size)
{
    uint8_t bytes[32];
    crypto_generichash(bytes, sizeof(bytes), (const uint8_t *)name, strlen(name), (const uint8_t *)vector,
                       strlen(vector));
    return vector_text(span_of(bytes, size));
}

static json_t *public_key_of(const json_t *private_key)
{
    struct noise_key_pair pair;
    vector_bytes(private_key, pair.private_key, sizeof(pair.private_key));
    noise_key_pair_complete(&pair);
    return vector_text(span_of(pair.public_key, sizeof(pair.public_key)));
}

static void write_file(const char *directory, const char *name, json_t *vectors)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s.json", directory, name);
    json_t *file = json_pack("{s:o}", "vectors", vectors);
    FILE *out = fopen(path, "w");
    if (out == NULL || json_dumpf(file, out, JSON_INDENT(1)) != 0 || fputc('\n', out) == EOF ||
        fclose(out) != 0) {
        perror(path);
        exit(1);
    }
    json_decref(file);
}

static void add_noise_keys(json_t *vector, const char *name, const char *base, bool has_psk)
{
    static const char *const SIDES[] = {"init", "resp"};
    json_t *statics[2];
    for (size_t i = 0; i < 2; i++) {
        char member[64];
        snprintf(member, sizeof(member), "%s_prologue", SIDES[i]);
        json_object_set_new(vector, member, named_bytes(name, "prologue", 16));
        snprintf(member, sizeof(member), "%s_ephemeral", SIDES[i]);
        json_object_set_new(vector, member, named_bytes(name, member, 32));
        snprintf(member, sizeof(member), "%s_static", SIDES[i]);
        statics[i] = named_bytes(name, member, 32);
        if (strcmp(base, "NN") != 0)
            json_object_set(vector, member, statics[i]);
        snprintf(member, sizeof(member), "%s_psks", SIDES[i]);
        if (has_psk)
            json_object_set_new(vector, member, json_pack("[o]", named_bytes(name, "psk", 32)));
    }
    if (base[1] == 'K')
        json_object_set_new(vector, "init_remote_static", public_key_of(statics[1]));
    if (strcmp(base, "KK") == 0)
        json_object_set_new(vector, "resp_remote_static", public_key_of(statics[0]));
    json_decref(statics[0]);
    json_decref(statics[1]);
}

/* One for each set of psk modifiers that the pattern can have: bit N of `psks` is pskN. */
static json_t *make_noise_vector(const char *base, unsigned psks)
{
    char pattern[32], name[80];
    size_t length = (size_t)snprintf(pattern, sizeof(pattern), "%s", base);
    for (unsigned i = 0; i < PSKS_MAX; i++)
        if ((psks >> i & 1u) != 0)
            length += (size_t)snprintf(pattern + length, sizeof(pattern) - length, "%spsk%u",
                                       length > 2 ? "+" : "", i);
    snprintf(name, sizeof(name), "Noise_%s_25519_ChaChaPoly_BLAKE2b", pattern);
    json_t *vector = json_pack("{s:s}", "protocol_name", name), *messages = json_array();
    add_noise_keys(vector, pattern, base, psks != 0);
    for (size_t i = 0; i < 6; i++) { /* the second payload is empty */
        char label[16];
        snprintf(label, sizeof(label), "payload %zu", i);
        json_array_append_new(
            messages, json_pack("{s:o}", "payload", named_bytes(pattern, label, i == 1 ? 0 : 10 + i)));
    }
    json_object_set_new(vector, "messages", messages);
    json_t *played = noise_vector_play(vector);
    json_object_update(vector, played);
    json_decref(played);
    return vector;
}

static void write_noise(const char *directory)
{
    static const struct {
        const char *base;
        unsigned messages;
    } BASES[] = {{"NN", 2}, {"XX", 3}, {"IK", 2}, {"KK", 2}};
    json_t *vectors = json_array();
    for (size_t i = 0; i < sizeof(BASES) / sizeof(BASES[0]); i++)
        for (unsigned psks = 0; psks < 1u << (BASES[i].messages + 1); psks++)
            json_array_append_new(vectors, make_noise_vector(BASES[i].base, psks));
    write_file(directory, "noise", vectors);
}

static json_t *make_auth_vector(const char *pattern, bool is_first, bool has_psk, bool crosses_ratchet)
{
    static const char *const KEYS[] = {"hello", "bridge_static", "bridge_ephemeral", "agent_static",
                                       "agent_ephemeral"};
    json_t *vector = json_pack("{s:s, s:i, s:i, s:b}", "pattern", pattern, "version", PROTOCOL_VERSION,
                               "cipher", is_first ? AEAD_AES256_GCM : 0, "compare", has_psk);
    for (size_t i = 0; i < sizeof(KEYS) / sizeof(KEYS[0]); i++)
        json_object_set_new(vector, KEYS[i], named_bytes(pattern, KEYS[i], 32));
    if (is_first) {
        json_object_set_new(vector, "bridge_nonce", named_bytes(pattern, "bridge_nonce", 32));
        json_object_set_new(vector, "agent_nonce", named_bytes(pattern, "agent_nonce", 32));
    }
    if (has_psk)
        json_object_set_new(vector, "psk", named_bytes(pattern, "psk", 32));
    json_object_set_new(vector, "session", named_bytes(pattern, "session", SESSION_ID_SIZE));
    json_object_set_new(vector, "connections",
                        json_pack("[{s:i}, {s:i}, {s:I}]", "number", 0, "number", 1, "number",
                                  (json_int_t)0x0102030405060708));
    json_t *records = json_array();
    for (int cipher = 1; cipher <= 2; cipher++)
        for (size_t i = 0; i < (crosses_ratchet ? 4 : 2); i++) {
            static const json_int_t POSITIONS[] = {0, 1, RECORDS_A_KEY - 1, RECORDS_A_KEY};
            json_array_append_new(records,
                                  json_pack("{s:i, s:I, s:o}", "cipher", cipher, "position", POSITIONS[i],
                                            "plain", named_bytes(pattern, "plain", i == 0 ? 1 : 31)));
        }
    json_object_set_new(vector, "records", records);
    json_t *played = auth_vector_play(vector, AEAD_CHACHA20_POLY1305 | AEAD_AES256_GCM);
    json_decref(vector);
    return played;
}

static void write_auth(const char *directory)
{
    json_t *vectors = json_array();
    json_array_append_new(vectors, make_auth_vector("XX", true, false, true));
    json_array_append_new(vectors, make_auth_vector("IK", false, false, false));
    json_array_append_new(vectors, make_auth_vector("IKpsk2", false, true, false));
    json_array_append_new(vectors, make_auth_vector("XXpsk3", true, true, false));
    write_file(directory, "auth", vectors);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: write_handshake_vectors DIRECTORY\n");
        return 2;
    }
    fixed_random_install();
    if ((aead_ciphers() & AEAD_AES256_GCM) == 0) {
        fprintf(stderr, "write_handshake_vectors: this processor has no AES instructions\n");
        return 1;
    }
    write_noise(argv[1]);
    write_auth(argv[1]);
    return 0;
}
