/* SPDX-License-Identifier: MIT */
/* MAKE, MOVE, REMOVE, DECLINE: FILES_OPEN says all, FILES_DONE and FIN answer. */
#include "host-bridge/features/files/file_act.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "protocol/base/status.h"

struct file_act {
    struct file_work work;
    file_act_done on_done;
    void *ctx;
    bool is_done; /* FILES_DONE came */
    char path[FILES_PATH_MAX + 1];
};

static void opened(struct file_work *work, const struct files_opened_message *message)
{
    struct file_act *act = (struct file_act *)work;
    if (message->path[0] != '\0')
        memcpy(act->path, message->path, sizeof(act->path));
}

static bool take_message(struct file_work *work, const struct message *message)
{
    struct file_act *act = (struct file_act *)work;
    if (message->kind != MESSAGE_FILES_DONE || act->is_done)
        return false;
    const struct files_done_message *done = &message->body.files_done;
    if (done->name_count > 0 && done->names[0].path[0] != '\0')
        memcpy(act->path, done->names[0].path, sizeof(act->path));
    act->is_done = true;
    return true;
}

static void fin(struct file_work *work)
{
    struct file_act *act = (struct file_act *)work;
    if (!act->is_done) {
        file_work_fail(work, STATUS_UNEXPECTED, "the guest ended before it was done");
        return;
    }
    file_work_finish(work);
    act->on_done(act->ctx, 0, "", act->path);
}

static void failed(struct file_work *work, int status, const char *text)
{
    struct file_act *act = (struct file_act *)work;
    act->on_done(act->ctx, status, text, NULL);
}

static const struct file_work_ops OPS = {
    .opened = opened, .message = take_message, .fin = fin, .failed = failed};

int file_act_begin(const struct files_io *io, const struct file_act_request *request, file_act_done on_done,
                   void *ctx, struct file_act **ret)
{
    struct files_open_message open;
    struct files_path where;
    file_work_prepare(&open, request->operation, request->user);
    snprintf(where.path, sizeof(where.path), "%s", request->path == NULL ? "" : request->path);
    open.paths = &where;
    open.path_count = request->path != NULL;
    snprintf(open.to, sizeof(open.to), "%s", request->to == NULL ? "" : request->to);
    open.flags = request->flags;
    open.conflict = (uint8_t)request->conflict;
    open.mode = request->mode;
    open.offer = request->offer;
    struct file_act *act = calloc(1, sizeof(*act));
    if (act == NULL)
        return UV_ENOMEM;
    act->on_done = on_done;
    act->ctx = ctx;
    snprintf(act->path, sizeof(act->path), "%s", request->to != NULL ? request->to : where.path);
    int status = file_work_begin(&act->work, io, &OPS, &open);
    if (status < 0) {
        free(act);
        return status;
    }
    *ret = act;
    return 0;
}

void file_act_close(struct file_act *act)
{
    if (act == NULL)
        return;
    file_work_close(&act->work);
    free(act);
}
