/* SPDX-License-Identifier: MIT */
/* A source of bytes for libsodium: those that were queued, else the output of splitmix64. */
#include "tests/unit/wire/fixed_random.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_MAX 8
#define PIECE_MAX 64

struct piece {
    uint8_t bytes[PIECE_MAX];
    size_t size;
};

/* libsodium's interface has no context. */
static struct {
    uint64_t state;
    struct piece queue[QUEUE_MAX];
    size_t queued;
} source;

static uint64_t next(void)
{
    uint64_t value = source.state += 0x9e3779b97f4a7c15u;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

static const char *implementation_name(void)
{
    return "fixed";
}

static uint32_t random_word(void)
{
    return (uint32_t)next();
}

static void random_bytes(void *const buffer, const size_t size)
{
    if (source.queued > 0) {
        if (source.queue[0].size != size)
            abort();
        memcpy(buffer, source.queue[0].bytes, size);
        memmove(source.queue, source.queue + 1, --source.queued * sizeof(source.queue[0]));
        return;
    }
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)buffer)[i] = (uint8_t)next();
}

void fixed_random_install(void)
{
    static randombytes_implementation implementation = {
        .implementation_name = implementation_name, .random = random_word, .buf = random_bytes};
    if (randombytes_set_implementation(&implementation) != 0 || sodium_init() < 0)
        abort();
}

void fixed_random_seed(uint64_t seed)
{
    source.state = seed;
    source.queued = 0;
}

void fixed_random_queue(const uint8_t *bytes, size_t size)
{
    assert(source.queued < QUEUE_MAX && size <= PIECE_MAX);
    memcpy(source.queue[source.queued].bytes, bytes, size);
    source.queue[source.queued++].size = size;
}
