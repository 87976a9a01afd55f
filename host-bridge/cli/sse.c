/* SPDX-License-Identifier: MIT */
/* Parses server-sent events. Leaves what an event means to its reader. */
#include "host-bridge/cli/sse.h"

#include <string.h>
#include <uv.h>

void sse_init(struct sse *sse, bool (*on_event)(void *, const char *, const char *, const char *, size_t),
              void *ctx)
{
    memset(sse, 0, sizeof(*sse));
    buffer_init(&sse->line, SSE_EVENT_MAX);
    buffer_init(&sse->data, SSE_EVENT_MAX);
    sse->on_event = on_event;
    sse->ctx = ctx;
}

void sse_finish(struct sse *sse)
{
    buffer_finish(&sse->line);
    buffer_finish(&sse->data);
}

void sse_restart(struct sse *sse)
{
    buffer_consume(&sse->line, buffer_size(&sse->line));
    buffer_consume(&sse->data, buffer_size(&sse->data));
    sse->type[0] = '\0';
    sse->after_carriage_return = false;
}

/* Too long a value is as if it were not there. */
static void copy_value(char *out, size_t room, struct span value)
{
    if (value.size >= room || (value.size > 0 && memchr(value.data, '\0', value.size) != NULL))
        return;
    if (value.size > 0)
        memcpy(out, value.data, value.size);
    out[value.size] = '\0';
}

static int dispatch(struct sse *sse)
{
    size_t size = buffer_size(&sse->data);
    if (size == 0) {
        sse->type[0] = '\0';
        return 0;
    }
    int status = buffer_append(&sse->data, "", 1);
    if (status != 0)
        return status;
    /* Each data line ended with a newline; the last is not part of the data. */
    uint8_t *bytes = sse->data.storage + sse->data.start;
    bytes[size - 1] = '\0';
    bool more = sse->on_event(sse->ctx, sse->type[0] != '\0' ? sse->type : "message", sse->id,
                              (const char *)bytes, size - 1);
    sse->type[0] = '\0';
    buffer_consume(&sse->data, buffer_size(&sse->data));
    return more ? 0 : UV_ECANCELED;
}

static bool field_is(struct span field, const char *name)
{
    return span_equals(field, span_of_text(name));
}

static int take_line(struct sse *sse, struct span line)
{
    if (line.size == 0)
        return dispatch(sse);
    const uint8_t *colon = memchr(line.data, ':', line.size);
    size_t name_size = colon != NULL ? (size_t)(colon - line.data) : line.size;
    size_t skip = colon == NULL ? 0 : name_size + 1 < line.size && colon[1] == ' ' ? 2 : 1;
    struct span name = span_of(line.data, name_size);
    struct span value = span_of(line.data + name_size + skip, line.size - name_size - skip);
    if (field_is(name, "event"))
        copy_value(sse->type, sizeof(sse->type), value);
    else if (field_is(name, "id"))
        copy_value(sse->id, sizeof(sse->id), value);
    if (!field_is(name, "data"))
        return 0;
    int status = buffer_append(&sse->data, value.data, value.size);
    return status != 0 ? status : buffer_append(&sse->data, "\n", 1);
}

int sse_feed(struct sse *sse, const char *bytes, size_t size)
{
    while (size > 0) {
        size_t length = 0;
        if (sse->after_carriage_return && *bytes == '\n') {
            sse->after_carriage_return = false;
            bytes++;
            size--;
            continue;
        }
        sse->after_carriage_return = false;
        while (length < size && bytes[length] != '\n' && bytes[length] != '\r')
            length++;
        int status = buffer_append(&sse->line, bytes, length);
        if (status != 0)
            return status;
        if (length == size)
            return 0;
        sse->after_carriage_return = bytes[length] == '\r';
        bytes += length + 1;
        size -= length + 1;
        status = take_line(sse, buffer_span(&sse->line));
        if (status != 0)
            return status;
        buffer_consume(&sse->line, buffer_size(&sse->line));
    }
    return 0;
}
