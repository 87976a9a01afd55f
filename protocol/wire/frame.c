/* SPDX-License-Identifier: MIT */
/* Frame headers and RST payloads, to bytes and back. The incremental reader is in frame_reader.c. */
#include "protocol/wire/frame.h"

#include "protocol/base/status.h"
#include "protocol/wire/utf8.h"
#include "protocol/wire/wire_status.h"

#include <string.h>

static void put_u32(uint8_t *out, uint32_t value)
{
    out[0] = (uint8_t)(value >> 24);
    out[1] = (uint8_t)(value >> 16);
    out[2] = (uint8_t)(value >> 8);
    out[3] = (uint8_t)value;
}

static uint32_t get_u32(const uint8_t *in)
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

void frame_header_encode(const struct frame_header *header, uint8_t out[static FRAME_HEADER_SIZE])
{
    put_u32(out, header->length);
    put_u32(out + 4, header->channel);
    out[8] = header->type;
    out[9] = header->flags;
    out[10] = 0;
    out[11] = 0;
}

struct length_range {
    uint32_t min, max;
};

static const struct length_range LENGTHS[] = {
    [FRAME_MESSAGE] = {0, FRAME_MESSAGE_MAX},   [FRAME_DATA] = {0, FRAME_DATA_MAX},
    [FRAME_DATAGRAM] = {0, FRAME_DATAGRAM_MAX}, [FRAME_FIN] = {0, 0},
    [FRAME_RST] = {4, FRAME_RST_MAX},           [FRAME_CREDIT] = {4, 4},
};

int frame_header_decode(const uint8_t in[static FRAME_HEADER_SIZE], struct frame_header *ret)
{
    struct frame_header header = {
        .length = get_u32(in), .channel = get_u32(in + 4), .type = in[8], .flags = in[9]};
    if (header.type < FRAME_MESSAGE || header.type > FRAME_CREDIT)
        return STATUS_MALFORMED;
    if (header.flags != 0 || in[10] != 0 || in[11] != 0)
        return STATUS_MALFORMED;
    if (header.length < LENGTHS[header.type].min)
        return STATUS_MALFORMED;
    if (header.length > LENGTHS[header.type].max)
        return STATUS_TOO_LARGE;
    *ret = header;
    return 0;
}

size_t frame_rst_encode(int status, const char *text, uint8_t out[static FRAME_RST_MAX])
{
    char clean[TEXT_REASON_MAX + 1];
    size_t size = utf8_copy(clean, sizeof(clean), span_of_text(text == NULL ? "" : text));
    put_u32(out, (uint32_t)wire_status_encode(status));
    memcpy(out + 4, clean, size);
    return 4 + size;
}

int frame_rst_decode(struct span payload, int *ret_status, char ret_text[static TEXT_REASON_MAX + 1])
{
    if (payload.size < 4 || payload.size > 4 + TEXT_REASON_MAX)
        return STATUS_MALFORMED;
    struct span text = span_of(payload.data + 4, payload.size - 4);
    if (!utf8_is_valid(text))
        return STATUS_MALFORMED;
    *ret_status = wire_status_decode((int32_t)get_u32(payload.data));
    memcpy(ret_text, text.data, text.size);
    ret_text[text.size] = '\0';
    return 0;
}
