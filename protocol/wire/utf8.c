/* SPDX-License-Identifier: MIT */
/* Checks and repairs UTF-8 after the table of well-formed byte sequences of the Unicode standard (3.9, D92).
 */
#include "protocol/wire/utf8.h"

#include <string.h>

/* Bytes of the character at the start of `text`; 0 when it is not well formed. */
static size_t character_size(const uint8_t *text, size_t size)
{
    uint8_t lead = text[0];
    if (lead == 0)
        return 0;
    if (lead < 0x80)
        return 1;
    size_t count;
    uint8_t low = 0x80, high = 0xbf; /* of the second byte */
    if (lead >= 0xc2 && lead <= 0xdf) {
        count = 2;
    } else if (lead >= 0xe0 && lead <= 0xef) {
        count = 3;
        if (lead == 0xe0)
            low = 0xa0; /* overlong below */
        if (lead == 0xed)
            high = 0x9f; /* surrogates above */
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        count = 4;
        if (lead == 0xf0)
            low = 0x90;
        if (lead == 0xf4)
            high = 0x8f;
    } else {
        return 0;
    }
    if (size < count || text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < count; i++) {
        if (text[i] < 0x80 || text[i] > 0xbf)
            return 0;
    }
    return count;
}

/* Whether eight bytes are ASCII without NUL. May be false for some that are. */
static bool is_plain(const uint8_t *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof(word));
    return ((word | (word - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080)) == 0;
}

bool utf8_is_valid(struct span text)
{
    size_t at = 0;
    while (at < text.size) {
        if (text.size - at >= sizeof(uint64_t) && is_plain(text.data + at)) {
            at += sizeof(uint64_t);
            continue;
        }
        size_t count = character_size(text.data + at, text.size - at);
        if (count == 0)
            return false;
        at += count;
    }
    return true;
}

size_t utf8_copy(char *out, size_t capacity, struct span bytes)
{
    size_t written = 0, at = 0;
    while (at < bytes.size) {
        size_t count = character_size(bytes.data + at, bytes.size - at);
        size_t needed = count == 0 ? 1 : count;
        if (written + needed + 1 > capacity)
            break;
        if (count == 0)
            out[written] = '?';
        else
            memcpy(out + written, bytes.data + at, count);
        written += needed;
        at += needed;
    }
    out[written] = '\0';
    return written;
}
