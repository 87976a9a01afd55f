/* SPDX-License-Identifier: MIT */
/* Removes a folder with all that is in it. Blocks. */
#ifndef HOSPES_REMOVAL_H
#define HOSPES_REMOVAL_H

#include <stdatomic.h>

/* `name` in `parent`, a file or a folder; no link is followed. `flat` is a folder on the same file system
 * that what is nested too deeply is moved to for a while (can be `parent`). 0 also when it was not there;
 * UV_ECANCELED: `stop` (can be NULL) said so; else the first reason why something stayed. */
int removal_remove(int parent, const char *name, int flat, atomic_bool *stop);

#endif
