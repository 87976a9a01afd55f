/* SPDX-License-Identifier: MIT */
/* The frame reader: bytes in one piece and in pieces chosen by the input must give the same frames and the
 * same error, and RST payloads must decode or be refused. Input: a byte of piece size, then the stream. */
#include "protocol/wire/frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A running sum of what was seen, in which order matters but not how DATA was cut. */
struct digest {
    uint64_t value;
};

static void add(struct digest *digest, struct span bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        digest->value = (digest->value ^ bytes.data[i]) * 1099511628211u;
}

static int on_frame(void *ctx, const struct frame_header *header, struct span payload)
{
    if (payload.size != header->length)
        abort();
    uint8_t head[FRAME_HEADER_SIZE];
    frame_header_encode(header, head);
    add(ctx, span_of(head, sizeof(head)));
    add(ctx, payload);
    int status;
    char text[TEXT_REASON_MAX + 1];
    if (header->type == FRAME_RST && frame_rst_decode(payload, &status, text) == 0) {
        if (status >= 0 || strlen(text) != payload.size - 4)
            abort();
    }
    return 0;
}

static size_t on_data(void *ctx, const struct frame_header *header, struct span piece)
{
    if (piece.size == 0 || piece.size > header->length)
        abort();
    add(ctx, piece);
    return piece.size;
}

static int read_in_pieces(struct span bytes, size_t piece, struct digest *digest)
{
    static const struct frame_reader_callbacks CALLBACKS = {.on_frame = on_frame, .on_data = on_data};
    struct frame_reader reader;
    frame_reader_init(&reader);
    int status = 0;
    while (bytes.size > 0 && status == 0) {
        size_t taken, part = bytes.size < piece ? bytes.size : piece;
        status = frame_reader_feed(&reader, span_of(bytes.data, part), &CALLBACKS, digest, &taken);
        if (status == 0 && taken != part)
            abort();
        bytes = span_of(bytes.data + part, bytes.size - part);
    }
    frame_reader_finish(&reader);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct span bytes = span_of(data + 1, size - 1);
    struct digest whole = {1}, pieces = {1};
    int whole_status = read_in_pieces(bytes, SIZE_MAX, &whole);
    int pieces_status = read_in_pieces(bytes, 1 + data[0] % 32u, &pieces);
    if (whole_status != pieces_status || whole.value != pieces.value)
        abort();
    return 0;
}
