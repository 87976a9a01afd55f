/* SPDX-License-Identifier: MIT */
/* Theory of operation
 *   ask (loop) → prepare (worker) → begin (loop) → what the kind does → FIN, and the other side's end. Jobs
 * are one at a time, on the user's behalf. Over it is by the other side's RST or loss, by its session's end,
 * by a failure, or when all was said: the stream goes at once, `stop` tells a job to come back soon; when
 * none runs and the kind has halted, `clean` runs as the last job, and the memory is freed. So a work is
 * never freed within a call of its own, and descriptors are closed, and partials removed, by the user's
 * rights and off the loop. It leaves to others: which work, and whether it is allowed (files.c), what it does
 * (the kinds). */
#define LOG_MODULE "files"
#include "agent/features/files/work.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/base/log.h"
#include "protocol/base/status.h"
#include "protocol/wire/utf8.h"
#include "services/transfer/target_path.h"

/* ---- jobs ---- */

static int enter_user(struct work *work)
{
    if (!work->has_user) {
        const struct files_options *options = &work->files->options;
        int status = acting_user_find(work->open.user, options->user, &work->user, work->problem);
        if (status < 0)
            return status;
        work->has_user = true;
    }
    return fs_identity_enter(&work->user.identity);
}

static void run_job(uv_work_t *job)
{
    struct work *work = job->data;
    work->job_status = enter_user(work);
    if (work->job_status < 0)
        return;
    work->job_status = work->run(work);
    fs_identity_leave(&work->user.identity);
}

static void maybe_settle(struct work *work);

static void finish_job(uv_work_t *job, int status)
{
    struct work *work = job->data;
    work->job_runs = false;
    if (work->over)
        maybe_settle(work);
    else
        work->done(work, work->job_status);
}

void work_run(struct work *work, int (*run)(struct work *work), void (*done)(struct work *work, int status))
{
    assert(!work->job_runs && !work->over);
    work->run = run;
    work->done = done;
    work->job_runs = true;
    work->job.data = work;
    int status = uv_queue_work(work->files->options.uv, &work->job, run_job, finish_job);
    assert(status == 0); /* it only refuses a missing function */
    (void)status;
}

/* ---- end ---- */

static void run_clean(uv_work_t *job)
{
    struct work *work = job->data;
    if (work->kind->clean == NULL)
        return;
    /* Without the user's rights what is left is still closed; it just may not be removable. */
    bool entered = work->has_user && fs_identity_enter(&work->user.identity) == 0;
    work->kind->clean(work);
    if (entered)
        fs_identity_leave(&work->user.identity);
}

static void finish_clean(uv_work_t *job, int status)
{
    struct work *work = job->data;
    flow_set_remove(&work->member);
    files_keys_wipe(&work->keys);
    free(work->open.paths);
    free(work->state);
    free(work);
}

static void maybe_settle(struct work *work)
{
    if (work->job_runs || work->halting || work->dying != NULL)
        return;
    work->job_runs = true; /* nothing follows it */
    work->job.data = work;
    int status = uv_queue_work(work->files->options.uv, &work->job, run_clean, finish_clean);
    assert(status == 0);
    (void)status;
}

void work_settle(struct work *work)
{
    work->halting = false;
    maybe_settle(work);
}

void work_end(struct work *work, int status)
{
    if (work->over)
        return;
    work->over = true;
    work->end_status = status;
    atomic_store(&work->stop, true);
    stream_close(work->stream);
    work->stream = NULL;
    if (work->asked && work->kind->over != NULL)
        work->kind->over(work, status);
    work->halting = work->begun && work->kind->halt != NULL && work->kind->halt(work);
    maybe_settle(work);
}

/* ---- a stream whose last word waits ---- */

static void let_die(void *ctx)
{
    struct work *work = ctx;
    stream_close(work->dying);
    work->dying = NULL;
    maybe_settle(work);
}

static void ignore_frame(void *ctx, enum frame_type type, struct span payload) {}

static size_t ignore_data(void *ctx, struct span bytes)
{
    return bytes.size;
}

static void handle_dying_end(void *ctx, int status, const char *text)
{
    let_die(ctx);
}

static const struct stream_handler DYING_HANDLER = {
    .on_frame = ignore_frame, .on_data = ignore_data, .on_writable = let_die, .on_end = handle_dying_end};

/* As stream_abort, but behind a full socket RST is waited for: else the other side would see a connection
 * that was cut, and not why. */
static void reset(struct work *work, int status, const char *text)
{
    struct stream *stream = work->stream;
    uint8_t payload[FRAME_RST_MAX];
    work->stream = NULL;
    if (stream == NULL)
        return;
    if (stream->ops->close_drops_queue) {
        stream_abort(stream, status, text);
        return;
    }
    size_t size = frame_rst_encode(status, text, payload);
    if (stream_send(stream, FRAME_RST, span_of(payload, size)) < 0 || stream_write_room(stream) > 0) {
        stream_close(stream);
        return;
    }
    work->dying = stream;
    stream_set_handler(stream, &DYING_HANDLER, work);
}

void work_fail(struct work *work, int status)
{
    if (work->over)
        return;
    const char *text = work->problem[0] != '\0' ? work->problem : status_text(status);
    files_log_failure(work->files, work->open.operation, status, text);
    reset(work, status, text);
    work_end(work, status);
}

/* At the session's end, which waits for nothing. */
static void abort_member(struct flow_member *member, int status)
{
    struct work *work = (struct work *)member;
    if (work->over) {
        if (work->dying != NULL)
            let_die(work);
        return;
    }
    struct stream *stream = work->stream;
    work->stream = NULL;
    if (stream != NULL)
        stream_abort(stream, status, "");
    work_end(work, status);
}

/* ---- what is said ---- */

bool work_send_opened(struct work *work, const struct files_opened_message *opened)
{
    struct message message = {.kind = MESSAGE_FILES_OPENED};
    message.body.files_opened = *opened;
    if (utf8_is_valid(span_of_text(work->path)))
        memcpy(message.body.files_opened.path, work->path, sizeof(work->path));
    int status = stream_send_message(work->stream, &message);
    if (status < 0)
        work_fail(work, status);
    return status == 0;
}

static void maybe_close(struct work *work)
{
    if (!work->over && work->fin_sent && work->fin_received && stream_write_room(work->stream) > 0) {
        log_debug("%s done", files_operation_name(work->open.operation));
        work_end(work, 0);
    }
}

void work_send_fin(struct work *work)
{
    int status = stream_send(work->stream, FRAME_FIN, span_of(NULL, 0));
    work->fin_waits = status == UV_ENOBUFS;
    if (status == 0) {
        work->fin_sent = true;
        maybe_close(work);
    } else if (!work->fin_waits) {
        work_fail(work, status);
    }
}

void work_finish(struct work *work, const struct files_done_message *done)
{
    struct message message = {.kind = MESSAGE_FILES_DONE};
    message.body.files_done = *done;
    int status = stream_send_message(work->stream, &message);
    if (status < 0)
        work_fail(work, status);
    else
        work_send_fin(work);
}

/* ---- what is heard ---- */

static void take_fin(struct work *work)
{
    if (work->fin_received) {
        work_fail(work, STATUS_UNEXPECTED);
        return;
    }
    work->fin_received = true;
    if (work->begun && work->kind->on_fin != NULL)
        work->kind->on_fin(work);
    maybe_close(work);
}

static void handle_frame(void *ctx, enum frame_type type, struct span payload)
{
    struct work *work = ctx;
    int status = UV_ECONNRESET;
    char text[TEXT_REASON_MAX + 1] = "";
    if (type == FRAME_FIN) {
        take_fin(work);
    } else if (type == FRAME_RST) {
        frame_rst_decode(payload, &status, text);
        log_debug("%s given up by the host: %s", files_operation_name(work->open.operation),
                  status_text(status));
        work_end(work, status);
    } else {
        work_fail(work, STATUS_UNEXPECTED);
    }
}

static size_t handle_data(void *ctx, struct span bytes)
{
    struct work *work = ctx;
    if (work->kind->on_data == NULL || work->fin_received) {
        work_fail(work, STATUS_UNEXPECTED);
        return bytes.size;
    }
    return work->begun ? work->kind->on_data(work, bytes) : 0; /* early: it waits in the stream */
}

static void handle_writable(void *ctx)
{
    struct work *work = ctx;
    if (work->fin_waits)
        work_send_fin(work);
    else if (work->begun && !work->fin_sent && work->kind->on_writable != NULL)
        work->kind->on_writable(work);
    maybe_close(work);
}

static void handle_end(void *ctx, int status, const char *text)
{
    struct work *work = ctx;
    log_debug("%s %s: %s", files_operation_name(work->open.operation), work->fin_sent ? "done" : "broken off",
              status_text(status));
    work_end(work, work->fin_sent ? 0 : status == UV_EOF ? UV_ECONNRESET : status);
}

static const struct stream_handler HANDLER = {
    .on_frame = handle_frame, .on_data = handle_data, .on_writable = handle_writable, .on_end = handle_end};

/* ---- beginning ---- */

static void handle_prepared(struct work *work, int status)
{
    if (status < 0) {
        work_fail(work, status);
        return;
    }
    work->begun = true;
    work->kind->begin(work);
}

static int copy_open(struct work *work, const struct files_open_message *open)
{
    size_t size = open->path_count * sizeof(*open->paths);
    work->open = *open;
    work->open.paths = size > 0 ? malloc(size) : NULL;
    if (size > 0 && work->open.paths == NULL)
        return UV_ENOMEM;
    if (size > 0)
        memcpy(work->open.paths, open->paths, size);
    return 0;
}

void work_start(struct files *files, const struct work_kind *kind, struct flow_set *works,
                struct stream *stream, const struct session_keys *keys, uint64_t connection,
                const struct files_open_message *open)
{
    struct work *work = calloc(1, sizeof(*work));
    int status = work == NULL ? UV_ENOMEM : copy_open(work, open);
    if (status < 0) {
        free(work);
        files_refuse(files, stream, open, status, "");
        return;
    }
    work->files = files;
    work->kind = kind;
    work->stream = stream;
    work->sealed = keys->cipher != 0;
    session_keys_of_files(keys, connection, &work->keys);
    atomic_init(&work->stop, false);
    work->member.abort = abort_member;
    flow_set_add(works, &work->member);
    stream_set_handler(stream, &HANDLER, work);
    status = kind->ask != NULL ? kind->ask(work) : 0;
    work->asked = status == 0;
    if (status < 0)
        work_fail(work, status);
    else if (kind->prepare != NULL)
        work_run(work, kind->prepare, handle_prepared);
    else
        handle_prepared(work, 0);
}

int work_resolve(struct work *work, const char *path, char ret[static FILES_PATH_MAX + 1])
{
    int status = target_path_absolute(path, work->user.home, ret);
    if (status < 0)
        snprintf(work->problem, sizeof(work->problem), "%s",
                 status == UV_ENAMETOOLONG ? "the path is too long" : "a path is missing");
    return status;
}

int work_resolve_only(struct work *work, char ret[static FILES_PATH_MAX + 1])
{
    if (work->open.path_count == 1)
        return work_resolve(work, work->open.paths[0].path, ret);
    snprintf(work->problem, sizeof(work->problem), "%s takes one path, not %zu",
             files_operation_name(work->open.operation), work->open.path_count);
    return STATUS_INVALID;
}
