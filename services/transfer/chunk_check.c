/* SPDX-License-Identifier: MIT */
/* Tags of plain data by the connection's AEAD, which seals nothing here: the bytes are its associated data.
 * The key lies in ordinary memory for as long as one transfer runs, and is wiped. */
#include "services/transfer/chunk_check.h"

#include <assert.h>
#include <sodium.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "protocol/wire/aead.h"

#define ALIGNMENT 16

struct chunk_check {
    uint64_t number; /* of the next CHECK */
    bool is_plain;   /* else the session is sealed, and there is no state behind this */
    alignas(ALIGNMENT) uint8_t state[];
};

static_assert(AEAD_TAG_SIZE == FILES_CHECK_SIZE, "CHECK carries a whole tag");

static struct aead *aead_of(struct chunk_check *check)
{
    return (struct aead *)(void *)check->state;
}

static size_t size_of(bool is_plain)
{
    size_t size = sizeof(struct chunk_check) + (is_plain ? aead_size() : 0);
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

int chunk_check_create(const struct engine_keys *keys, struct chunk_check **ret)
{
    bool is_plain = keys->check != 0;
    struct chunk_check *check = aligned_alloc(ALIGNMENT, size_of(is_plain));
    if (check == NULL)
        return UV_ENOMEM;
    memset(check, 0, size_of(is_plain));
    check->is_plain = is_plain;
    if (is_plain) {
        int status = aead_init(aead_of(check), (enum aead_cipher)keys->check, keys->check_key);
        if (status < 0) {
            sodium_memzero(check, size_of(is_plain));
            free(check);
            return status;
        }
    }
    *ret = check;
    return 0;
}

void chunk_check_destroy(struct chunk_check *check)
{
    if (check == NULL)
        return;
    if (check->is_plain)
        aead_wipe(aead_of(check));
    sodium_memzero(check, size_of(check->is_plain));
    free(check);
}

void chunk_check_make(struct chunk_check *check, struct span bytes, struct check_message *ret)
{
    *ret = (struct check_message){.tag_size = check->is_plain ? FILES_CHECK_SIZE : 0};
    if (check->is_plain)
        aead_seal(aead_of(check), check->number++, bytes.data, bytes.size, NULL, 0, ret->tag);
}

bool chunk_check_open(struct chunk_check *check, struct span bytes, const struct check_message *message)
{
    if (!check->is_plain)
        return message->tag_size == 0;
    uint8_t nothing[1]; /* a place for no bytes */
    return message->tag_size == FILES_CHECK_SIZE &&
           aead_open(aead_of(check), check->number++, bytes.data, bytes.size, message->tag, FILES_CHECK_SIZE,
                     nothing);
}

void chunk_digest(const struct engine_keys *keys, struct span bytes, uint8_t ret[static FILES_DIGEST_SIZE])
{
    crypto_generichash(ret, FILES_DIGEST_SIZE, bytes.data, bytes.size, keys->digest_key,
                       sizeof(keys->digest_key));
}
