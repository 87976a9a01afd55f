/* SPDX-License-Identifier: MIT */
/* Which bytes of a file a request wants, and whether it has them already (RFC 9110: Range, If-Range,
 * If-None-Match). Pure. */
#ifndef HOSPES_API_CONTENT_RANGE_H
#define HOSPES_API_CONTENT_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum content_range { RANGE_NONE, RANGE_SOME, RANGE_IMPOSSIBLE };

/* What a Range header (NULL: none) means for `size` bytes. RANGE_NONE: send everything, also for what is not
 * understood and for several ranges at once. RANGE_SOME: *ret_offset and *ret_length ≥ 1 lie within. */
enum content_range content_range_parse(const char *header, uint64_t size, uint64_t *ret_offset,
                                       uint64_t *ret_length);
/* True when the header is one that content_range_parse may understand, whatever the size. */
bool content_range_is_asked(const char *header);

/* `tag` with its quotes; the header (NULL: none) lists tags, or "*". Weak ones count as equal. */
bool content_tag_matches(const char *header, const char *tag);

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
#define CONTENT_DATE_SIZE 32
void content_date_format(int64_t seconds, char out[static CONTENT_DATE_SIZE]);

#endif
