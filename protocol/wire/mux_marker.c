/* SPDX-License-Identifier: MIT */
/* Knuth-Morris-Pratt over the one pattern shape that both markers share. */
#include "protocol/wire/mux_marker.h"

#include <string.h>

#define RUN 8 /* 0xFF bytes at a marker's start */
#define CUT 8 /* bytes of a marker that stay in the first of two frames */

/* They differ in the last byte only. */
const uint8_t MUX_MARKER[MUX_MARKER_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                             'H',  'O',  'S',  'P',  'E',  'S',  0xf5, 0x01};
const uint8_t MUX_MARKER_ANSWER[MUX_MARKER_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                    'H',  'O',  'S',  'P',  'E',  'S',  0xf5, 0x02};

/* How many bytes match after `byte` follows `matched` matching ones. */
static size_t next_match(const uint8_t *marker, size_t matched, uint8_t byte)
{
    if (byte == marker[matched])
        return matched + 1;
    if (byte != 0xff)
        return 0;
    return matched == RUN ? RUN : 1; /* one 0xFF more than the run, or a new run */
}

static bool scan_for(const uint8_t *marker, size_t length, size_t *matched, struct span bytes,
                     size_t *ret_end)
{
    size_t at = 0;
    while (at < bytes.size) {
        if (*matched == 0) {
            const uint8_t *start = memchr(bytes.data + at, 0xff, bytes.size - at);
            if (start == NULL)
                return false;
            at = (size_t)(start - bytes.data);
        }
        *matched = next_match(marker, *matched, bytes.data[at]);
        at++;
        if (*matched == length) {
            *matched = 0;
            *ret_end = at;
            return true;
        }
    }
    return false;
}

bool marker_scan_feed(struct marker_scan *scan, struct span bytes, size_t *ret_end)
{
    return scan_for(scan->marker, MUX_MARKER_SIZE, &scan->matched, bytes, ret_end);
}

size_t marker_free_prefix(struct span payload)
{
    size_t matched = 0, end;
    if (!scan_for(MUX_MARKER, MUX_MARKER_SIZE - 1, &matched, payload, &end))
        return payload.size;
    return end - (MUX_MARKER_SIZE - 1) + CUT;
}
