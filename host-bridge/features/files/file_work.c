/* SPDX-License-Identifier: MIT */
/* From FILES_OPEN to the end of the connection. Keeps no time: whoever waits for the work does. */
#include "host-bridge/features/files/file_work.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>
#include <uv.h>

#include "protocol/base/status.h"

void file_work_prepare(struct files_open_message *ret, enum files_operation operation, const char *user)
{
    memset(ret, 0, sizeof(*ret));
    ret->operation = (uint8_t)operation;
    randombytes_buf(ret->id.bytes, sizeof(ret->id.bytes));
    snprintf(ret->user, sizeof(ret->user), "%s", user);
}

void file_work_close(struct file_work *work)
{
    struct files_dial *dial = work->dial;
    struct stream *stream = work->stream;
    work->dial = NULL;
    work->stream = NULL;
    if (dial != NULL)
        work->cancel(dial);
    if (stream != NULL)
        stream_abort(stream, UV_ECANCELED, "");
}

void file_work_finish(struct file_work *work)
{
    if (work->stream != NULL)
        stream_send(work->stream, FRAME_FIN, span_of(NULL, 0));
    stream_close(work->stream);
    work->stream = NULL;
}

void file_work_fail(struct file_work *work, int status, const char *text)
{
    file_work_close(work);
    work->ops->failed(work, status, text);
}

/* The other side's own word for it: nothing more needs to be said. */
static void fail_reset(struct file_work *work, struct span payload)
{
    int status = UV_ECONNRESET;
    char text[TEXT_REASON_MAX + 1] = "";
    frame_rst_decode(payload, &status, text);
    stream_close(work->stream);
    work->stream = NULL;
    work->ops->failed(work, status, text);
}

static void handle_message(struct file_work *work, struct span payload)
{
    struct message message;
    struct message_head head;
    int status = message_decode(payload, &message, &head);
    if (status < 0) {
        file_work_fail(work, status, "");
        return;
    }
    if (work->ops->message == NULL || !work->ops->message(work, &message))
        file_work_fail(work, STATUS_UNEXPECTED, message_kind_name(message.kind));
    message_finish(&message);
}

static void handle_frame(void *ctx, enum frame_type type, struct span payload)
{
    struct file_work *work = ctx;
    if (type == FRAME_MESSAGE)
        handle_message(work, payload);
    else if (type == FRAME_RST)
        fail_reset(work, payload);
    else if (type == FRAME_FIN)
        work->ops->fin(work);
    else
        file_work_fail(work, STATUS_UNEXPECTED, "");
}

static size_t handle_data(void *ctx, struct span bytes)
{
    struct file_work *work = ctx;
    if (work->ops->data != NULL)
        return work->ops->data(work, bytes);
    file_work_fail(work, STATUS_UNEXPECTED, "data where none is due");
    return bytes.size;
}

static void handle_writable(void *ctx)
{
    struct file_work *work = ctx;
    if (work->ops->writable != NULL)
        work->ops->writable(work);
}

static void handle_end(void *ctx, int status, const char *text)
{
    file_work_fail(ctx, status == UV_EOF ? UV_ECONNRESET : status, text);
}

static bool takes_turns(void *ctx)
{
    struct file_work *work = ctx;
    return work->ops->data == NULL;
}

static const struct stream_handler STREAM_HANDLER = {.on_frame = handle_frame,
                                                     .on_data = handle_data,
                                                     .on_writable = handle_writable,
                                                     .on_end = handle_end,
                                                     .takes_turns = takes_turns};

static void handle_opened(void *ctx, struct stream *stream, const struct files_opened_message *opened,
                          const struct files_keys *keys, bool sealed)
{
    struct file_work *work = ctx;
    work->dial = NULL;
    work->stream = stream;
    stream_set_handler(stream, &STREAM_HANDLER, work);
    work->ops->opened(work, opened);
}

static void handle_dial_failed(void *ctx, int status, const char *text)
{
    struct file_work *work = ctx;
    work->dial = NULL;
    work->ops->failed(work, status, text);
}

static const struct files_dial_handler DIAL_HANDLER = {.on_opened = handle_opened,
                                                       .on_failed = handle_dial_failed};

int file_work_begin(struct file_work *work, const struct files_io *io, const struct file_work_ops *ops,
                    const struct files_open_message *open)
{
    *work = (struct file_work){.ops = ops, .cancel = io->cancel};
    return io->open(io->ctx, open, &DIAL_HANDLER, work, &work->dial);
}
