/* SPDX-License-Identifier: MIT */
/* Owned bytes with a limit. Growth doubles; an empty buffer owns no storage, so that idle owners cost
 * nothing. */
#include "protocol/base/buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define CAPACITY_MIN 256

void buffer_init(struct buffer *buffer, size_t limit)
{
    *buffer = (struct buffer){.limit = limit};
}

void buffer_finish(struct buffer *buffer)
{
    size_t limit = buffer->limit;
    free(buffer->storage);
    buffer_init(buffer, limit);
}

size_t buffer_size(const struct buffer *buffer)
{
    return buffer->end - buffer->start;
}

struct span buffer_span(const struct buffer *buffer)
{
    if (buffer->storage == NULL)
        return (struct span){NULL, 0};
    return (struct span){buffer->storage + buffer->start, buffer_size(buffer)};
}

size_t buffer_room(const struct buffer *buffer)
{
    return buffer->limit - buffer_size(buffer);
}

static int grow(struct buffer *buffer, size_t needed)
{
    size_t capacity = buffer->capacity < CAPACITY_MIN ? CAPACITY_MIN : buffer->capacity;
    while (capacity < needed)
        capacity *= 2;
    uint8_t *storage = malloc(capacity);
    if (storage == NULL)
        return UV_ENOMEM;
    size_t size = buffer_size(buffer);
    if (size > 0)
        memcpy(storage, buffer->storage + buffer->start, size);
    free(buffer->storage);
    buffer->storage = storage;
    buffer->start = 0;
    buffer->end = size;
    buffer->capacity = capacity;
    return 0;
}

int buffer_reserve(struct buffer *buffer, size_t size, uint8_t **ret_tail)
{
    if (size > buffer_room(buffer))
        return UV_ENOBUFS;
    if (buffer->capacity - buffer->end < size) {
        size_t used = buffer_size(buffer);
        if (buffer->start >= size && used <= buffer->capacity / 2) {
            memmove(buffer->storage, buffer->storage + buffer->start, used);
            buffer->start = 0;
            buffer->end = used;
        } else {
            int status = grow(buffer, used + size);
            if (status < 0)
                return status;
        }
    }
    *ret_tail = buffer->storage == NULL ? NULL : buffer->storage + buffer->end;
    return 0;
}

void buffer_commit(struct buffer *buffer, size_t size)
{
    assert(size <= buffer->capacity - buffer->end);
    buffer->end += size;
}

int buffer_append(struct buffer *buffer, const void *data, size_t size)
{
    uint8_t *tail;
    int status = buffer_reserve(buffer, size, &tail);
    if (status < 0)
        return status;
    if (size > 0)
        memcpy(tail, data, size);
    buffer_commit(buffer, size);
    return 0;
}

void buffer_consume(struct buffer *buffer, size_t size)
{
    assert(size <= buffer_size(buffer));
    buffer->start += size;
    if (buffer->start == buffer->end)
        buffer_finish(buffer);
}

struct span span_of(const void *data, size_t size)
{
    return (struct span){data, size};
}

struct span span_of_text(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

bool span_equals(struct span a, struct span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}
