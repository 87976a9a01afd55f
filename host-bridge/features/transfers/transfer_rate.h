/* SPDX-License-Identifier: MIT */
/* How fast a transfer is, and how long it will take: looks at the last seconds. Pure. */
#ifndef HOSPES_TRANSFER_RATE_H
#define HOSPES_TRANSFER_RATE_H

#include <stddef.h>
#include <stdint.h>

#define TRANSFER_RATE_SAMPLES 21 /* at TRANSFER_NEWS_MS: five seconds between the first and the last */

struct transfer_sample {
    uint64_t at_ms;
    uint64_t moved; /* bytes that went over the link */
    uint64_t done;  /* bytes that are settled, those that did not have to move included */
};

struct transfer_rate {
    size_t count, next;
    struct transfer_sample samples[TRANSFER_RATE_SAMPLES];
};

void transfer_rate_reset(struct transfer_rate *rate);
void transfer_rate_add(struct transfer_rate *rate, const struct transfer_sample *sample);
/* Bytes a second that move; 0: not known, or none. */
uint64_t transfer_rate_moved(const struct transfer_rate *rate);
/* Seconds until `total` bytes are done, rounded up; UINT64_MAX: not known. */
uint64_t transfer_rate_left_s(const struct transfer_rate *rate, uint64_t total);

#endif
