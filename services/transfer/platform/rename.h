/* SPDX-License-Identifier: MIT */
/* Moves a name to a place that must be free. Blocks. */
#ifndef HOSPES_RENAME_H
#define HOSPES_RENAME_H

/* UV_EEXIST: something has that name already, and nothing was done. UV_EXDEV and the like as of rename(2). */
int rename_exclusive(int from_folder, const char *from, int to_folder, const char *to);
/* What it does where the file system has no such call. A file can't be lost by it; between two processes that
 * move folders to one name at the same moment, an empty folder may be replaced. Here for its test. */
int rename_exclusive_by_steps(int from_folder, const char *from, int to_folder, const char *to);

#endif
