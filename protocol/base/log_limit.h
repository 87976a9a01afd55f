/* SPDX-License-Identifier: MIT */
/* Keeps a line that may be due a thousand times a second to one each LOG_LIMIT_INTERVAL_MS: the first at
 * once, then how many there were. The owner writes the line; a clock is given, none is read. */
#ifndef HOSPES_LOG_LIMIT_H
#define HOSPES_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define LOG_LIMIT_INTERVAL_MS 1000

/* All zero at first. */
struct log_limit {
    uint64_t next_ms; /* 0: no line yet */
    uint64_t untold;
};

/* Something happened once more. True: write the line; *ret_count occurrences stand behind it, this one
 * included. */
bool log_limit_tell(struct log_limit *limit, uint64_t now_ms, uint64_t *ret_count);

#endif
