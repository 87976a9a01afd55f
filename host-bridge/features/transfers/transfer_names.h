/* SPDX-License-Identifier: MIT */
/* What the roots of a transfer are called. Pure. */
#ifndef HOSPES_TRANSFER_NAMES_H
#define HOSPES_TRANSFER_NAMES_H

#include <stdbool.h>

#include "host-bridge/features/transfers/transfers.h"

/* The last component of a path as people give it. False: it names nothing ("/", "..", "~"), or nothing that
 * may be a name. */
bool transfer_name_of_path(const char *path, char ret[static FILES_NAME_MAX + 1]);
/* "hospes://VM/NAME", where all but unreserved characters of URLs is escaped; allocated. NULL: out of memory.
 */
char *transfer_origin(const char *vm, const char *name);

#endif
