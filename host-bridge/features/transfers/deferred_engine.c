/* SPDX-License-Identifier: MIT */
/* Hands every call on to the engine within, and shows what that one shows. Of what comes it looks at
 * FILES_DONE alone, which names where the roots are: a sender has no use for that, people have. */
#include "host-bridge/features/transfers/deferred_engine.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct deferred_engine {
    struct engine engine; /* first */
    struct deferred_options options;
    struct engine *inner; /* NULL before the first job, and when it could not be made */
    int status;           /* why not */
    size_t name_count;
    struct files_path *names;
};

/* What is seen from outside is the outer engine's head. */
static void show(struct deferred_engine *deferred)
{
    struct engine *outer = &deferred->engine, *inner = deferred->inner;
    outer->counts = inner->counts;
    outer->failures_told = inner->failures_told;
    outer->says_fin = inner->says_fin;
    outer->is_done = inner->is_done;
    if (inner->problem[0] != '\0')
        memcpy(outer->problem, inner->problem, sizeof(outer->problem));
    struct transfer_failure **last = &inner->failures; /* newest first: in front of those not taken yet */
    while (*last != NULL)
        last = &(*last)->next;
    *last = outer->failures;
    outer->failures = inner->failures;
    inner->failures = NULL;
}

static int make(struct deferred_engine *deferred)
{
    if (deferred->inner != NULL || deferred->status < 0)
        return deferred->status;
    const struct deferred_options *options = &deferred->options;
    deferred->status =
        options->make(options->ctx, &options->keys, &deferred->inner, deferred->engine.problem);
    sodium_memzero(&deferred->options.keys, sizeof(deferred->options.keys));
    if (deferred->status < 0) {
        deferred->inner = NULL;
    } else {
        deferred->engine.problem[0] = '\0';
        deferred->inner->stop = deferred->engine.stop;
    }
    return deferred->status;
}

/* A message is an array of three that begins with its kind. */
static bool is_files_done(const struct transfer_item *item)
{
    static_assert(MESSAGE_FILES_DONE < 128, "one byte in msgpack");
    return item->kind == ITEM_MESSAGE && item->size > 2 && item->bytes[0] == 0x93 &&
           item->bytes[1] == MESSAGE_FILES_DONE;
}

static void keep_names(struct deferred_engine *deferred, const struct transfer_item *item)
{
    struct message message;
    struct message_head head;
    if (deferred->names != NULL || message_decode(span_of(item->bytes, item->size), &message, &head) < 0)
        return;
    struct files_done_message *done = &message.body.files_done;
    deferred->name_count = done->name_count;
    deferred->names = done->names;
    done->name_count = 0;
    done->names = NULL;
    message_finish(&message);
}

static int take(struct engine *engine, struct transfer_item *item)
{
    struct deferred_engine *deferred = (struct deferred_engine *)engine;
    int status = make(deferred);
    if (status < 0)
        return status;
    bool is_done = is_files_done(item);
    status = deferred->inner->ops->take(deferred->inner, item);
    if (status == 0 && is_done)
        keep_names(deferred, item);
    show(deferred);
    return status;
}

static int produce(struct engine *engine, struct item_queue *out, size_t budget, bool *ret_more)
{
    struct deferred_engine *deferred = (struct deferred_engine *)engine;
    int status = make(deferred);
    if (status < 0)
        return status;
    status = deferred->inner->ops->produce(deferred->inner, out, budget, ret_more);
    show(deferred);
    return status;
}

static int take_fin(struct engine *engine)
{
    struct deferred_engine *deferred = (struct deferred_engine *)engine;
    int status = make(deferred);
    if (status < 0)
        return status;
    status = engine_take_fin(deferred->inner);
    show(deferred);
    return status;
}

static void destroy(struct engine *engine, bool discard)
{
    struct deferred_engine *deferred = (struct deferred_engine *)engine;
    if (deferred->inner != NULL)
        deferred->inner->ops->destroy(deferred->inner, discard);
    transfer_failures_free(engine->failures);
    free(deferred->names);
    sodium_memzero(&deferred->options.keys, sizeof(deferred->options.keys));
    free(deferred);
}

static const struct engine_ops OPS = {
    .take = take, .produce = produce, .take_fin = take_fin, .destroy = destroy};

int deferred_engine_create(const struct deferred_options *options, struct engine **ret)
{
    struct deferred_engine *deferred = calloc(1, sizeof(*deferred));
    if (deferred == NULL)
        return UV_ENOMEM;
    deferred->engine.ops = &OPS;
    deferred->engine.pool = options->pool;
    deferred->engine.counts.phase = TRANSFER_SCAN;
    deferred->options = *options;
    *ret = &deferred->engine;
    return 0;
}

struct engine *deferred_engine_inner(const struct engine *engine)
{
    return ((const struct deferred_engine *)engine)->inner;
}

size_t deferred_engine_names(const struct engine *engine, const struct files_path **ret)
{
    const struct deferred_engine *deferred = (const struct deferred_engine *)engine;
    *ret = deferred->names;
    return deferred->name_count;
}
