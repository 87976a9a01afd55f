/* SPDX-License-Identifier: MIT */
/* How much of something is allowed: a bucket that fills at a rate and holds a burst. A clock is given, none
 * is read. */
#ifndef HOSPES_ALLOWANCE_H
#define HOSPES_ALLOWANCE_H

#include <stdbool.h>
#include <stdint.h>

struct allowance {
    uint32_t rate;        /* a second; 1 and up */
    uint32_t burst;       /* at once; 1 and up */
    uint64_t left_millis; /* thousandths */
    uint64_t at_ms;
    uint64_t refused; /* so many times */
};

/* Full. */
void allowance_init(struct allowance *allowance, uint32_t rate, uint32_t burst, uint64_t now_ms);
/* Takes `amount`, all or nothing. False: it is not there; counted. */
bool allowance_take(struct allowance *allowance, uint32_t amount, uint64_t now_ms);

#endif
