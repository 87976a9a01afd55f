/* SPDX-License-Identifier: MIT */
/* The three clocks, in milliseconds. */
#ifndef HOSPES_CLOCK_H
#define HOSPES_CLOCK_H

#include <stdint.h>

uint64_t clock_monotonic_ms(void); /* stands still during suspend */
uint64_t clock_boot_ms(void); /* runs on during suspend (CLOCK_BOOTTIME); = monotonic where there is none */
uint64_t clock_realtime_ms(void); /* since 1970, may jump */

#endif
