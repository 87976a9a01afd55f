/* SPDX-License-Identifier: MIT */
/* Redial delays: REDIAL_MIN_MS doubling to REDIAL_MAX_MS, each shortened by a random quarter at most. Pure.
 */
#ifndef HOSPES_BACKOFF_H
#define HOSPES_BACKOFF_H

#include <stdint.h>

struct backoff {
    uint32_t next_ms; /* 0 = start over */
};

void backoff_reset(struct backoff *backoff);
/* `random` is any random number. Returns the delay to wait now. */
uint32_t backoff_next(struct backoff *backoff, uint32_t random);

#endif
