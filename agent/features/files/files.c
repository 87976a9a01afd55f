/* SPDX-License-Identifier: MIT */
/* Which kind of work an operation is, how many there may be, and the log of what failed. What a work is, is
 * work.c's. */
#define LOG_MODULE "files"
#include "agent/features/files/files.h"

#include <inttypes.h>
#include <stdlib.h>

#include "agent/features/files/work.h"
#include "protocol/base/clock.h"
#include "protocol/base/log.h"
#include "protocol/base/status.h"

#define SPARE_ITEMS_MAX 8 /* of FILES_CHUNK_SIZE: two transfers' worth */

static const struct operation {
    const char *name;
    const struct work_kind *kind;
} OPERATIONS[] = {
    [FILES_PUT] = {"PUT", &PUT_WORK},       [FILES_GET] = {"GET", &GET_WORK},
    [FILES_LIST] = {"LIST", &LIST_WORK},    [FILES_READ] = {"READ", &READ_WORK},
    [FILES_WRITE] = {"WRITE", &WRITE_WORK}, [FILES_MAKE] = {"MAKE", &CHANGE_WORK},
    [FILES_MOVE] = {"MOVE", &CHANGE_WORK},  [FILES_REMOVE] = {"REMOVE", &CHANGE_WORK},
    [FILES_WATCH] = {"WATCH", &WATCH_WORK}, [FILES_DECLINE] = {"DECLINE", &DECLINE_WORK},
};

static const struct operation *find(uint8_t operation)
{
    bool known = operation < sizeof(OPERATIONS) / sizeof(OPERATIONS[0]) && OPERATIONS[operation].kind != NULL;
    return known ? &OPERATIONS[operation] : NULL;
}

const char *files_operation_name(uint8_t operation)
{
    const struct operation *found = find(operation);
    return found != NULL ? found->name : "?";
}

void files_log_failure(struct files *files, uint8_t operation, int status, const char *text)
{
    uint64_t count;
    if (!log_limit_tell(&files->failures, clock_monotonic_ms(), &count))
        return;
    if (count == 1)
        log_warn("%s failed (%s): %s", files_operation_name(operation), status_name(status), text);
    else
        log_warn("%" PRIu64 " works on files failed, the last one a %s (%s): %s", count,
                 files_operation_name(operation), status_name(status), text);
}

int files_create(const struct files_options *options, struct files **ret)
{
    struct files *files = calloc(1, sizeof(*files));
    if (files == NULL)
        return UV_ENOMEM;
    files->options = *options;
    int status = item_pool_create(SPARE_ITEMS_MAX, &files->pool);
    if (status == 0) {
        status = batch_folders_init(&files->batches);
        if (status < 0)
            item_pool_destroy(files->pool);
    }
    if (status < 0) {
        free(files);
        return status;
    }
    *ret = files;
    return 0;
}

void files_destroy(struct files *files)
{
    if (files == NULL)
        return;
    batch_folders_finish(&files->batches);
    item_pool_destroy(files->pool);
    free(files);
}

void files_set_offers(struct files *files, const struct offers_source *source, void *ctx)
{
    files->offers = source;
    files->offers_ctx = ctx;
}

void files_set_watches(struct files *files, const struct watch_source *source, void *ctx)
{
    files->watches = source;
    files->watches_ctx = ctx;
}

void files_refuse(struct files *files, struct stream *stream, const struct files_open_message *open,
                  int status, const char *text)
{
    files_log_failure(files, open->operation, status, text[0] != '\0' ? text : status_text(status));
    stream_abort(stream, status, text);
}

void files_open(struct files *files, struct flow_set *works, struct stream *stream,
                const struct session_keys *keys, uint64_t connection, const struct files_open_message *open)
{
    const struct operation *operation = find(open->operation);
    if (operation == NULL)
        files_refuse(files, stream, open, STATUS_NOT_SUPPORTED, "");
    else if (works->active >= FILES_OPERATIONS_MAX)
        files_refuse(files, stream, open, STATUS_LIMIT, "too much work on files goes on at the same time");
    else
        work_start(files, operation->kind, works, stream, keys, connection, open);
}
