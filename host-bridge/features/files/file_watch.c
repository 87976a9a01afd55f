/* SPDX-License-Identifier: MIT */
/* WATCH: hands CHANGES on. What is kept of them for slow readers is theirs to bound. */
#include "host-bridge/features/files/file_watch.h"

#include <stdio.h>
#include <stdlib.h>

#include <uv.h>

struct file_watch {
    struct file_work work;
    const struct file_watch_handler *handler;
    void *ctx;
};

static void opened(struct file_work *work, const struct files_opened_message *message)
{
    struct file_watch *watch = (struct file_watch *)work;
    watch->handler->on_opened(watch->ctx);
}

static bool take_message(struct file_work *work, const struct message *message)
{
    struct file_watch *watch = (struct file_watch *)work;
    if (message->kind != MESSAGE_CHANGES)
        return false;
    watch->handler->on_changes(watch->ctx, &message->body.changes);
    return true;
}

static void fin(struct file_work *work)
{
    file_work_fail(work, UV_EOF, "");
}

static void failed(struct file_work *work, int status, const char *text)
{
    struct file_watch *watch = (struct file_watch *)work;
    watch->handler->on_ended(watch->ctx, status, text);
}

static const struct file_work_ops OPS = {
    .opened = opened, .message = take_message, .fin = fin, .failed = failed};

int file_watch_begin(const struct files_io *io, const char *user, const char *path,
                     const struct file_watch_handler *handler, void *ctx, struct file_watch **ret)
{
    struct files_open_message open;
    struct files_path where;
    file_work_prepare(&open, FILES_WATCH, user);
    snprintf(where.path, sizeof(where.path), "%s", path);
    open.paths = &where;
    open.path_count = 1;
    struct file_watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL)
        return UV_ENOMEM;
    watch->handler = handler;
    watch->ctx = ctx;
    int status = file_work_begin(&watch->work, io, &OPS, &open);
    if (status < 0) {
        free(watch);
        return status;
    }
    *ret = watch;
    return 0;
}

void file_watch_close(struct file_watch *watch)
{
    if (watch == NULL)
        return;
    file_work_close(&watch->work);
    free(watch);
}
