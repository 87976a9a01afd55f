/* SPDX-License-Identifier: MIT */
/* The file system behind an open folder, and in whose name a thread uses it. Block. */
#ifndef HOSPES_FILE_SYSTEM_H
#define HOSPES_FILE_SYSTEM_H

#include <stdint.h>
#include <sys/types.h>

/* errno → status: as libuv's, and EDQUOT is STATUS_QUOTA. */
int file_status(int error);
/* Bytes that may still be written, and of the whole. */
int file_system_space(int folder, uint64_t *ret_free, uint64_t *ret_total);
/* All that was written to it is on the disk after this. */
int file_system_sync(int folder);
/* The user whom new files of this thread belong to. */
uid_t file_system_user(void);

#endif
