/* SPDX-License-Identifier: MIT */
/* READ: DATA into one buffer, from which it is taken. The size that the guest told first is the measure: more
 * is refused, less is a failure. */
#include "host-bridge/features/files/file_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "protocol/base/status.h"

struct file_read {
    struct file_work work;
    const struct file_read_handler *handler;
    void *ctx;
    uint64_t offset, length;
    uint64_t left;       /* that the guest still owes */
    uint8_t *bytes;      /* FILE_READ_BUFFER_BYTES; NULL before the first */
    size_t start, end;   /* what is in it and was not taken */
    bool is_paused;      /* the stream holds more */
    bool has_ended;      /* FIN came, where it was due */
    bool somebody_waits; /* file_read_take gave 0 */
};

static void tell_bytes(struct file_read *read)
{
    if (!read->somebody_waits)
        return;
    read->somebody_waits = false;
    read->handler->on_bytes(read->ctx);
}

static void opened(struct file_work *work, const struct files_opened_message *message)
{
    struct file_read *read = (struct file_read *)work;
    uint64_t there = message->size > read->offset ? message->size - read->offset : 0;
    read->left = read->length == 0 || there < read->length ? there : read->length;
    read->handler->on_opened(read->ctx, message);
}

static size_t data(struct file_work *work, struct span span)
{
    struct file_read *read = (struct file_read *)work;
    if (span.size > read->left) {
        file_work_fail(work, STATUS_MALFORMED, "more bytes than the guest had said");
        return span.size;
    }
    if (read->bytes == NULL)
        read->bytes = malloc(FILE_READ_BUFFER_BYTES);
    if (read->bytes == NULL) {
        file_work_fail(work, UV_ENOMEM, "");
        return span.size;
    }
    size_t room = FILE_READ_BUFFER_BYTES - read->end;
    size_t taken = span.size < room ? span.size : room;
    if (taken > 0)
        memcpy(read->bytes + read->end, span.data, taken);
    read->end += taken;
    read->left -= taken;
    read->is_paused = taken < span.size;
    if (taken > 0)
        tell_bytes(read);
    return taken;
}

static void fin(struct file_work *work)
{
    struct file_read *read = (struct file_read *)work;
    if (read->left > 0) {
        file_work_fail(work, STATUS_CHANGED, "fewer bytes than the guest had said");
        return;
    }
    file_work_finish(work);
    read->has_ended = true;
    tell_bytes(read);
}

static void failed(struct file_work *work, int status, const char *text)
{
    struct file_read *read = (struct file_read *)work;
    read->handler->on_failed(read->ctx, status, text);
}

static const struct file_work_ops OPS = {.opened = opened, .data = data, .fin = fin, .failed = failed};

int file_read_begin(const struct files_io *io, const char *user, const char *path, uint64_t offset,
                    uint64_t length, const struct file_read_handler *handler, void *ctx,
                    struct file_read **ret)
{
    struct files_open_message open;
    struct files_path where;
    file_work_prepare(&open, FILES_READ, user);
    snprintf(where.path, sizeof(where.path), "%s", path);
    open.paths = &where;
    open.path_count = 1;
    open.offset = offset;
    open.length = length;
    struct file_read *read = calloc(1, sizeof(*read));
    if (read == NULL)
        return UV_ENOMEM;
    read->handler = handler;
    read->ctx = ctx;
    read->offset = offset;
    read->length = length;
    int status = file_work_begin(&read->work, io, &OPS, &open);
    if (status < 0) {
        free(read);
        return status;
    }
    *ret = read;
    return 0;
}

ssize_t file_read_take(struct file_read *read, void *out, size_t max)
{
    size_t size = read->end - read->start < max ? read->end - read->start : max;
    if (size == 0) {
        read->somebody_waits = !read->has_ended;
        return read->has_ended ? UV_EOF : 0;
    }
    memcpy(out, read->bytes + read->start, size);
    read->start += size;
    if (read->start < read->end)
        return (ssize_t)size;
    read->start = read->end = 0;
    if (read->is_paused && read->work.stream != NULL) {
        read->is_paused = false;
        stream_resume(read->work.stream); /* last: it may fail, and `read` be closed for it */
    }
    return (ssize_t)size;
}

void file_read_close(struct file_read *read)
{
    if (read == NULL)
        return;
    file_work_close(&read->work);
    free(read->bytes);
    free(read);
}
