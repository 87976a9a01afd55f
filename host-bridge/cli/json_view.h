/* SPDX-License-Identifier: MIT */
/* Reading answers that may lack anything: a missing or wrongly typed field is the fallback, never a crash.
 * `object` can be NULL or of any type. Paths are keys joined by dots: "agent.version". */
#ifndef HOSPES_CLI_JSON_VIEW_H
#define HOSPES_CLI_JSON_VIEW_H

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/* Borrowed; NULL when absent or null. */
const json_t *json_view(const json_t *object, const char *path);
/* Borrowed from the object. */
const char *json_view_text(const json_t *object, const char *path, const char *fallback);
/* NAN when absent. */
double json_view_number(const json_t *object, const char *path);
/* 0 when absent or out of range. */
int64_t json_view_integer(const json_t *object, const char *path);
bool json_view_true(const json_t *object, const char *path);
/* A time as milliseconds since 1970: a number, or a text "2026-01-02T03:04:05[.678]Z". 0 when absent. */
int64_t json_view_time(const json_t *object, const char *path);

#endif
