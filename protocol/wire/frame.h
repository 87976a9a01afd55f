/* SPDX-License-Identifier: MIT */
/* The frame header: 12 bytes, big endian, outside the payload (docs/protocol.md, "Frames").
 *
 *   0  u32 length    bytes of payload after the header
 *   4  u32 channel   0 where the connection itself is the channel; the channel's number on a mux
 *   8  u8  type      enum frame_type
 *   9  u8  flags     0 in version 1
 *  10  u16 zero      must be 0: a desynchronised stream is noticed here
 */
#ifndef HOSPES_FRAME_H
#define HOSPES_FRAME_H

#include "protocol/base/buffer.h"
#include "protocol/wire/limits.h"

enum frame_type {
    FRAME_MESSAGE = 1,  /* one msgpack message */
    FRAME_DATA = 2,     /* bytes of a channel's stream */
    FRAME_DATAGRAM = 3, /* one whole datagram of a UDP channel */
    FRAME_FIN = 4,      /* the sender will send no more DATA; length 0 */
    FRAME_RST = 5,      /* the channel is over at once: i32 status, then UTF-8 text (may be empty) */
    FRAME_CREDIT = 6,   /* mux only: u32 further bytes that the channel's peer may send */
};

struct frame_header {
    uint32_t length;
    uint32_t channel;
    uint8_t type;
    uint8_t flags;
};

void frame_header_encode(const struct frame_header *header, uint8_t out[static FRAME_HEADER_SIZE]);

/* Checks everything: type known, flags and zero 0, length within the type's maximum and (FIN 0, RST ≥ 4,
 * CREDIT = 4) minimum. STATUS_MALFORMED, STATUS_TOO_LARGE. `ret` untouched on failure. */
int frame_header_decode(const uint8_t in[static FRAME_HEADER_SIZE], struct frame_header *ret);

/* Incremental reader: any split of the bytes gives the same calls. DATA is handed on in pieces as it comes;
 * every other frame is gathered and handed on whole. */
struct frame_reader_callbacks {
    /* A whole frame other than DATA. Non-zero stops the reader and is returned by frame_reader_feed. */
    int (*on_frame)(void *ctx, const struct frame_header *header, struct span payload);
    /* The next bytes of a DATA frame (never empty). Returns how many were taken; fewer than piece.size makes
     * frame_reader_feed return early with what it has taken so far. */
    size_t (*on_data)(void *ctx, const struct frame_header *header, struct span piece);
};

struct frame_reader {
    uint8_t head[FRAME_HEADER_SIZE];
    uint8_t head_size;          /* bytes of head filled */
    struct frame_header header; /* valid when head_size == FRAME_HEADER_SIZE */
    uint32_t payload_seen;
    struct buffer payload; /* gathered bytes of a frame that came in pieces; empty as a rule */
};

void frame_reader_init(struct frame_reader *reader);
void frame_reader_finish(struct frame_reader *reader);
/* Feeds bytes. Returns 0 and the number taken (less than bytes.size only when on_data took less: feed the
 * rest again later), or an error: header refused, UV_ENOMEM, or what on_frame returned. After an error the
 * reader is spent. */
int frame_reader_feed(struct frame_reader *reader, struct span bytes,
                      const struct frame_reader_callbacks *callbacks, void *ctx, size_t *ret_taken);
/* Bytes of the present DATA frame that are still to come; 0 outside of one. They may be taken from the
 * connection in another way (splice): then frame_reader_skip says how many were. */
size_t frame_reader_data_left(const struct frame_reader *reader);
void frame_reader_skip(struct frame_reader *reader, size_t size);
/* Bytes of a frame's header that are still to come: FRAME_HEADER_SIZE between frames, 0 within a payload. */
size_t frame_reader_header_left(const struct frame_reader *reader);
/* True between frames: an end of stream here is clean, elsewhere it is a truncation. */
bool frame_reader_at_boundary(const struct frame_reader *reader);

/* RST payloads. Encode returns the size written (text is cut at TEXT_REASON_MAX). Decode: STATUS_MALFORMED.
 */
size_t frame_rst_encode(int status, const char *text, uint8_t out[static FRAME_RST_MAX]);
int frame_rst_decode(struct span payload, int *ret_status, char ret_text[static TEXT_REASON_MAX + 1]);

#endif
