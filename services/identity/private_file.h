/* SPDX-License-Identifier: MIT */
/* Small files that only their owner reads, in a folder that only their owner changes: checked when read,
 * replaced atomically. Synchronous. All return 0 or a negative status; errno's are libuv's. */
#ifndef HOSPES_PRIVATE_FILE_H
#define HOSPES_PRIVATE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Opens the folder; with `make` a missing one is made, 0700, and its missing parents. STATUS_NOT_ALLOWED: it
 * is neither ours nor root's, or others may change what is in it. Close *ret_fd with close(2). */
int private_folder_open(const char *path, bool make, int *ret_fd);

/* One process at a time for what follows until the lock is closed with close(2). UV_EROFS and the like where
 * no lock can be made, and then nothing can be written either. */
int private_folder_lock(int folder, int *ret_lock);

/* Up to `max` bytes. UV_ENOENT; STATUS_NOT_ALLOWED: not a regular file, a link, neither ours nor root's, or
 * others have rights to it; STATUS_TOO_LARGE. `out` is undefined after a failure. */
int private_file_read(int folder, const char *name, void *out, size_t max, size_t *ret_size);

/* The whole file is replaced, or nothing has happened: it is written beside, synchronised and renamed. Mode
 * 0600. */
int private_file_replace(int folder, const char *name, const void *data, size_t size);

#endif
