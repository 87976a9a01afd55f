/* SPDX-License-Identifier: MIT */
/* Sealed records. As a stream of bytes: in one piece and in pieces they must give the same texts and the same
 * end. As texts: what is sealed must come back however it is cut, and with one byte changed nothing may come
 * out from that record on.
 *
 * Input: a byte (bit 0 cipher, bits 1-2 what to do), a byte of piece size, then the stream; or u16 place and
 * value of the change, and texts, each a byte of its size and its bytes. */
#include <stdlib.h>
#include <string.h>

#include "protocol/wire/record_seal.h"

#define STREAM_MAX (16 * 1024)
#define TEXTS_MAX  256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t KEY[AEAD_KEY_SIZE] = {1, 2, 3, 4};
static struct secret_pool *secrets;

struct texts {
    struct span all[TEXTS_MAX];
    size_t begins[TEXTS_MAX + 1]; /* of their records in the stream */
    size_t count;
};

struct outcome {
    uint64_t digest; /* of the texts and their sizes */
    size_t count;
    int status;
    bool at_boundary;
};

static void must(bool condition)
{
    if (!condition)
        abort();
}

static struct record_key *make_key(enum aead_cipher cipher)
{
    struct record_key *key;
    must(record_key_create(secrets, cipher, KEY, &key) == 0);
    return key;
}

static void add(struct outcome *outcome, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        outcome->digest = (outcome->digest ^ bytes[i]) * 1099511628211u;
    outcome->digest = (outcome->digest ^ size) * 1099511628211u;
    outcome->count++;
}

static struct outcome open_stream(enum aead_cipher cipher, struct span stream, size_t piece)
{
    static uint8_t plain[RECORD_PLAIN_MAX];
    struct outcome outcome = {0};
    struct record_key *key = make_key(cipher);
    struct record_opener opener;
    record_opener_init(&opener, key);
    while (stream.size > 0 && outcome.status == 0) {
        struct span part = span_of(stream.data, stream.size < piece ? stream.size : piece);
        stream = span_of(stream.data + part.size, stream.size - part.size);
        while (part.size > 0 && outcome.status == 0) {
            size_t plain_size = 0, taken = 0;
            outcome.status = record_open(&opener, part, plain, &plain_size, &taken);
            if (outcome.status < 0)
                break;
            must(taken > 0 && taken <= part.size && (plain_size > 0 || taken == part.size));
            part = span_of(part.data + taken, part.size - taken);
            if (plain_size > 0)
                add(&outcome, plain, plain_size);
        }
    }
    outcome.at_boundary = record_opener_at_boundary(&opener);
    record_opener_finish(&opener);
    record_key_destroy(key);
    return outcome;
}

static void compare_cuts(enum aead_cipher cipher, struct span stream, size_t piece)
{
    struct outcome whole = open_stream(cipher, stream, SIZE_MAX), pieces = open_stream(cipher, stream, piece);
    must(whole.status == pieces.status && whole.count == pieces.count && whole.digest == pieces.digest);
    must(whole.status < 0 || whole.at_boundary == pieces.at_boundary);
}

static void read_texts(struct span input, struct texts *texts)
{
    texts->count = 0;
    size_t room = STREAM_MAX;
    while (input.size >= 2 && texts->count < TEXTS_MAX) {
        size_t size = 1 + input.data[0] % (input.size - 1);
        if (size + RECORD_OVERHEAD_SIZE > room)
            return;
        room -= size + RECORD_OVERHEAD_SIZE;
        texts->all[texts->count++] = span_of(input.data + 1, size);
        input = span_of(input.data + 1 + size, input.size - 1 - size);
    }
}

static struct span seal_texts(enum aead_cipher cipher, struct texts *texts, uint8_t *stream)
{
    struct record_key *key = make_key(cipher);
    size_t at = 0;
    for (size_t i = 0; i < texts->count; i++) {
        size_t size;
        texts->begins[i] = at;
        must(record_seal(key, texts->all[i].data, texts->all[i].size, stream + at, &size) == 0);
        at += size;
    }
    texts->begins[texts->count] = at;
    record_key_destroy(key);
    return span_of(stream, at);
}

static void come_back(enum aead_cipher cipher, struct span input, size_t piece, size_t place, uint8_t change)
{
    static uint8_t stream[STREAM_MAX];
    static struct texts texts;
    read_texts(input, &texts);
    struct span sealed = seal_texts(cipher, &texts, stream);
    size_t intact = texts.count;
    if (sealed.size > 0 && change != 0) {
        stream[place % sealed.size] ^= change;
        for (intact = 0; texts.begins[intact + 1] <= place % sealed.size;)
            intact++;
    }
    struct outcome outcome = open_stream(cipher, sealed, piece), expected = {0};
    for (size_t i = 0; i < intact; i++)
        add(&expected, texts.all[i].data, texts.all[i].size);
    must(outcome.count == intact && outcome.digest == expected.digest);
    must((outcome.status == 0 && outcome.at_boundary) == (intact == texts.count));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (secrets == NULL)
        secrets = secret_pool_create();
    if (size < 5)
        return 0;
    enum aead_cipher cipher =
        aead_choose(aead_ciphers(), data[0] % 2 == 0 ? AEAD_CHACHA20_POLY1305 : UINT32_MAX);
    size_t piece = 1 + data[1];
    struct span rest = span_of(data + 5, size - 5);
    switch (data[0] >> 1 & 3) {
    case 0:
        compare_cuts(cipher, span_of(data + 2, size - 2), piece);
        break;
    case 1:
        come_back(cipher, rest, piece, 0, 0);
        break;
    default:
        come_back(cipher, rest, piece, (size_t)(data[2] << 8 | data[3]), data[4]);
    }
    return 0;
}
