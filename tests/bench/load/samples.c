/* SPDX-License-Identifier: MIT */
/* Order statistics of durations. What is measured is the caller's business. */
#include "tests/bench/load/samples.h"

#include <assert.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint64_t samples_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void samples_init(struct samples *samples, size_t capacity)
{
    samples->count = 0;
    samples->capacity = capacity;
    samples->values_ns = calloc(capacity, sizeof *samples->values_ns);
    if (samples->values_ns == NULL)
        err(1, "%zu samples", capacity);
}

void samples_finish(struct samples *samples)
{
    free(samples->values_ns);
    samples->values_ns = NULL;
}

void samples_add(struct samples *samples, uint64_t value_ns)
{
    assert(samples->count < samples->capacity);
    samples->values_ns[samples->count++] = value_ns;
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

static double quantile_us(const struct samples *samples, size_t percent)
{
    if (samples->count == 0)
        return 0;
    return (double)samples->values_ns[(samples->count - 1) * percent / 100] / 1000.0;
}

void samples_print(struct samples *samples)
{
    qsort(samples->values_ns, samples->count, sizeof *samples->values_ns, compare);
    printf("{\"count\":%zu,\"p50Us\":%.1f,\"p99Us\":%.1f,\"minUs\":%.1f,\"maxUs\":%.1f}", samples->count,
           quantile_us(samples, 50), quantile_us(samples, 99), quantile_us(samples, 0),
           quantile_us(samples, 100));
}
