/* SPDX-License-Identifier: MIT */
/* Life and jobs of a link.
 *
 * Theory of operation
 *   The engine blocks, so it is only called by jobs on libuv's worker threads, one at a time. While a job
 * runs the loop goes on receiving into `incoming` and sending from `outgoing`; the job has queues of its own,
 * which are swapped for these when it begins and ends. A job hands over what came and then lets the engine
 * say what it has to, as long as there is room for it: taking never waits for room to send, or two ends could
 * wait for each other.
 *   The end: of both FINs, of the stream, by an error of the engine, or by the owner. Why is known at once,
 * on_end is called when no job runs, and memory is freed when the engine was destroyed, by a job as well,
 * and the handles are closed. It leaves to others: frames (transfer_link_in.c, transfer_link_out.c) and what
 * items mean (the engine). */
#include "services/transfer/transfer_link.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/transfer/transfer_link_internal.h"

#define PRODUCE_MAX                                                                                          \
    (2 * FILES_CHUNK_SIZE)           /* a job's share: the other half of TRANSFER_OUT_MAX is sent meanwhile */
#define PRODUCE_MIN FILES_CHUNK_SIZE /* less room is not worth a job */

/* ---- on a worker thread ---- */

static int take_items(struct engine *engine, struct link_job *job)
{
    while (job->in.first != NULL) {
        int status = engine->ops->take(engine, job->in.first);
        job->stalled = status == UV_EAGAIN;
        if (status < 0)
            return job->stalled ? 0 : status;
        struct transfer_item *item = item_queue_pop(&job->in);
        if (status != ENGINE_KEPT)
            item_release(engine->pool, item);
        job->took = true;
    }
    if (!job->fin)
        return 0;
    job->took = job->fin_taken = true;
    return engine_take_fin(engine);
}

static void run_job(uv_work_t *work)
{
    struct transfer_link *link = work->data;
    struct link_job *job = &link->job;
    job->status = fs_identity_enter(&link->identity);
    if (job->status < 0)
        return;
    if (job->takes)
        job->status = take_items(link->engine, job);
    if (job->status == 0 && job->budget > 0)
        job->status = link->engine->ops->produce(link->engine, &job->out, job->budget, &job->more);
    fs_identity_leave(&link->identity);
}

static void run_destroy(uv_work_t *work)
{
    struct transfer_link *link = work->data;
    int status = fs_identity_enter(&link->identity);
    link->engine->ops->destroy(link->engine, link->discard && status == 0);
    if (status == 0)
        fs_identity_leave(&link->identity);
}

/* ---- jobs ---- */

static size_t out_room(const struct transfer_link *link)
{
    size_t room = link->outgoing.bytes < TRANSFER_OUT_MAX ? TRANSFER_OUT_MAX - link->outgoing.bytes : 0;
    if (link->lost || room < PRODUCE_MIN)
        return 0;
    return room < PRODUCE_MAX ? room : PRODUCE_MAX;
}

static bool has_items(const struct transfer_link *link)
{
    return !link->stalled && (link->job.in.first != NULL || link->incoming.first != NULL ||
                              (link->fin_came && !link->fin_taken));
}

static void finish_job(uv_work_t *work, int status);

static void start_job(struct transfer_link *link)
{
    struct link_job *job = &link->job;
    item_queue_move(&job->in, &link->incoming);
    job->takes = !link->stalled;
    job->fin = link->fin_came && !link->fin_taken;
    job->in_bytes = job->in.bytes;
    job->budget = out_room(link);
    job->status = 0;
    job->took = job->fin_taken = job->stalled = job->more = false;
    link->working = true;
    int status = uv_queue_work(link->loop, &link->work, run_job, finish_job);
    assert(status == 0); /* it only refuses a missing function */
    (void)status;
}

static void tell_end(struct transfer_link *link)
{
    link->state = LINK_ENDED;
    link->handler->on_end(link->ctx, link->end_status, link->end_text);
}

static void end(struct transfer_link *link, int status, const char *text)
{
    if (link->state != LINK_RUNS)
        return;
    link->state = LINK_ENDING;
    link->end_status = status;
    if (text != link->end_text)
        snprintf(link->end_text, sizeof(link->end_text), "%s", text);
    uv_timer_stop(&link->retry);
    if (!link->working)
        tell_end(link);
}

void transfer_link_fail(struct transfer_link *link, int status, const char *text)
{
    if (link->state != LINK_RUNS)
        return;
    transfer_link_leave(link, status, text);
    atomic_store(&link->stop, true);
    end(link, status, text);
}

void transfer_link_lose(struct transfer_link *link, int status, const char *text, bool at_once)
{
    stream_close(link->stream);
    link->stream = NULL;
    link->lost = true;
    link->end_status = status;
    snprintf(link->end_text, sizeof(link->end_text), "%s", text);
    if (at_once) {
        atomic_store(&link->stop, true);
        transfer_link_in_clear(link);
        link->fin_came = link->fin_taken;
    }
    transfer_link_go_on(link);
}

/* With no job under way. True: it is over. */
static bool is_over(struct transfer_link *link)
{
    bool is_done = link->engine->is_done;
    if (link->lost) {
        bool at_once = atomic_load(&link->stop);
        if (!is_done && !at_once && has_items(link))
            return false; /* what came before the end still counts */
        end(link, is_done ? 0 : link->end_status, is_done ? "" : link->end_text);
        return true;
    }
    if (!is_done || !link->fin_sent || !link->fin_taken || stream_write_room(link->stream) == 0)
        return false;
    stream_close(link->stream);
    link->stream = NULL;
    end(link, 0, "");
    return true;
}

void transfer_link_go_on(struct transfer_link *link)
{
    if (link->state != LINK_RUNS || link->working || is_over(link))
        return;
    if (has_items(link) || (link->wants_produce && out_room(link) > 0))
        start_job(link);
}

static void note_results(struct transfer_link *link)
{
    struct link_job *job = &link->job;
    item_queue_move(&link->outgoing, &job->out);
    job->in_bytes = job->in.bytes;
    link->fin_taken = link->fin_taken || job->fin_taken;
    link->says_fin = link->engine->says_fin;
    link->is_paused = link->engine->counts.paused != 0;
    if (job->takes)
        link->stalled = job->stalled;
    link->wants_produce = job->budget > 0 ? job->more : link->wants_produce || job->took || job->stalled;
    if (link->woken) {
        link->woken = link->stalled = false;
        link->wants_produce = true;
    }
}

static void tell_progress(struct transfer_link *link)
{
    const struct engine *engine = link->engine;
    if (link->handler->on_progress == NULL || (engine->failures_told == link->failures_told &&
                                               memcmp(&link->told, &engine->counts, sizeof(link->told)) == 0))
        return;
    link->failures_told = engine->failures_told;
    memcpy(&link->told, &engine->counts, sizeof(link->told));
    link->handler->on_progress(link->ctx);
}

static void handle_retry(uv_timer_t *timer)
{
    transfer_link_wake(timer->data);
}

static void start_destroy(struct transfer_link *link);

static void finish_job(uv_work_t *work, int status)
{
    struct transfer_link *link = work->data;
    link->working = false;
    note_results(link);
    if (link->state == LINK_RUNS)
        tell_progress(link);
    if (link->state == LINK_CLOSING) {
        if (!link->working)
            start_destroy(link);
        return;
    }
    if (link->state == LINK_ENDING) {
        tell_end(link);
        return;
    }
    if (link->job.status < 0 && !link->lost) {
        transfer_link_fail(link, link->job.status, link->engine->problem);
        return;
    }
    if (link->job.status < 0)
        atomic_store(&link->stop, true); /* lost, and now broken, too */
    if (link->stalled && !uv_is_active((uv_handle_t *)&link->retry))
        uv_timer_start(&link->retry, handle_retry, TRANSFER_RETRY_MS, 0);
    transfer_link_go_on(link); /* the next job first: it runs while this thread sends */
    transfer_link_out_pump(link);
    transfer_link_in_resume(link);
    transfer_link_go_on(link);
}

/* ---- life ---- */

static void handle_wake(uv_async_t *wake)
{
    transfer_link_wake(wake->data);
}

static void wake_from_anywhere(void *ctx)
{
    struct transfer_link *link = ctx;
    uv_async_send(&link->wake);
}

int transfer_link_create(uv_loop_t *loop, struct stream *stream, struct engine *engine,
                         const struct fs_identity *identity, const struct transfer_link_handler *handler,
                         void *ctx, struct transfer_link **ret)
{
    struct transfer_link *link = calloc(1, sizeof(*link));
    if (link == NULL)
        return UV_ENOMEM;
    link->engine_wakes = engine->ops->set_wake != NULL;
    if (link->engine_wakes) {
        int status = uv_async_init(loop, &link->wake, handle_wake);
        if (status < 0) {
            free(link);
            return status;
        }
    }
    uv_timer_init(loop, &link->retry);
    uv_timer_init(loop, &link->leave);
    link->wake.data = link->retry.data = link->leave.data = link;
    link->handles = link->engine_wakes ? 3 : 2;
    link->loop = loop;
    link->stream = stream;
    link->engine = engine;
    link->identity = *identity;
    link->handler = handler;
    link->ctx = ctx;
    link->work.data = link;
    link->wants_produce = true;
    atomic_init(&link->stop, false);
    engine->stop = &link->stop;
    if (link->engine_wakes)
        engine->ops->set_wake(engine, wake_from_anywhere, link);
    stream_set_handler(stream, &TRANSFER_LINK_STREAM_HANDLER, link);
    start_job(link);
    *ret = link;
    return 0;
}

struct engine *transfer_link_engine(struct transfer_link *link)
{
    assert(!link->working);
    return link->engine;
}

void transfer_link_wake(struct transfer_link *link)
{
    if (link->state != LINK_RUNS)
        return;
    uv_timer_stop(&link->retry);
    link->woken = link->working;
    link->stalled = false;
    link->wants_produce = true;
    transfer_link_go_on(link);
}

static void handle_closed(uv_handle_t *handle)
{
    struct transfer_link *link = handle->data;
    if (--link->handles > 0)
        return;
    void (*on_closed)(void *ctx) = link->on_closed;
    void *ctx = link->closed_ctx;
    free(link);
    on_closed(ctx);
}

static void close_handles(struct transfer_link *link)
{
    if (link->engine_wakes)
        uv_close((uv_handle_t *)&link->wake, handle_closed);
    uv_close((uv_handle_t *)&link->retry, handle_closed);
    uv_close((uv_handle_t *)&link->leave, handle_closed);
}

void transfer_link_left(struct transfer_link *link)
{
    if (link->destroyed)
        close_handles(link);
}

static void finish_destroy(uv_work_t *work, int status)
{
    struct transfer_link *link = work->data;
    link->destroyed = true;
    if (link->leaving == NULL)
        close_handles(link);
}

/* Nothing is owned by a job any more. */
static void start_destroy(struct transfer_link *link)
{
    struct item_pool *pool = link->engine->pool;
    transfer_link_in_clear(link);
    item_queue_clear(&link->job.in, pool);
    item_queue_clear(&link->outgoing, pool);
    link->working = true;
    atomic_store(&link->stop, false); /* removing what is left has its time */
    int status = uv_queue_work(link->loop, &link->work, run_destroy, finish_destroy);
    assert(status == 0);
    (void)status;
}

void transfer_link_close(struct transfer_link *link, bool discard, void (*on_closed)(void *ctx), void *ctx)
{
    assert(link->state != LINK_CLOSING);
    link->state = LINK_CLOSING;
    link->on_closed = on_closed;
    link->closed_ctx = ctx;
    link->discard = link->discard || discard;
    atomic_store(&link->stop, true);
    uv_timer_stop(&link->retry);
    if (discard)
        transfer_link_leave(link, UV_ECANCELED, "");
    else
        stream_close(link->stream);
    link->stream = NULL;
    if (!link->working)
        start_destroy(link);
}
