/* SPDX-License-Identifier: MIT */
/* Numbers as people read them: bytes, durations, points in time. */
#ifndef HOSPES_CLI_QUANTITY_H
#define HOSPES_CLI_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

struct quantity {
    char text[32];
};

struct quantity quantity_bytes(double bytes); /* "0 B", "1.5 KiB", "12 GiB"; "–" when negative or NaN */
struct quantity quantity_duration(double seconds); /* "0 s", "4 min 2 s", "3 d 4 h" */
struct quantity quantity_milliseconds(double ms);  /* "0.25 ms", "12 ms", "1.2 s" */
/* Local time, of today without the date. "–" for 0. */
struct quantity quantity_time(int64_t unix_ms);

/* A port: decimal digits only, 1 … 65535. */
bool quantity_parse_port(const char *text, uint16_t *ret_port);
/* Decimal digits only. */
bool quantity_parse_u64(const char *text, uint64_t *ret_number);

#endif
