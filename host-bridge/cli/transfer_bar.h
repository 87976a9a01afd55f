/* SPDX-License-Identifier: MIT */
/* How a transfer goes, as at most two lines for a terminal: the current file, and the whole. Pure. */
#ifndef HOSPES_CLI_TRANSFER_BAR_H
#define HOSPES_CLI_TRANSFER_BAR_H

#include <jansson.h>
#include <stddef.h>

/* Escaped lines of at most `columns` columns, each ended by a newline; owned by the caller. NULL when out of
 * memory. */
char *transfer_bar_text(const json_t *transfer, size_t columns, size_t *ret_lines);

#endif
