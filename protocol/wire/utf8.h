/* SPDX-License-Identifier: MIT */
/* Text of the wire: valid UTF-8 (no overlong forms, no surrogates, nothing above U+10FFFF) without NUL. */
#ifndef HOSPES_UTF8_H
#define HOSPES_UTF8_H

#include "protocol/base/buffer.h"

bool utf8_is_valid(struct span text);

/* Makes a terminated wire text of any bytes: what is no UTF-8 and NUL become '?', and it is cut between
 * characters to fit `capacity` (terminator included, at least 1). Returns the length written. */
size_t utf8_copy(char *out, size_t capacity, struct span bytes);

#endif
