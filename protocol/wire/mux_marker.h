/* SPDX-License-Identifier: MIT */
/* The resynchronisation markers and their finder, one byte at a time. Private to protocol/wire.
 *
 * A marker is eight 0xFF bytes and eight others, none of them 0x00. Every header starts with 0x00 (lengths
 * end at 2^20) and ends with three 0x00, so a marker can lie neither across a payload and the next header nor
 * across a header and its payload; cutting it where it lies within one payload is enough. */
#ifndef HOSPES_MUX_MARKER_H
#define HOSPES_MUX_MARKER_H

#include "protocol/base/buffer.h"
#include "protocol/wire/mux.h"

struct marker_scan {
    const uint8_t *marker; /* MUX_MARKER_SIZE bytes */
    size_t matched;        /* of its bytes, at the end of what was seen */
};

/* Looks on in `bytes`. True: a marker is complete, *ret_end is one past it, and the bytes after it have not
 * been looked at. */
bool marker_scan_feed(struct marker_scan *scan, struct span bytes, size_t *ret_end);

/* Bytes of `payload` that may go in one frame: all, or up to the middle of the first marker of either
 * direction, told by the 15 bytes that both share. */
size_t marker_free_prefix(struct span payload);

#endif
