/* SPDX-License-Identifier: MIT */
/* Records of one direction. A record that is there whole is opened where it lies; one that comes in pieces is
 * gathered first. Nothing is allocated for a record, but for the gathering: its storage stays while records
 * go on coming in pieces and goes back when one ends together with the bytes at hand, as the last one before
 * a silence does. */
#include "protocol/wire/record_seal.h"

#include <assert.h>
#include <sodium.h>
#include <stdalign.h>
#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"

struct record_key { /* secret; the cipher's state stands behind it */
    struct secret_pool *secrets;
    uint64_t number; /* of the next record under this key */
    enum aead_cipher cipher;
    uint8_t key[AEAD_KEY_SIZE];
    alignas(16) uint8_t state[];
};

static struct aead *aead_of(struct record_key *key)
{
    return (struct aead *)(void *)key->state;
}

static size_t record_key_size(void)
{
    return sizeof(struct record_key) + aead_size();
}

int record_key_create(struct secret_pool *secrets, enum aead_cipher cipher,
                      const uint8_t key[static AEAD_KEY_SIZE], struct record_key **ret)
{
    struct record_key *created = secret_take(secrets, record_key_size());
    if (created == NULL)
        return UV_ENOMEM;
    int status = aead_init(aead_of(created), cipher, key);
    if (status < 0) {
        secret_release(secrets, created, record_key_size());
        return status;
    }
    created->secrets = secrets;
    created->cipher = cipher;
    memcpy(created->key, key, AEAD_KEY_SIZE);
    *ret = created;
    return 0;
}

void record_key_destroy(struct record_key *key)
{
    if (key == NULL)
        return;
    aead_wipe(aead_of(key));
    secret_release(key->secrets, key, record_key_size());
}

/* After the last record of a key: what was sealed under it can't be opened by what is left here. */
static int ratchet(struct record_key *key)
{
    static const char LABEL[] = "Hospes ratchet";
    uint8_t next[AEAD_KEY_SIZE];
    crypto_generichash(next, sizeof(next), (const uint8_t *)LABEL, sizeof(LABEL) - 1, key->key,
                       sizeof(key->key));
    memcpy(key->key, next, sizeof(next));
    sodium_memzero(next, sizeof(next));
    key->number = 0;
    aead_wipe(aead_of(key));
    return aead_init(aead_of(key), key->cipher, key->key);
}

static int count_record(struct record_key *key)
{
    key->number++;
    return key->number < RECORDS_A_KEY ? 0 : ratchet(key);
}

int record_seal(struct record_key *key, const uint8_t *plain, size_t plain_size, uint8_t *out,
                size_t *ret_size)
{
    assert(plain_size > 0 && plain_size <= RECORD_PLAIN_MAX);
    size_t size = plain_size + AEAD_TAG_SIZE;
    out[0] = (uint8_t)(size >> 24);
    out[1] = (uint8_t)(size >> 16);
    out[2] = (uint8_t)(size >> 8);
    out[3] = (uint8_t)size;
    aead_seal(aead_of(key), key->number, out, RECORD_HEADER_SIZE, plain, plain_size,
              out + RECORD_HEADER_SIZE);
    int status = count_record(key);
    if (status < 0)
        return status;
    *ret_size = RECORD_HEADER_SIZE + size;
    return 0;
}

void record_opener_init(struct record_opener *opener, struct record_key *key)
{
    opener->key = key;
    buffer_init(&opener->partial, RECORD_SIZE_MAX);
}

void record_opener_finish(struct record_opener *opener)
{
    buffer_finish(&opener->partial);
}

/* The whole record's size, header included. */
static int read_size(const uint8_t header[static RECORD_HEADER_SIZE], size_t *ret_size)
{
    uint32_t size = (uint32_t)header[0] << 24 | (uint32_t)header[1] << 16 | (uint32_t)header[2] << 8 |
                    (uint32_t)header[3];
    if (size <= AEAD_TAG_SIZE)
        return STATUS_MALFORMED;
    if (size > RECORD_PLAIN_MAX + AEAD_TAG_SIZE)
        return STATUS_TOO_LARGE;
    *ret_size = RECORD_HEADER_SIZE + (size_t)size;
    return 0;
}

static int unseal(struct record_key *key, const uint8_t *record, size_t record_size, uint8_t *plain,
                  size_t *ret_plain_size)
{
    if (!aead_open(aead_of(key), key->number, record, RECORD_HEADER_SIZE, record + RECORD_HEADER_SIZE,
                   record_size - RECORD_HEADER_SIZE, plain))
        return STATUS_AUTHENTICATION_FAILED;
    int status = count_record(key);
    if (status < 0)
        return status;
    *ret_plain_size = record_size - RECORD_OVERHEAD_SIZE;
    return 0;
}

/* Appends to `partial` until it has `wanted` bytes; *taken bytes of `bytes` are in it. False: there were not
 * enough. */
static int gather(struct buffer *partial, struct span bytes, size_t wanted, size_t *taken, bool *ret_enough)
{
    size_t missing = wanted - buffer_size(partial), there = bytes.size - *taken;
    size_t part = missing < there ? missing : there;
    uint8_t *tail;
    int status = buffer_reserve(partial, missing, &tail);
    if (status < 0)
        return status;
    if (part > 0)
        memcpy(tail, bytes.data + *taken, part);
    buffer_commit(partial, part);
    *taken += part;
    *ret_enough = part == missing;
    return 0;
}

static int open_gathered(struct record_opener *opener, struct span bytes, uint8_t *plain,
                         size_t *ret_plain_size, size_t *ret_taken)
{
    struct buffer *partial = &opener->partial;
    size_t taken = 0, record_size, plain_size = 0;
    bool enough = true;
    int status = 0;
    if (buffer_size(partial) < RECORD_HEADER_SIZE)
        status = gather(partial, bytes, RECORD_HEADER_SIZE, &taken, &enough);
    if (status == 0 && enough)
        status = read_size(buffer_span(partial).data, &record_size);
    if (status == 0 && enough)
        status = gather(partial, bytes, record_size, &taken, &enough);
    if (status == 0 && enough)
        status = unseal(opener->key, buffer_span(partial).data, record_size, plain, &plain_size);
    if (status < 0)
        return status;
    if (enough && taken == bytes.size)
        buffer_finish(partial);
    else if (enough)
        partial->start = partial->end = 0; /* keeps the storage: more comes, in pieces, too */
    *ret_plain_size = plain_size;
    *ret_taken = taken;
    return 0;
}

static int open_in_place(struct record_opener *opener, struct span bytes, size_t record_size, uint8_t *plain,
                         size_t *ret_plain_size, size_t *ret_taken)
{
    int status = unseal(opener->key, bytes.data, record_size, plain, ret_plain_size);
    if (status < 0)
        return status;
    if (opener->partial.storage != NULL && bytes.size == record_size)
        buffer_finish(&opener->partial);
    *ret_taken = record_size;
    return 0;
}

int record_open(struct record_opener *opener, struct span bytes, uint8_t *plain, size_t *ret_plain_size,
                size_t *ret_taken)
{
    if (buffer_size(&opener->partial) == 0 && bytes.size >= RECORD_HEADER_SIZE) {
        size_t record_size;
        int status = read_size(bytes.data, &record_size);
        if (status < 0)
            return status;
        if (bytes.size >= record_size)
            return open_in_place(opener, bytes, record_size, plain, ret_plain_size, ret_taken);
        uint8_t *tail;
        status = buffer_reserve(&opener->partial, record_size, &tail); /* at once: not to grow by and by */
        if (status < 0)
            return status;
    }
    return open_gathered(opener, bytes, plain, ret_plain_size, ret_taken);
}

bool record_opener_at_boundary(const struct record_opener *opener)
{
    return buffer_size(&opener->partial) == 0;
}
