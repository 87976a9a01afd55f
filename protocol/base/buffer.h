/* SPDX-License-Identifier: MIT */
/* Owned bytes that grow up to a limit, and borrowed spans of bytes. */
#ifndef HOSPES_BUFFER_H
#define HOSPES_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed: valid until the function it was handed to returns. `data` may be NULL when size is 0. */
struct span {
    const uint8_t *data;
    size_t size;
};

/* Owned bytes: appended at the end, consumed at the front. All zero bytes is a valid empty buffer with limit
 * 0. */
struct buffer {
    uint8_t *storage; /* can be NULL */
    size_t start;     /* first unconsumed byte */
    size_t end;       /* one past the last byte */
    size_t capacity;
    size_t limit; /* end - start never exceeds it */
};

void buffer_init(struct buffer *buffer, size_t limit);
/* Frees the storage; the buffer is empty again and keeps its limit. */
void buffer_finish(struct buffer *buffer);

size_t buffer_size(const struct buffer *buffer);
struct span buffer_span(const struct buffer *buffer);
/* Bytes that may still be appended. */
size_t buffer_room(const struct buffer *buffer);

/* All or nothing. UV_ENOBUFS above the limit, UV_ENOMEM. */
int buffer_append(struct buffer *buffer, const void *data, size_t size);
/* Makes room for `size` bytes at the end; they become part of the buffer by buffer_commit. Same errors. */
int buffer_reserve(struct buffer *buffer, size_t size, uint8_t **ret_tail);
void buffer_commit(struct buffer *buffer, size_t size);
/* size <= buffer_size(). Gives the storage back when the buffer becomes empty. */
void buffer_consume(struct buffer *buffer, size_t size);

struct span span_of(const void *data, size_t size);
struct span span_of_text(const char *text);
bool span_equals(struct span a, struct span b);

#endif
