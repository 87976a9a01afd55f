/* SPDX-License-Identifier: MIT */
/* The text format of OpenMetrics 1.0. What is counted: routes_metrics.c. */
#include "host-bridge/api/metrics.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#define LINE_MAX_SIZE 512
#define WHOLE_MAX     9007199254740992.0 /* a double holds every whole number up to here, 2^53 */

static void put(struct buffer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct buffer *out, const char *format, ...)
{
    char line[LINE_MAX_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (size > 0)
        buffer_append(out, line, (size_t)size < sizeof(line) ? (size_t)size : sizeof(line) - 1);
}

void metrics_family(struct buffer *out, const char *name, const char *type, const char *unit,
                    const char *help)
{
    put(out, "# TYPE %s %s\n", name, type);
    if (unit != NULL)
        put(out, "# UNIT %s %s\n", name, unit);
    put(out, "# HELP %s %s\n", name, help);
}

static void put_label(struct buffer *out, const struct metrics_label *label)
{
    put(out, "%s=\"", label->name);
    for (const char *c = label->value; *c != '\0'; c++) {
        if (*c == '\n')
            buffer_append(out, "\\n", 2);
        else if (*c == '"' || *c == '\\')
            put(out, "\\%c", *c);
        else
            buffer_append(out, c, 1);
    }
    buffer_append(out, "\"", 1);
}

void metrics_sample(struct buffer *out, const char *name, const char *suffix,
                    const struct metrics_label *labels, double value)
{
    put(out, "%s%s", name, suffix);
    for (const struct metrics_label *label = labels; label != NULL && label->name != NULL; label++) {
        buffer_append(out, label == labels ? "{" : ",", 1);
        put_label(out, label);
    }
    if (labels != NULL && labels->name != NULL)
        buffer_append(out, "}", 1);
    if (fabs(value) <= WHOLE_MAX && floor(value) == value)
        put(out, " %.0f\n", value);
    else
        put(out, " %.15g\n", value);
}

void metrics_end(struct buffer *out)
{
    put(out, "# EOF\n");
}
