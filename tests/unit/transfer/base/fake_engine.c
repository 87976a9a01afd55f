/* SPDX-License-Identifier: MIT */
/* The giver and the taker. What they are for is in the tests. */
#include "tests/unit/transfer/base/fake_engine.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/status.h"

struct fake_engine {
    struct engine base;
    struct fake_script *script;
    size_t said, messages_said, left_unwilling;
    bool says_done, done_said, pause_said;
    atomic_bool busy;
};

uv_thread_t fake_loop_thread;

static uint8_t pattern(size_t chunk, size_t at)
{
    return (uint8_t)(chunk * 31 + at * 7 + at / 4096);
}

static int begin(struct fake_engine *fake)
{
    struct fake_script *script = fake->script;
    uv_thread_t self = uv_thread_self();
    if (uv_thread_equal(&self, &fake_loop_thread))
        script->on_loop_thread = true;
    if (atomic_exchange(&fake->busy, true))
        script->overlapped = true;
    while (script->held) {
        if (!script->cancels_slowly && fake->base.stop != NULL && *fake->base.stop)
            return UV_ECANCELED;
        sched_yield();
    }
    return 0;
}

static int finish(struct fake_engine *fake, int status)
{
    fake->busy = false;
    return status;
}

static void check_data(struct fake_script *script, const struct transfer_item *item, size_t chunk)
{
    bool wrong = item->size != script->chunk_size;
    for (size_t i = 0; i < item->size && !wrong; i += i % 4096 == 0 ? 1 : 997)
        wrong = item->bytes[i] != pattern(chunk, i);
    if (wrong)
        script->wrong_data = true;
}

static int take_now(struct fake_engine *fake, struct transfer_item *item)
{
    struct fake_script *script = fake->script;
    size_t number = ++script->takes;
    if (number == script->fails_at) {
        snprintf(fake->base.problem, sizeof(fake->base.problem), "the fake is broken");
        return UV_EIO;
    }
    if (number == script->unwilling_at && script->unwilling_for > 0) {
        script->unwilling_for--;
        script->takes--;
        script->refused++;
        fake->base.counts.paused = script->pauses ? UV_ENOSPC : 0;
        return UV_EAGAIN;
    }
    if (item->kind == ITEM_DATA) {
        check_data(script, item, script->chunks_taken++);
        fake->base.counts.bytes_moved += item->size;
        fake->says_done = script->chunks_taken == script->chunks;
    } else if (item->bytes[0] == 'P') {
        fake->base.counts.paused = UV_ENOSPC;
    } else if (item->bytes[0] == 'D') {
        fake->base.is_done = fake->base.says_fin = true;
    }
    return 0;
}

static int fake_take(struct engine *engine, struct transfer_item *item)
{
    struct fake_engine *fake = (struct fake_engine *)engine;
    int status = begin(fake);
    return finish(fake, status < 0 ? status : take_now(fake, item));
}

static int fake_take_fin(struct engine *engine)
{
    struct fake_engine *fake = (struct fake_engine *)engine;
    if (fake->script->is_giver)
        return engine->is_done ? 0 : STATUS_UNEXPECTED;
    if (!fake->done_said)
        return STATUS_UNEXPECTED;
    engine->is_done = engine->says_fin = true;
    return 0;
}

static int say(struct item_queue *out, const char *text)
{
    struct transfer_item *item = item_make_message(span_of_text(text));
    if (item == NULL)
        return UV_ENOMEM;
    item_queue_push(out, item);
    return 0;
}

static int say_chunk(struct fake_engine *fake, struct item_queue *out)
{
    struct fake_script *script = fake->script;
    struct transfer_item *item = item_take_data(fake->base.pool);
    if (item == NULL)
        return UV_ENOMEM;
    item->size = script->chunk_size;
    for (size_t i = 0; i < item->size; i++)
        item->bytes[i] = pattern(fake->said, i);
    fake->said++;
    int status = say(out, "CHUNK");
    item_queue_push(out, item);
    script->produced += item->size;
    return status < 0 ? status : say(out, "K");
}

static int produce_now(struct fake_engine *fake, struct item_queue *out, size_t budget, bool *ret_more)
{
    struct fake_script *script = fake->script;
    int status = 0;
    bool gives = script->is_giver && fake->base.counts.paused == 0;
    while (gives && status == 0 && out->bytes < budget && fake->messages_said < script->messages) {
        fake->messages_said++;
        status = say(out, "M");
    }
    while (gives && status == 0 && out->bytes < budget && fake->said < script->chunks)
        status = say_chunk(fake, out);
    *ret_more = gives && (fake->said < script->chunks || fake->messages_said < script->messages);
    if (!script->is_giver && fake->base.counts.paused != 0 && !fake->pause_said) {
        fake->pause_said = true;
        status = say(out, "P");
    }
    if (fake->says_done && !fake->done_said) {
        fake->done_said = true;
        status = say(out, "D");
    }
    return status;
}

static int fake_produce(struct engine *engine, struct item_queue *out, size_t budget, bool *ret_more)
{
    struct fake_engine *fake = (struct fake_engine *)engine;
    int status = begin(fake);
    return finish(fake, status < 0 ? status : produce_now(fake, out, budget, ret_more));
}

static void fake_destroy(struct engine *engine, bool discard)
{
    struct fake_engine *fake = (struct fake_engine *)engine;
    uv_thread_t self = uv_thread_self();
    if (uv_thread_equal(&self, &fake_loop_thread))
        fake->script->on_loop_thread = true;
    fake->script->discarded = discard;
    fake->script->destroyed++;
    transfer_failures_free(engine->failures);
    free(fake);
}

static void fake_set_wake(struct engine *engine, void (*on_wake)(void *ctx), void *ctx)
{
    struct fake_engine *fake = (struct fake_engine *)engine;
    fake->script->on_wake = on_wake;
    fake->script->wake_ctx = ctx;
}

struct engine *fake_engine_create(struct item_pool *pool, struct fake_script *script)
{
    static const struct engine_ops OPS = {
        .take = fake_take, .produce = fake_produce, .take_fin = fake_take_fin, .destroy = fake_destroy};
    static const struct engine_ops OPS_WAKING = {.take = fake_take,
                                                 .produce = fake_produce,
                                                 .take_fin = fake_take_fin,
                                                 .destroy = fake_destroy,
                                                 .set_wake = fake_set_wake};
    struct fake_engine *fake = calloc(1, sizeof(*fake));
    if (fake == NULL)
        return NULL;
    fake->base.ops = script->wakes ? &OPS_WAKING : &OPS;
    fake->base.pool = pool;
    fake->script = script;
    return &fake->base;
}
