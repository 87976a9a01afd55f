/* SPDX-License-Identifier: MIT */
/* A ring of samples; rates are the difference between its ends. Numbers may come from a guest and be of any
 * size: nothing overflows. */
#include "host-bridge/features/transfers/transfer_rate.h"

#define SPAN_MIN_MS 400 /* less says nothing yet */

void transfer_rate_reset(struct transfer_rate *rate)
{
    rate->count = rate->next = 0;
}

void transfer_rate_add(struct transfer_rate *rate, const struct transfer_sample *sample)
{
    rate->samples[rate->next] = *sample;
    rate->next = (rate->next + 1) % TRANSFER_RATE_SAMPLES;
    if (rate->count < TRANSFER_RATE_SAMPLES)
        rate->count++;
}

static const struct transfer_sample *sample_before(const struct transfer_rate *rate, size_t before_next)
{
    return &rate->samples[(rate->next + TRANSFER_RATE_SAMPLES - before_next) % TRANSFER_RATE_SAMPLES];
}

static uint64_t a_second(uint64_t from, uint64_t to, uint64_t span_ms)
{
    if (span_ms < SPAN_MIN_MS || to <= from)
        return 0;
    double bytes = (double)(to - from) * 1000 / (double)span_ms;
    return bytes >= 9e18 ? INT64_MAX : (uint64_t)bytes;
}

uint64_t transfer_rate_moved(const struct transfer_rate *rate)
{
    if (rate->count < 2)
        return 0;
    const struct transfer_sample *first = sample_before(rate, rate->count), *last = sample_before(rate, 1);
    return a_second(first->moved, last->moved, last->at_ms - first->at_ms);
}

uint64_t transfer_rate_left_s(const struct transfer_rate *rate, uint64_t total)
{
    if (rate->count < 2)
        return UINT64_MAX;
    const struct transfer_sample *first = sample_before(rate, rate->count), *last = sample_before(rate, 1);
    uint64_t speed = a_second(first->done, last->done, last->at_ms - first->at_ms);
    if (speed == 0)
        return UINT64_MAX;
    uint64_t left = last->done < total ? total - last->done : 0;
    return left / speed + (left % speed != 0);
}
