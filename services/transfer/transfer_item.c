/* SPDX-License-Identifier: MIT */
/* Items, their pool and their queues. A data item is one allocation: its head stands on a page of its own
 * before the bytes, so that these are aligned to a page (file systems and sockets copy such bytes fastest)
 * and have the room for a frame's header before them. Who may hold how many is the users' business. */
#include "services/transfer/transfer_item.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define PAGE 4096

struct item_pool {
    uv_mutex_t mutex;
    struct transfer_item *spare;
    size_t spare_count, spare_max;
};

static_assert(sizeof(struct transfer_item) + FRAME_HEADER_SIZE <= PAGE, "a data item's head fits its page");
static_assert(FILES_CHUNK_SIZE % PAGE == 0, "aligned_alloc wants whole pages");

int item_pool_create(size_t spare_max, struct item_pool **ret)
{
    struct item_pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL)
        return UV_ENOMEM;
    int status = uv_mutex_init(&pool->mutex);
    if (status < 0) {
        free(pool);
        return status;
    }
    pool->spare_max = spare_max;
    *ret = pool;
    return 0;
}

void item_pool_destroy(struct item_pool *pool)
{
    if (pool == NULL)
        return;
    for (struct transfer_item *item = pool->spare, *next; item != NULL; item = next) {
        next = item->next;
        free(item);
    }
    uv_mutex_destroy(&pool->mutex);
    free(pool);
}

struct transfer_item *item_take_data(struct item_pool *pool)
{
    uv_mutex_lock(&pool->mutex);
    struct transfer_item *item = pool->spare;
    if (item != NULL) {
        pool->spare = item->next;
        pool->spare_count--;
    }
    uv_mutex_unlock(&pool->mutex);
    if (item == NULL)
        item = aligned_alloc(PAGE, PAGE + FILES_CHUNK_SIZE);
    if (item == NULL)
        return NULL;
    *item = (struct transfer_item){
        .kind = ITEM_DATA, .capacity = FILES_CHUNK_SIZE, .bytes = (uint8_t *)item + PAGE};
    return item;
}

struct transfer_item *item_make_message(struct span payload)
{
    struct transfer_item *item = malloc(sizeof(*item) + FRAME_HEADER_SIZE + payload.size);
    if (item == NULL)
        return NULL;
    *item = (struct transfer_item){.kind = ITEM_MESSAGE,
                                   .size = payload.size,
                                   .capacity = payload.size,
                                   .bytes = (uint8_t *)(item + 1) + FRAME_HEADER_SIZE};
    if (payload.size > 0)
        memcpy(item->bytes, payload.data, payload.size);
    return item;
}

int item_encode(const struct message *message, struct transfer_item **ret)
{
    struct buffer payload;
    buffer_init(&payload, FRAME_MESSAGE_MAX);
    int status = message_encode(message, &payload);
    struct transfer_item *item = NULL;
    if (status == 0) {
        item = item_make_message(buffer_span(&payload));
        status = item == NULL ? UV_ENOMEM : 0;
    }
    buffer_finish(&payload);
    if (status == 0)
        *ret = item;
    return status;
}

void item_hold(struct transfer_item *item)
{
    atomic_fetch_add(&item->holds, 1);
}

void item_release(struct item_pool *pool, struct transfer_item *item)
{
    if (item == NULL || atomic_fetch_sub(&item->holds, 1) > 0)
        return;
    if (item->kind == ITEM_DATA) {
        uv_mutex_lock(&pool->mutex);
        bool keep = pool->spare_count < pool->spare_max;
        if (keep) {
            item->next = pool->spare;
            pool->spare = item;
            pool->spare_count++;
        }
        uv_mutex_unlock(&pool->mutex);
        if (keep)
            return;
    }
    free(item);
}

void item_queue_push(struct item_queue *queue, struct transfer_item *item)
{
    item->next = NULL;
    if (queue->last != NULL)
        queue->last->next = item;
    else
        queue->first = item;
    queue->last = item;
    queue->count++;
    queue->bytes += item->size;
}

struct transfer_item *item_queue_pop(struct item_queue *queue)
{
    struct transfer_item *item = queue->first;
    if (item == NULL)
        return NULL;
    queue->first = item->next;
    if (queue->first == NULL)
        queue->last = NULL;
    queue->count--;
    queue->bytes -= item->size;
    item->next = NULL;
    return item;
}

void item_queue_move(struct item_queue *queue, struct item_queue *from)
{
    if (from->first == NULL)
        return;
    if (queue->last != NULL)
        queue->last->next = from->first;
    else
        queue->first = from->first;
    queue->last = from->last;
    queue->count += from->count;
    queue->bytes += from->bytes;
    *from = (struct item_queue){.first = NULL};
}

void item_queue_clear(struct item_queue *queue, struct item_pool *pool)
{
    for (struct transfer_item *item; (item = item_queue_pop(queue)) != NULL;)
        item_release(pool, item);
}
