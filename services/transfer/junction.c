/* SPDX-License-Identifier: MIT */
/* Two engines back to back.
 *
 * Theory of operation
 *   What one engine takes goes into the queue towards the other, which produces it from there. A queue that
 * is full refuses: the link keeps the item and is woken when the queue was emptied. FIN passes likewise: the
 * sender's is said on by the lower engine behind everything, the receiver's by the upper one. It leaves to
 * others: what is said (junction_upper.c, junction_lower.c), and which entries there are
 * (passing_entries.c). */
#include "services/transfer/junction.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/transfer/junction_internal.h"
#include "services/transfer/transfer_link.h"

#define QUEUE_BYTES_MAX (2 * TRANSFER_IN_MAX)
#define QUEUE_COUNT_MAX 16384 /* of small messages */

static struct junction_engine *other_of(struct junction_engine *engine)
{
    return engine->is_upper ? &engine->junction->lower : &engine->junction->upper;
}

static void wake(struct junction_engine *engine)
{
    if (engine->on_wake != NULL)
        engine->on_wake(engine->wake_ctx);
}

bool junction_is_full(struct junction_queue *queue)
{
    bool is_full = queue->items.bytes >= QUEUE_BYTES_MAX || queue->items.count >= QUEUE_COUNT_MAX;
    queue->refused = queue->refused || is_full;
    return is_full;
}

void junction_push(struct junction *junction, struct junction_queue *queue, struct transfer_item *item)
{
    bool was_empty = queue->items.first == NULL;
    item_queue_push(&queue->items, item);
    if (was_empty)
        wake(queue == &junction->down ? &junction->lower : &junction->upper);
}

int junction_forward(struct junction *junction, struct junction_queue *queue,
                     const struct transfer_item *item, const struct message *changed)
{
    struct transfer_item *copy = NULL;
    int status = 0;
    if (changed != NULL)
        status = item_encode(changed, &copy);
    else
        copy = item_make_message(span_of(item->bytes, item->size));
    if (status == 0 && copy == NULL)
        status = UV_ENOMEM;
    if (status == 0)
        junction_push(junction, queue, copy);
    return status;
}

int junction_look_across(struct junction_engine *engine)
{
    struct junction *junction = engine->junction;
    bool is_gone = engine->is_upper ? junction->lower_gone : junction->upper_gone;
    bool was_done = engine->is_upper ? junction->done_came : junction->sender_fin;
    bool discarded = engine->is_upper ? junction->lower_discarded : junction->upper_discarded;
    if (!is_gone || was_done)
        return 0;
    snprintf(engine->base.problem, sizeof(engine->base.problem), "the other guest's end is gone");
    return discarded ? UV_ECANCELED : UV_ECONNRESET;
}

static uint8_t phase_of(const struct junction *junction)
{
    if (junction->manifest_ended && passing_entries_count(junction->entries) == 0)
        return TRANSFER_FINISH;
    return junction->counts.current[0] != '\0' ? TRANSFER_SEND : TRANSFER_SCAN;
}

static bool may_say_fin(const struct junction_engine *engine)
{
    const struct junction *junction = engine->junction;
    if (!engine->is_upper)
        return junction->sender_fin && junction->down.items.first == NULL;
    return (junction->receiver_fin || (junction->lower_gone && junction->done_came)) &&
           junction->up.items.first == NULL;
}

static int produce(struct engine *base, struct item_queue *out, size_t budget, bool *ret_more)
{
    struct junction_engine *engine = (struct junction_engine *)base;
    struct junction *junction = engine->junction;
    struct junction_queue *queue = engine->is_upper ? &junction->up : &junction->down;
    uv_mutex_lock(&junction->mutex);
    int status = junction_look_across(engine);
    while (status == 0 && out->bytes < budget && queue->items.first != NULL)
        item_queue_push(out, item_queue_pop(&queue->items));
    *ret_more = queue->items.first != NULL;
    if (queue->refused && queue->items.bytes < QUEUE_BYTES_MAX / 2 &&
        queue->items.count < QUEUE_COUNT_MAX / 2) {
        queue->refused = false;
        wake(other_of(engine));
    }
    junction->counts.phase = phase_of(junction);
    memcpy(&base->counts, &junction->counts, sizeof(base->counts));
    base->says_fin = may_say_fin(engine);
    uv_mutex_unlock(&junction->mutex);
    return status;
}

static int take_fin(struct engine *base)
{
    struct junction_engine *engine = (struct junction_engine *)base;
    struct junction *junction = engine->junction;
    bool *fin = engine->is_upper ? &junction->sender_fin : &junction->receiver_fin;
    int status = STATUS_UNEXPECTED;
    uv_mutex_lock(&junction->mutex);
    if (junction->done_came && junction->up.items.first == NULL &&
        (engine->is_upper || junction->sender_fin)) {
        *fin = true;
        if (engine->is_upper)
            base->is_done = true;
        wake(other_of(engine));
        status = 0;
    }
    uv_mutex_unlock(&junction->mutex);
    return status;
}

static void set_wake(struct engine *base, void (*on_wake)(void *ctx), void *ctx)
{
    struct junction_engine *engine = (struct junction_engine *)base;
    uv_mutex_lock(&engine->junction->mutex);
    engine->on_wake = on_wake;
    engine->wake_ctx = ctx;
    uv_mutex_unlock(&engine->junction->mutex);
}

static void free_junction(struct junction *junction)
{
    item_queue_clear(&junction->down.items, junction->upper.base.pool);
    item_queue_clear(&junction->up.items, junction->upper.base.pool);
    item_release(junction->upper.base.pool, junction->data);
    passing_entries_destroy(junction->entries);
    chunk_check_destroy(junction->opens);
    chunk_check_destroy(junction->makes);
    transfer_failures_free(junction->upper.base.failures);
    transfer_failures_free(junction->lower.base.failures);
    free(junction->names);
    uv_mutex_destroy(&junction->mutex);
    free(junction);
}

static void destroy(struct engine *base, bool discard)
{
    struct junction_engine *engine = (struct junction_engine *)base;
    struct junction *junction = engine->junction;
    uv_mutex_lock(&junction->mutex);
    engine->on_wake = NULL;
    *(engine->is_upper ? &junction->upper_gone : &junction->lower_gone) = true;
    *(engine->is_upper ? &junction->upper_discarded : &junction->lower_discarded) = discard;
    bool was_last = junction->upper_gone && junction->lower_gone;
    wake(other_of(engine));
    uv_mutex_unlock(&junction->mutex);
    if (was_last)
        free_junction(junction);
}

static const struct engine_ops UPPER_OPS = {.take = junction_upper_take,
                                            .produce = produce,
                                            .take_fin = take_fin,
                                            .destroy = destroy,
                                            .set_wake = set_wake};
static const struct engine_ops LOWER_OPS = {.take = junction_lower_take,
                                            .produce = produce,
                                            .take_fin = take_fin,
                                            .destroy = destroy,
                                            .set_wake = set_wake};

int junction_create(struct item_pool *pool, const struct engine_keys *upper, const struct engine_keys *lower,
                    size_t name_count, const char *const *names, struct engine **ret_upper,
                    struct engine **ret_lower)
{
    struct junction *junction = calloc(1, sizeof(*junction));
    if (junction == NULL)
        return UV_ENOMEM;
    int status = uv_mutex_init(&junction->mutex);
    if (status < 0) {
        free(junction);
        return status;
    }
    junction->counts.phase = TRANSFER_SCAN;
    junction->upper = (struct junction_engine){
        .base = {.ops = &UPPER_OPS, .pool = pool}, .junction = junction, .is_upper = true};
    junction->lower =
        (struct junction_engine){.base = {.ops = &LOWER_OPS, .pool = pool}, .junction = junction};
    status = passing_entries_create(name_count, names, &junction->entries);
    if (status == 0)
        status = chunk_check_create(upper, &junction->opens);
    if (status == 0)
        status = chunk_check_create(lower, &junction->makes);
    if (status < 0) {
        free_junction(junction);
        return status;
    }
    *ret_upper = &junction->upper.base;
    *ret_lower = &junction->lower.base;
    return 0;
}

size_t junction_names(const struct engine *lower, const struct files_path **ret)
{
    const struct junction *junction = ((const struct junction_engine *)lower)->junction;
    *ret = junction->names;
    return junction->name_count;
}
