/* SPDX-License-Identifier: MIT */
/* What passes between a transfer's stream and its engine: encoded messages, and the bytes behind them. An
 * item is owned by whoever holds it, or by the queue it is in; queues belong to one thread at a time. */
#ifndef HOSPES_TRANSFER_ITEM_H
#define HOSPES_TRANSFER_ITEM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire/message.h"

enum item_kind {
    ITEM_MESSAGE = 1, /* the payload of one MESSAGE frame */
    ITEM_DATA,        /* all bytes behind one PACK or CHUNK: 1 … FILES_CHUNK_SIZE of them */
};

struct transfer_item {
    struct transfer_item *next;
    enum item_kind kind;
    size_t size, capacity; /* of bytes */
    uint8_t *bytes; /* with FRAME_HEADER_SIZE bytes of room before them, so that they can be sent from here */
    atomic_uint holds; /* by item_hold; 0 for one owner */
};

/* Reuses the buffers of data items (they are large, and fresh memory costs more than what is done with it).
 * Any thread may use it. */
struct item_pool;                                               /* opaque */
int item_pool_create(size_t spare_max, struct item_pool **ret); /* UV_ENOMEM */
/* After all its items were released. NULL allowed. */
void item_pool_destroy(struct item_pool *pool);

/* A data item of FILES_CHUNK_SIZE capacity and size 0. NULL: out of memory. */
struct transfer_item *item_take_data(struct item_pool *pool);
/* Copies an encoded message. NULL: out of memory. */
struct transfer_item *item_make_message(struct span payload);
/* Encodes. Errors of message_encode. */
int item_encode(const struct message *message, struct transfer_item **ret);
/* One owner more: an engine keeps the bytes that it was handed until their CHECK comes, although its caller
 * releases them. Nobody changes them then. */
void item_hold(struct transfer_item *item);
/* Back to the pool, or freed, by the last of its owners. NULL allowed. */
void item_release(struct item_pool *pool, struct transfer_item *item);

struct item_queue {
    struct transfer_item *first, *last;
    size_t count, bytes;
};
void item_queue_push(struct item_queue *queue, struct transfer_item *item); /* takes the item */
struct transfer_item *item_queue_pop(struct item_queue *queue);             /* NULL: empty */
/* Appends all of `from`, which is empty then. */
void item_queue_move(struct item_queue *queue, struct item_queue *from);
void item_queue_clear(struct item_queue *queue, struct item_pool *pool);

#endif
