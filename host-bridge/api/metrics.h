/* SPDX-License-Identifier: MIT */
/* OpenMetrics text: writing it, apart from what is counted. Pure. */
#ifndef HOSPES_API_METRICS_H
#define HOSPES_API_METRICS_H

#include "protocol/base/buffer.h"

#define METRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define METRICS_BYTES_MAX                                                                                    \
    (32 * 1024 * 1024) /* GUESTS_MAX guests of some 15 lines of 150 bytes, thrice over */

/* `type` "gauge", "counter" or "info"; `unit` can be NULL. What exceeds the buffer's limit is left out. */
void metrics_family(struct buffer *out, const char *name, const char *type, const char *unit,
                    const char *help);

struct metrics_label {
    const char *name; /* NULL ends a list */
    const char *value;
};
/* One sample; `suffix` is "", "_total" or "_info". Label values are escaped. */
void metrics_sample(struct buffer *out, const char *name, const char *suffix,
                    const struct metrics_label *labels, double value);
void metrics_end(struct buffer *out); /* "# EOF" */

#endif
