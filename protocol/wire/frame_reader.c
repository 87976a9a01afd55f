/* SPDX-License-Identifier: MIT */
/* Cuts a stream of bytes into frames. What a frame means on this connection is the caller's business. */
#include "protocol/wire/frame.h"

#include <assert.h>
#include <string.h>

void frame_reader_init(struct frame_reader *reader)
{
    *reader = (struct frame_reader){.head_size = 0};
}

void frame_reader_finish(struct frame_reader *reader)
{
    buffer_finish(&reader->payload);
    frame_reader_init(reader);
}

bool frame_reader_at_boundary(const struct frame_reader *reader)
{
    return reader->head_size == 0;
}

size_t frame_reader_data_left(const struct frame_reader *reader)
{
    bool inside = reader->head_size == FRAME_HEADER_SIZE && reader->header.type == FRAME_DATA;
    return inside ? reader->header.length - reader->payload_seen : 0;
}

size_t frame_reader_header_left(const struct frame_reader *reader)
{
    return (size_t)FRAME_HEADER_SIZE - reader->head_size;
}

void frame_reader_skip(struct frame_reader *reader, size_t size)
{
    assert(size <= frame_reader_data_left(reader));
    reader->payload_seen += (uint32_t)size;
    if (reader->payload_seen == reader->header.length)
        reader->head_size = 0;
}

static struct span rest_of(struct span bytes, size_t taken)
{
    return bytes.size == taken ? span_of(NULL, 0) : span_of(bytes.data + taken, bytes.size - taken);
}

/* Returns 0, also while the header is incomplete, or why it is refused. */
static int feed_head(struct frame_reader *reader, struct span bytes, size_t *taken)
{
    size_t missing = FRAME_HEADER_SIZE - reader->head_size;
    size_t size = bytes.size < missing ? bytes.size : missing;
    if (size > 0)
        memcpy(reader->head + reader->head_size, bytes.data, size);
    reader->head_size = (uint8_t)(reader->head_size + size);
    *taken += size;
    if (reader->head_size < FRAME_HEADER_SIZE)
        return 0;
    reader->payload_seen = 0;
    return frame_header_decode(reader->head, &reader->header);
}

/* Hands the frame on. The reader is between frames again before the callback runs: the callback may make its
 * owner give up and finish the reader. */
static int deliver(struct frame_reader *reader, struct span payload,
                   const struct frame_reader_callbacks *callbacks, void *ctx)
{
    struct frame_header header = reader->header;
    struct buffer gathered = reader->payload;
    frame_reader_init(reader);
    int status = callbacks->on_frame(ctx, &header, payload);
    buffer_finish(&gathered);
    return status;
}

/* Storage grows with what arrived, never with what a header announces. */
static int gather(struct frame_reader *reader, struct span bytes, size_t *taken,
                  const struct frame_reader_callbacks *callbacks, void *ctx)
{
    size_t missing = reader->header.length - reader->payload_seen;
    if (reader->payload_seen == 0 && bytes.size >= missing) {
        *taken += missing;
        return deliver(reader, span_of(bytes.data, missing), callbacks, ctx);
    }
    size_t size = bytes.size < missing ? bytes.size : missing;
    reader->payload.limit = reader->header.length;
    int status = buffer_append(&reader->payload, bytes.data, size);
    if (status < 0)
        return status;
    reader->payload_seen += (uint32_t)size;
    *taken += size;
    if (reader->payload_seen < reader->header.length)
        return 0;
    return deliver(reader, buffer_span(&reader->payload), callbacks, ctx);
}

/* Returns false when the callback took less than it was given. */
static bool pass_data(struct frame_reader *reader, struct span bytes, size_t *taken,
                      const struct frame_reader_callbacks *callbacks, void *ctx)
{
    size_t missing = reader->header.length - reader->payload_seen;
    size_t size = bytes.size < missing ? bytes.size : missing;
    size_t used = 0;
    if (size > 0) {
        struct frame_header header = reader->header;
        used = callbacks->on_data(ctx, &header, span_of(bytes.data, size));
    }
    reader->payload_seen += (uint32_t)used;
    *taken += used;
    if (reader->payload_seen == reader->header.length)
        reader->head_size = 0;
    return used == size;
}

int frame_reader_feed(struct frame_reader *reader, struct span bytes,
                      const struct frame_reader_callbacks *callbacks, void *ctx, size_t *ret_taken)
{
    size_t taken = 0;
    int status = 0;
    while (taken < bytes.size) {
        if (reader->head_size < FRAME_HEADER_SIZE) {
            status = feed_head(reader, rest_of(bytes, taken), &taken);
            if (status != 0)
                break;
            /* a frame without payload is complete now */
            if (reader->head_size < FRAME_HEADER_SIZE || (taken == bytes.size && reader->header.length > 0))
                continue;
        }
        struct span rest = rest_of(bytes, taken);
        if (reader->header.type == FRAME_DATA) {
            if (!pass_data(reader, rest, &taken, callbacks, ctx))
                break;
            continue;
        }
        status = gather(reader, rest, &taken, callbacks, ctx);
        if (status != 0)
            break;
    }
    *ret_taken = taken;
    return status;
}
