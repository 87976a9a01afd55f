/* SPDX-License-Identifier: MIT */
/* Where a copy goes, by the rules of cp(1): into a folder that is there, or to a new name. */
#ifndef HOSPES_TARGET_PATH_H
#define HOSPES_TARGET_PATH_H

#include <stddef.h>

#include "protocol/wire/limits.h"

struct target_path {
    char folder[FILES_PATH_MAX + 1]; /* absolute, there */
    char name[FILES_NAME_MAX + 1];   /* of the only root; "": roots keep their names */
};

/* `to` relative to `base` (absolute); "~" and "~/…" are `base`. Blocks. UV_ENOTDIR: several roots, or a slash
 * at the end, and no folder there; UV_ENOENT: not even the folder above is there; UV_ENAMETOOLONG; each with
 * a sentence. */
int target_path_resolve(const char *to, const char *base, size_t root_count, struct target_path *ret,
                        char ret_problem[static TEXT_REASON_MAX + 1]);
/* The absolute form alone. STATUS_INVALID, UV_ENAMETOOLONG. */
int target_path_absolute(const char *path, const char *base, char ret[static FILES_PATH_MAX + 1]);

#endif
