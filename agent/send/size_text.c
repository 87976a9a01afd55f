/* SPDX-License-Identifier: MIT */
/* Numbers and names as people read them. */
#include <stdio.h>

#include "agent/send/sending.h"
#include "protocol/base/log.h"

void size_text(uint64_t bytes, char *out, size_t size)
{
    static const char *const UNITS[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < sizeof(UNITS) / sizeof(UNITS[0])) {
        value /= 1000;
        unit++;
    }
    if (unit == 0 && bytes == 1)
        snprintf(out, size, "1 byte");
    else
        snprintf(out, size, unit == 0 || value >= 9.95 ? "%.0f %s" : "%.1f %s", value, UNITS[unit]);
}

void plain_text(const char *text, char *out, size_t size)
{
    snprintf(out, size, "%s", text);
    log_escape(out);
}
