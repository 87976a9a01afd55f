/* SPDX-License-Identifier: MIT */
/* libsodium's random bytes, made to repeat: for fixed vectors and fuzzing. Never in a program that keeps
 * secrets. */
#ifndef HOSPES_FIXED_RANDOM_H
#define HOSPES_FIXED_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Before anything else of libsodium. */
void fixed_random_install(void);
/* From now on the bytes that belong to this seed, from their beginning; what was queued is forgotten. */
void fixed_random_seed(uint64_t seed);
/* The next request for bytes must be one of this size, and gets these. At most 8 may wait. */
void fixed_random_queue(const uint8_t *bytes, size_t size);

#endif
