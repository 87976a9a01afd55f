/* SPDX-License-Identifier: MIT */
/* A glob without recursion: on a mismatch only the last '*' is widened, which is enough since an earlier one
 * can't help where the last one fails. fnmatch(3) is not used: its cost on hostile text is not bounded. */
#include "services/config/glob.h"

#include <stddef.h>

static const char *next_character(const char *text)
{
    text++;
    while (((unsigned char)*text & 0xc0) == 0x80)
        text++;
    return text;
}

bool glob_match(const char *pattern, const char *text)
{
    const char *star = NULL, *resume = NULL;
    while (*text != '\0') {
        if (*pattern == '*') {
            star = ++pattern;
            resume = text;
        } else if (*pattern == '?') {
            pattern++;
            text = next_character(text);
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}
