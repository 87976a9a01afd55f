/* SPDX-License-Identifier: MIT */
/* Percent-encoding and the query part of a URI (RFC 3986; "+" is a space in queries only). Pure. */
#ifndef HOSPES_API_QUERY_H
#define HOSPES_API_QUERY_H

#include <stdbool.h>
#include <stddef.h>

/* Decodes `size` bytes of `text` into `out` with a terminator. STATUS_MALFORMED: a % without two hex digits,
 * or a byte 0. STATUS_TOO_LARGE: more than out_size - 1 bytes. */
int percent_decode(const char *text, size_t size, bool plus_is_space, char *out, size_t out_size);

/* Looks `name` up in "a=1&b=2" (`query` can be NULL); the first wins. STATUS_NOT_FOUND, and percent_decode's
 * errors. On failure `out` holds nothing of use. */
int query_get(const char *query, const char *name, char *out, size_t out_size);

#endif
