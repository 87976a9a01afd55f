/* SPDX-License-Identifier: MIT */
/* Server-sent events from a shared ring. Which event says what is api.c's; suspending and resuming
 * connections is http_request.c's.
 *
 * Theory of operation
 * - An event is kept once, as the text that goes out, behind the name of its guest (for the filter). Each
 *   reader has a cursor: the last number it was sent or passed over.
 * - A reader that can't keep up is not asked for more bytes, so that its cursor stands still and nobody else
 *   notices; once the ring has moved past the cursor, the reader is told of the gap and goes on from the
 *   oldest.
 * - Text that doesn't fit into the bytes asked for waits in the reader's own `rest`, so that the ring may
 *   drop the event meanwhile. The rest never holds more than one event. */
#include "host-bridge/api/sse.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/api/view.h"
#include "protocol/base/clock.h"
#include "protocol/base/status.h"
#include "protocol/wire/event_log.h"

#define EVENT_MAX                                                                                            \
    SSE_RING_BYTES_MAX /* a transfer of many long paths; a port and its forward: below 16 KiB                \
                        */
#define EPOCH 1        /* one life, one log */

struct reader {
    struct sse *sse;
    struct reader *previous, *next;
    struct http_request *request;
    uint64_t cursor;
    bool heartbeat_due;
    struct buffer rest;
    char vm[TEXT_NAME_MAX + 1]; /* empty: all */
};

struct sse {
    struct event_log *log;
    struct reader *readers;
    size_t reader_count;
    uv_timer_t heartbeat;
    uint64_t heartbeat_ms;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

int sse_create(uv_loop_t *loop, uint64_t first_event, uint64_t heartbeat_ms, struct sse **ret)
{
    struct sse *sse = calloc(1, sizeof(*sse));
    if (sse == NULL)
        return UV_ENOMEM;
    sse->log =
        event_log_create(EPOCH, first_event == 0 ? 1 : first_event, SSE_RING_COUNT_MAX, SSE_RING_BYTES_MAX);
    if (sse->log == NULL) {
        free(sse);
        return UV_ENOMEM;
    }
    sse->heartbeat_ms = heartbeat_ms == 0 ? SSE_HEARTBEAT_MS : heartbeat_ms;
    uv_timer_init(loop, &sse->heartbeat);
    sse->heartbeat.data = sse;
    *ret = sse;
    return 0;
}

static void handle_closed(uv_handle_t *handle)
{
    struct sse *sse = handle->data;
    void (*on_closed)(void *ctx) = sse->on_closed;
    void *ctx = sse->closed_ctx;
    event_log_destroy(sse->log);
    free(sse);
    on_closed(ctx);
}

void sse_close(struct sse *sse, void (*on_closed)(void *ctx), void *ctx)
{
    sse->on_closed = on_closed;
    sse->closed_ctx = ctx;
    uv_close((uv_handle_t *)&sse->heartbeat, handle_closed);
}

/* Events in: a byte of length, the guest's name, the text */

static bool concerns(const struct reader *reader, const char *vm, size_t vm_size)
{
    return reader->vm[0] == '\0' || (strlen(reader->vm) == vm_size && memcmp(reader->vm, vm, vm_size) == 0);
}

static char *event_text(uint64_t sequence, const char *vm, const char *type, json_t *data, int *ret_size)
{
    if (data == NULL || json_object_set_new(data, "vm", view_text_or_null(vm)) != 0 ||
        json_object_set_new(data, "time", view_time(clock_realtime_ms())) != 0)
        return NULL;
    char *json = json_dumps(data, JSON_COMPACT);
    char *text = NULL;
    if (json != NULL)
        *ret_size = asprintf(&text, "%c%sevent: %s\nid: %" PRIu64 "\ndata: %s\n\n", (int)strlen(vm), vm, type,
                             sequence, json);
    free(json);
    return json == NULL || *ret_size < 0 ? NULL : text;
}

static void pass_on(struct sse *sse, uint64_t sequence, const char *vm)
{
    for (struct reader *reader = sse->readers; reader != NULL; reader = reader->next) {
        if (concerns(reader, vm, strlen(vm)))
            http_request_wake(reader->request);
        else if (reader->cursor + 1 == sequence)
            reader->cursor = sequence; /* else a quiet guest's reader would fall off the ring */
    }
}

void sse_publish(struct sse *sse, const char *vm, const char *type, json_t *data)
{
    uint64_t sequence = event_log_next(sse->log);
    int size = 0;
    char *text = event_text(sequence, vm, type, data, &size);
    json_decref(data);
    if (text != NULL && event_log_append(sse->log, span_of(text, (size_t)size), NULL) == 0)
        pass_on(sse, sequence, vm);
    free(text);
}

/* Events out */

struct output {
    char *bytes;
    size_t size, max;
};

/* False: the reader's rest took (some of) it, nothing more fits. */
static bool put(struct reader *reader, struct output *output, const void *text, size_t size)
{
    size_t now = size < output->max - output->size ? size : output->max - output->size;
    memcpy(output->bytes + output->size, text, now);
    output->size += now;
    if (now < size)
        buffer_append(&reader->rest, (const char *)text + now, size - now);
    return now == size;
}

static bool put_rest(struct reader *reader, struct output *output)
{
    struct span rest = buffer_span(&reader->rest);
    size_t size = rest.size < output->max ? rest.size : output->max;
    if (size > 0)
        memcpy(output->bytes, rest.data, size);
    output->size = size;
    buffer_consume(&reader->rest, size);
    return buffer_size(&reader->rest) == 0;
}

/* The cursor lies before the ring, or after it (the numbers began anew). */
static bool put_gap(struct reader *reader, struct output *output)
{
    uint64_t oldest = event_log_oldest(reader->sse->log);
    bool ahead = reader->cursor > event_log_last(reader->sse->log);
    if (!ahead && reader->cursor + 1 >= oldest)
        return true;
    char text[160];
    int size = snprintf(text, sizeof(text),
                        "event: gap\nid: %" PRIu64 "\ndata: {\"from\":%" PRIu64 ",\"to\":%" PRIu64 "}\n\n",
                        oldest - 1, ahead ? 0 : reader->cursor + 1, oldest - 1);
    reader->cursor = oldest - 1;
    return put(reader, output, text, (size_t)size);
}

static bool put_events(struct reader *reader, struct output *output)
{
    struct span event;
    while (event_log_get(reader->sse->log, reader->cursor + 1, &event)) {
        reader->cursor++;
        size_t vm_size = event.data[0];
        const char *vm = (const char *)event.data + 1;
        if (concerns(reader, vm, vm_size) && !put(reader, output, vm + vm_size, event.size - 1 - vm_size))
            return false;
    }
    return true;
}

/* A comment, and an id without data: no event, but a reconnecting client then names the right cursor. */
static void put_heartbeat(struct reader *reader, struct output *output)
{
    char text[64];
    int size = snprintf(text, sizeof(text), ": heartbeat\nid: %" PRIu64 "\n\n", reader->cursor);
    reader->heartbeat_due = false;
    put(reader, output, text, (size_t)size);
}

static ssize_t reader_read(void *ctx, char *out, size_t max)
{
    struct reader *reader = ctx;
    struct output output = {.bytes = out, .max = max};
    if (put_rest(reader, &output) && put_gap(reader, &output) && put_events(reader, &output) &&
        reader->heartbeat_due)
        put_heartbeat(reader, &output);
    return (ssize_t)output.size;
}

/* Readers */

static void handle_heartbeat(uv_timer_t *timer)
{
    struct sse *sse = timer->data;
    for (struct reader *reader = sse->readers; reader != NULL; reader = reader->next) {
        reader->heartbeat_due = true;
        http_request_wake(reader->request);
    }
}

static void reader_finish(void *ctx)
{
    struct reader *reader = ctx;
    struct sse *sse = reader->sse;
    if (reader->previous != NULL)
        reader->previous->next = reader->next;
    else
        sse->readers = reader->next;
    if (reader->next != NULL)
        reader->next->previous = reader->previous;
    if (--sse->reader_count == 0)
        uv_timer_stop(&sse->heartbeat);
    buffer_finish(&reader->rest);
    free(reader);
}

int sse_serve(struct sse *sse, struct http_request *request, const char *vm, uint64_t cursor)
{
    if (sse->reader_count >= SSE_READERS_MAX)
        return STATUS_LIMIT;
    struct reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        return UV_ENOMEM;
    reader->sse = sse;
    reader->request = request;
    reader->cursor = cursor == SSE_FROM_NOW ? event_log_last(sse->log)
                     : cursor == 0          ? event_log_oldest(sse->log) - 1
                                            : cursor;
    buffer_init(&reader->rest, EVENT_MAX);
    snprintf(reader->vm, sizeof(reader->vm), "%s", vm);
    reader->next = sse->readers;
    if (reader->next != NULL)
        reader->next->previous = reader;
    sse->readers = reader;
    if (sse->reader_count++ == 0)
        uv_timer_start(&sse->heartbeat, handle_heartbeat, sse->heartbeat_ms, sse->heartbeat_ms);
    http_request_reply_stream(request, "text/event-stream",
                              &(struct http_request_stream){reader_read, reader_finish, reader});
    return 0;
}
