/* SPDX-License-Identifier: MIT */
/* Formats and parses numbers. */
#include "host-bridge/cli/quantity.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECONDS_MAX 1e12 /* 31,000 years: nothing real is longer, and it fits any integer */

struct quantity quantity_bytes(double bytes)
{
    static const char *const UNITS[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    struct quantity quantity = {"–"};
    if (isnan(bytes) || bytes < 0 || bytes > 2e19)
        return quantity;
    size_t unit = 0;
    while (bytes >= 1023.95 && unit + 1 < sizeof(UNITS) / sizeof(UNITS[0])) {
        bytes /= 1024;
        unit++;
    }
    int decimals = unit > 0 && bytes < 99.95 ? 1 : 0;
    snprintf(quantity.text, sizeof(quantity.text), "%.*f %s", decimals, bytes, UNITS[unit]);
    return quantity;
}

struct quantity quantity_duration(double seconds)
{
    struct quantity quantity = {"–"};
    if (isnan(seconds) || seconds < 0 || seconds > SECONDS_MAX)
        return quantity;
    uint64_t total = (uint64_t)seconds;
    uint64_t days = total / 86400, hours = total / 3600 % 24, minutes = total / 60 % 60, rest = total % 60;
    if (days > 0)
        snprintf(quantity.text, sizeof(quantity.text), "%" PRIu64 " d %" PRIu64 " h", days, hours);
    else if (hours > 0)
        snprintf(quantity.text, sizeof(quantity.text), "%" PRIu64 " h %" PRIu64 " min", hours, minutes);
    else if (minutes > 0)
        snprintf(quantity.text, sizeof(quantity.text), "%" PRIu64 " min %" PRIu64 " s", minutes, rest);
    else
        snprintf(quantity.text, sizeof(quantity.text), "%" PRIu64 " s", rest);
    return quantity;
}

struct quantity quantity_milliseconds(double ms)
{
    struct quantity quantity = {"–"};
    if (isnan(ms) || ms < 0 || ms > SECONDS_MAX)
        return quantity;
    if (ms < 10)
        snprintf(quantity.text, sizeof(quantity.text), "%.2f ms", ms);
    else if (ms < 1000)
        snprintf(quantity.text, sizeof(quantity.text), "%.0f ms", ms);
    else
        snprintf(quantity.text, sizeof(quantity.text), "%.1f s", ms / 1000);
    return quantity;
}

struct quantity quantity_time(int64_t unix_ms)
{
    struct quantity quantity = {"–"};
    time_t then = (time_t)(unix_ms / 1000), now = time(NULL);
    struct tm then_parts, now_parts;
    if (unix_ms <= 0 || localtime_r(&then, &then_parts) == NULL || localtime_r(&now, &now_parts) == NULL)
        return quantity;
    bool today = then_parts.tm_year == now_parts.tm_year && then_parts.tm_yday == now_parts.tm_yday;
    strftime(quantity.text, sizeof(quantity.text), today ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &then_parts);
    return quantity;
}

bool quantity_parse_u64(const char *text, uint64_t *ret_number)
{
    uint64_t number = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        unsigned digit = (unsigned)(*text - '0');
        if (number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *ret_number = number;
    return true;
}

bool quantity_parse_port(const char *text, uint16_t *ret_port)
{
    uint64_t number = 0;
    if (!quantity_parse_u64(text, &number) || number < 1 || number > 65535)
        return false;
    *ret_port = (uint16_t)number;
    return true;
}
