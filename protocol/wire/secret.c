/* SPDX-License-Identifier: MIT */
/* Slabs of locked memory, each cut into slots of one size. libsodium maps, guards, locks and wipes a slab;
 * this file keeps account of the slots. A class of sizes keeps one empty slab, so that a secret that comes
 * and goes makes no system calls; every further empty one goes back at once. The slabs' own records lie in
 * ordinary memory. */
#include "protocol/wire/secret.h"

#include <assert.h>
#include <sodium.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

/* libsodium puts a canary of 16 bytes before the memory: together exactly four pages of 4 KiB. */
#define SLAB_SIZE  (16 * 1024 - 16)
#define NO_SLOT    UINT16_MAX
#define SIZE_COUNT 4
/* A pair of keys; what a handshake holds beside Noise; the states of Noise and of a record's cipher; the
 * largest. */
static const uint16_t SIZES[SIZE_COUNT] = {64, 192, 640, SECRET_SIZE_MAX};

/* Stands before each secret. */
struct slot {
    alignas(16) struct slab *slab;
    uint16_t next;  /* the next free one of the slab, or NO_SLOT */
    uint16_t taken; /* bytes; 0: free */
};

struct slab {
    struct slab *previous, *next; /* both can be NULL */
    uint8_t *memory;
    uint16_t size_index;
    uint16_t used;
    uint16_t first_free;
};

struct slab_class {
    struct slab *open; /* slabs with a free slot */
    struct slab *full;
    size_t empty_count; /* of the open ones: 0 or 1 */
};

struct secret_pool {
    struct slab_class classes[SIZE_COUNT];
    size_t taken_count;
    bool is_unlocked; /* some slab was */
};

static void list_insert(struct slab **list, struct slab *slab)
{
    slab->previous = NULL;
    slab->next = *list;
    if (*list != NULL)
        (*list)->previous = slab;
    *list = slab;
}

static void list_remove(struct slab **list, struct slab *slab)
{
    if (slab->previous != NULL)
        slab->previous->next = slab->next;
    else
        *list = slab->next;
    if (slab->next != NULL)
        slab->next->previous = slab->previous;
}

static size_t stride(size_t size_index)
{
    return sizeof(struct slot) + SIZES[size_index];
}

static struct slot *slot_at(const struct slab *slab, uint16_t index)
{
    return (struct slot *)(void *)(slab->memory + index * stride(slab->size_index));
}

static struct slab *slab_create(struct secret_pool *pool, uint16_t size_index)
{
    struct slab *slab = calloc(1, sizeof(*slab));
    if (slab == NULL)
        return NULL;
    slab->memory = sodium_malloc(SLAB_SIZE);
    if (slab->memory == NULL) {
        free(slab);
        return NULL;
    }
    /* sodium_malloc has tried, and does not say how it ended. */
    if (sodium_mlock(slab->memory, SLAB_SIZE) != 0)
        pool->is_unlocked = true;
    sodium_memzero(slab->memory, SLAB_SIZE);
    slab->size_index = size_index;
    slab->first_free = NO_SLOT;
    for (size_t i = SLAB_SIZE / stride(size_index); i-- > 0;) {
        struct slot *slot = slot_at(slab, (uint16_t)i);
        slot->slab = slab;
        slot->next = slab->first_free;
        slab->first_free = (uint16_t)i;
    }
    return slab;
}

static void slab_destroy(struct slab *slab)
{
    sodium_free(slab->memory); /* wipes */
    free(slab);
}

struct secret_pool *secret_pool_create(void)
{
    if (sodium_init() < 0)
        return NULL;
    return calloc(1, sizeof(struct secret_pool));
}

void secret_pool_destroy(struct secret_pool *pool)
{
    if (pool == NULL)
        return;
    assert(pool->taken_count == 0);
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        struct slab *open = pool->classes[i].open;
        while (open != NULL) {
            struct slab *next = open->next;
            slab_destroy(open);
            open = next;
        }
    }
    free(pool);
}

static uint16_t index_of_size(size_t size)
{
    uint16_t index = 0;
    while (SIZES[index] < size)
        index++;
    return index;
}

void *secret_take(struct secret_pool *pool, size_t size)
{
    assert(size > 0 && size <= SECRET_SIZE_MAX);
    uint16_t index = index_of_size(size);
    struct slab_class *class = &pool->classes[index];
    struct slab *slab = class->open;
    if (slab == NULL) {
        slab = slab_create(pool, index);
        if (slab == NULL)
            return NULL;
        list_insert(&class->open, slab);
        class->empty_count++;
    }
    if (slab->used == 0)
        class->empty_count--;
    struct slot *slot = slot_at(slab, slab->first_free);
    slab->first_free = slot->next;
    slab->used++;
    if (slab->first_free == NO_SLOT) {
        list_remove(&class->open, slab);
        list_insert(&class->full, slab);
    }
    slot->taken = (uint16_t)size;
    pool->taken_count++;
    return slot + 1;
}

void secret_release(struct secret_pool *pool, void *secret, size_t size)
{
    if (secret == NULL)
        return;
    struct slot *slot = (struct slot *)secret - 1;
    assert(size > 0 && slot->taken == size);
    struct slab *slab = slot->slab;
    struct slab_class *class = &pool->classes[slab->size_index];
    sodium_memzero(secret, SIZES[slab->size_index]);
    if (slab->first_free == NO_SLOT) {
        list_remove(&class->full, slab);
        list_insert(&class->open, slab);
    }
    size_t index = (size_t)((uint8_t *)slot - slab->memory) / stride(slab->size_index);
    slot->taken = 0;
    slot->next = slab->first_free;
    slab->first_free = (uint16_t)index;
    slab->used--;
    pool->taken_count--;
    if (slab->used > 0)
        return;
    if (class->empty_count == 0) {
        class->empty_count = 1;
        return;
    }
    list_remove(&class->open, slab);
    slab_destroy(slab);
}

bool secret_pool_is_locked(const struct secret_pool *pool)
{
    return !pool->is_unlocked;
}
