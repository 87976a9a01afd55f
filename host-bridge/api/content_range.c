/* SPDX-License-Identifier: MIT */
/* Ranges, tags and dates of HTTP as text. */
#include "host-bridge/api/content_range.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define UNIT       "bytes="
#define DIGITS_MAX 18 /* below 2^63 */
#define YEAR_LAST  9999

/* Decimal digits at *text, which moves behind them. False: there are none, or too many. */
static bool take_number(const char **text, uint64_t *ret)
{
    size_t size = strspn(*text, "0123456789");
    if (size == 0 || size > DIGITS_MAX)
        return false;
    *ret = 0;
    for (size_t i = 0; i < size; i++)
        *ret = *ret * 10 + (uint64_t)((*text)[i] - '0');
    *text += size;
    return true;
}

struct wish {
    bool has_first, has_last;
    uint64_t first, last;
};

static bool parse(const char *header, struct wish *ret)
{
    *ret = (struct wish){0};
    if (header == NULL || strncmp(header, UNIT, strlen(UNIT)) != 0)
        return false;
    const char *text = header + strlen(UNIT);
    ret->has_first = take_number(&text, &ret->first);
    if (*text++ != '-')
        return false;
    ret->has_last = take_number(&text, &ret->last);
    if (*text != '\0' || (!ret->has_first && !ret->has_last))
        return false;
    return !ret->has_first || !ret->has_last || ret->first <= ret->last;
}

bool content_range_is_asked(const char *header)
{
    struct wish wish;
    return parse(header, &wish);
}

enum content_range content_range_parse(const char *header, uint64_t size, uint64_t *ret_offset,
                                       uint64_t *ret_length)
{
    struct wish wish;
    if (!parse(header, &wish))
        return RANGE_NONE;
    if (!wish.has_first) { /* the last bytes */
        if (wish.last == 0 || size == 0)
            return RANGE_IMPOSSIBLE;
        *ret_length = wish.last < size ? wish.last : size;
        *ret_offset = size - *ret_length;
        return RANGE_SOME;
    }
    if (wish.first >= size)
        return RANGE_IMPOSSIBLE;
    *ret_offset = wish.first;
    *ret_length = (wish.has_last && wish.last < size ? wish.last + 1 : size) - wish.first;
    return RANGE_SOME;
}

bool content_tag_matches(const char *header, const char *tag)
{
    size_t size = strlen(tag);
    while (header != NULL && *header != '\0') {
        header += strspn(header, " \t,");
        if (header[0] == '*')
            return true;
        if (strncmp(header, "W/", 2) == 0)
            header += 2;
        if (strncmp(header, tag, size) == 0)
            return true;
        header += strcspn(header, ",");
    }
    return false;
}

void content_date_format(int64_t seconds, char out[static CONTENT_DATE_SIZE])
{
    static const char *const DAYS[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const MONTHS[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t time = (time_t)seconds;
    struct tm parts;
    if (gmtime_r(&time, &parts) == NULL || parts.tm_year < -1900 || parts.tm_year > YEAR_LAST - 1900) {
        snprintf(out, CONTENT_DATE_SIZE, "Thu, 01 Jan 1970 00:00:00 GMT"); /* a guest may say anything */
        return;
    }
    snprintf(out, CONTENT_DATE_SIZE, "%s, %02d %s %04d %02d:%02d:%02d GMT", DAYS[parts.tm_wday % 7],
             parts.tm_mday % 100, MONTHS[parts.tm_mon % 12], (parts.tm_year + 1900) % 10000,
             parts.tm_hour % 100, parts.tm_min % 100, parts.tm_sec % 100);
}
