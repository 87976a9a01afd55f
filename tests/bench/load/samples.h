/* SPDX-License-Identifier: MIT */
/* Durations, gathered and then printed as one JSON object. */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

struct samples {
    size_t count, capacity;
    uint64_t *values_ns; /* owned */
};

/* CLOCK_MONOTONIC, which all network namespaces of a machine share. */
uint64_t samples_now_ns(void);

/* Ends the program when there is no memory. */
void samples_init(struct samples *samples, size_t capacity);
void samples_finish(struct samples *samples);
/* At most `capacity` times. */
void samples_add(struct samples *samples, uint64_t value_ns);
/* {"count":…,"p50Us":…,"p99Us":…,"minUs":…,"maxUs":…} without a newline; sorts the values. All are 0 when
 * there are none. */
void samples_print(struct samples *samples);

#endif
