/* SPDX-License-Identifier: MIT */
/* Text of unknown origin (process names, paths, user names) made fit for a message. */
#ifndef HOSPES_TEXT_H
#define HOSPES_TEXT_H

#include <stddef.h>

/* Copies up to `size` bytes into `out` (out_size >= 1) as valid UTF-8 with a terminator: a byte that is no
 * UTF-8 and a control character become '?', a character that no longer fits is left out whole. `bytes` may be
 * NULL when size is 0. */
void text_copy(char *out, size_t out_size, const void *bytes, size_t size);

/* The same for a terminated string. */
void text_copy_string(char *out, size_t out_size, const char *text);

#endif
