/* SPDX-License-Identifier: MIT */
/* Percent-decoding and lookup in a query. What a parameter means is its route's business. */
#include "host-bridge/api/query.h"

#include <string.h>

#include "protocol/base/status.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int percent_decode(const char *text, size_t size, bool plus_is_space, char *out, size_t out_size)
{
    size_t length = 0;
    for (size_t i = 0; i < size; i++) {
        int c = (unsigned char)text[i];
        if (c == '%') {
            int high = size - i > 2 ? hex_value(text[i + 1]) : -1;
            int low = high >= 0 ? hex_value(text[i + 2]) : -1;
            if (low < 0)
                return STATUS_MALFORMED;
            c = high * 16 + low;
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (c == 0)
            return STATUS_MALFORMED;
        if (length + 1 >= out_size)
            return STATUS_TOO_LARGE;
        out[length++] = (char)c;
    }
    out[length] = '\0';
    return 0;
}

int query_get(const char *query, const char *name, char *out, size_t out_size)
{
    size_t name_size = strlen(name);
    for (const char *pair = query; pair != NULL && *pair != '\0';) {
        size_t size = strcspn(pair, "&");
        if (size > name_size && memcmp(pair, name, name_size) == 0 && pair[name_size] == '=')
            return percent_decode(pair + name_size + 1, size - name_size - 1, true, out, out_size);
        pair += size;
        pair += *pair == '&';
    }
    return STATUS_NOT_FOUND;
}
