/* SPDX-License-Identifier: MIT */
/* Folders that are entered without leaving their file system. Blocks. */
#ifndef HOSPES_SAME_MOUNT_H
#define HOSPES_SAME_MOUNT_H

/* Opens the folder `name` in `folder` to be read: links are not followed (errno ELOOP or ENOTDIR), and what
 * is mounted there is not entered (EXDEV). A descriptor or -1. */
int same_mount_enter(int folder, const char *name);

#endif
