/* SPDX-License-Identifier: MIT */
/* "name (1).ext" and so on, for names that are taken. Pure. */
#ifndef HOSPES_FREE_NAME_H
#define HOSPES_FREE_NAME_H

#include <stdbool.h>

#include "protocol/wire/limits.h"

#define FREE_NAME_MAX 999

/* Number 0 is the name itself. The number stands before the extension of a file (".tar.gz" is one), at the
 * end of a folder's name; a name that gets too long is cut before it, at a whole character. */
void free_name_make(const char *name, bool is_folder, unsigned number, char ret[static FILES_NAME_MAX + 1]);

#endif
