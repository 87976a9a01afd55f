/* SPDX-License-Identifier: MIT */
/* WATCH: looks that the folder may be watched, then passes on what the watcher tells, as the stream takes it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "agent/features/files/complaint.h"
#include "agent/features/files/work.h"
#include "protocol/base/status.h"

struct watch_state {
    void *watch;  /* NULL: not started */
    bool ready;   /* FILES_OPENED was sent */
    bool blocked; /* the watcher keeps something back */
};

static int ask(struct work *work)
{
    if (work->files->watches != NULL)
        return 0;
    snprintf(work->problem, sizeof(work->problem), "this agent can't watch folders");
    return STATUS_NOT_SUPPORTED;
}

static int prepare(struct work *work)
{
    work->state = calloc(1, sizeof(struct watch_state));
    int status = work->state == NULL ? UV_ENOMEM : work_resolve_only(work, work->path);
    if (status < 0)
        return status;
    int fd = open(work->path, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return complaint_of_errno(work->problem, errno, "can't watch", work->path);
    close(fd);
    return 0;
}

static bool handle_changes(void *ctx, const struct changes_message *changes)
{
    struct work *work = ctx;
    struct watch_state *state = work->state;
    struct message message = {.kind = MESSAGE_CHANGES};
    if (work->fin_sent || work->fin_waits)
        return true; /* nobody listens any more */
    message.body.changes = *changes;
    int status = stream_send_message(work->stream, &message);
    state->blocked = status == UV_ENOBUFS;
    if (status < 0 && !state->blocked)
        work_fail(work, status);
    return !state->blocked;
}

/* Only now: the host takes FILES_OPENED for the moment from which on nothing is missed. */
static void handle_ready(void *ctx)
{
    struct work *work = ctx;
    struct watch_state *state = work->state;
    struct files_opened_message opened = {.check = 0};
    state->ready = true;
    if (work_send_opened(work, &opened) && work->fin_received)
        work_send_fin(work);
}

static void handle_watch_end(void *ctx, int status, const char *text)
{
    struct work *work = ctx;
    snprintf(work->problem, sizeof(work->problem), "%s", text);
    work_fail(work, status);
}

static const struct watch_listener LISTENER = {
    .on_ready = handle_ready, .on_changes = handle_changes, .on_end = handle_watch_end};

static void begin(struct work *work)
{
    struct watch_state *state = work->state;
    struct files *files = work->files;
    int status = files->watches->start(files->watches_ctx, work->path, &work->user.identity, &LISTENER, work,
                                       &state->watch, work->problem);
    if (status < 0) {
        state->watch = NULL;
        work_fail(work, status);
    }
}

static void handle_fin(struct work *work)
{
    const struct watch_state *state = work->state;
    if (state->ready)
        work_send_fin(work); /* the host has seen enough */
}

static void handle_writable(struct work *work)
{
    struct watch_state *state = work->state;
    if (!state->blocked)
        return;
    state->blocked = false;
    work->files->watches->resume(work->files->watches_ctx, state->watch);
}

static bool halt(struct work *work)
{
    struct watch_state *state = work->state;
    if (state->watch != NULL)
        work->files->watches->stop(work->files->watches_ctx, state->watch);
    state->watch = NULL;
    return false;
}

const struct work_kind WATCH_WORK = {.ask = ask,
                                     .prepare = prepare,
                                     .begin = begin,
                                     .on_fin = handle_fin,
                                     .on_writable = handle_writable,
                                     .halt = halt};
