/* SPDX-License-Identifier: MIT */
/* Removes files, and folders with what is in them. Blocks; on the user's behalf. */
#ifndef HOSPES_REMOVE_TREE_H
#define HOSPES_REMOVE_TREE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocol/wire/limits.h"

/* Removes the entry `path` (absolute), a link itself and not what it points to. A folder must be empty unless
 * `recursive`; then all in it goes first, by descriptors, so that nothing outside is touched whatever others
 * do meanwhile. What is mounted within stays, and ends the work (UV_EXDEV). `stop` is looked at often:
 * UV_ECANCELED. *ret_removed counts entries, those before a failure, too. With a sentence. */
int remove_tree(const char *path, bool recursive, const atomic_bool *stop, uint64_t *ret_removed,
                char ret_problem[static TEXT_REASON_MAX + 1]);

#endif
