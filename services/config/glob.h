/* SPDX-License-Identifier: MIT */
/* Glob matching as policy rules use it. */
#ifndef HOSPES_GLOB_H
#define HOSPES_GLOB_H

#include <stdbool.h>

/* The whole of `text` against `pattern`: '*' is any number of characters, '?' is one, all else is itself.
 * Both are UTF-8. At most strlen(pattern) * strlen(text) steps, whatever a guest writes into `text`. */
bool glob_match(const char *pattern, const char *text);

#endif
