/* SPDX-License-Identifier: MIT */
/* Opens what lies beneath a folder, and nothing else: no link is followed on the way, none at the end, and no
 * ".." leads out. Blocks. */
#ifndef HOSPES_BENEATH_H
#define HOSPES_BENEATH_H

#include <stddef.h>

/* A folder, for reading and as a place to work in. `path`: components with single slashes between them. 0;
 * UV_ELOOP or UV_ENOTDIR where something else than a folder is in the way, UV_ENOENT … */
int beneath_open_folder(int folder, const char *path, int *ret_fd);
/* The same by steps of one component, for kernels that know no better; here for its test. */
int beneath_walk_folder(int folder, const char *path, int *ret_fd);

#endif
