/* SPDX-License-Identifier: MIT */
/* Cleans and cuts text. What the text means is left to the callers. */
#include "agent/platform/text.h"

#include <stdint.h>
#include <string.h>

/* Length of the valid UTF-8 character at `bytes`, 0 when there is none. Overlong forms, surrogates and code
 * points above U+10FFFF are invalid (RFC 3629, section 4). */
static size_t character_size(const uint8_t *bytes, size_t size)
{
    uint8_t first = bytes[0];
    if (first < 0x80)
        return 1;
    size_t needed = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || size < needed)
        return 0;
    for (size_t i = 1; i < needed; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    }
    uint8_t second = bytes[1];
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
        (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
        return 0;
    return needed;
}

static int is_control(const uint8_t *bytes, size_t size)
{
    if (size == 1)
        return bytes[0] < 0x20 || bytes[0] == 0x7f;
    return size == 2 && bytes[0] == 0xc2 && bytes[1] < 0xa0; /* C1 controls */
}

void text_copy(char *out, size_t out_size, const void *bytes, size_t size)
{
    const uint8_t *in = bytes;
    size_t used = 0;
    for (size_t at = 0; at < size;) {
        size_t length = character_size(in + at, size - at);
        int bad = length == 0 || is_control(in + at, length);
        size_t needed = bad ? 1 : length;
        if (used + needed >= out_size)
            break;
        if (bad)
            out[used] = '?';
        else
            memcpy(out + used, in + at, length);
        used += needed;
        at += length == 0 ? 1 : length;
    }
    out[used] = '\0';
}

void text_copy_string(char *out, size_t out_size, const char *text)
{
    text_copy(out, out_size, text, strlen(text));
}
