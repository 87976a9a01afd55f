/* SPDX-License-Identifier: MIT */
/* Ranges of an open file. Block; `stop` is looked at between pieces, can be NULL. */
#ifndef HOSPES_FILE_RANGE_H
#define HOSPES_FILE_RANGE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* All of it. UV_ENOSPC, STATUS_QUOTA, UV_EFBIG, UV_EIO … */
int file_range_write(int fd, const uint8_t *bytes, size_t size, uint64_t offset);
/* Copies within the kernel where it can; the same offset in both. UV_EOF: `from` ends before. */
int file_range_copy(int from, int to, uint64_t offset, uint64_t size, atomic_bool *stop);
/* Zero bytes, as a hole where the file system knows holes. The file does not grow: what lies behind its end
 * is zero when it grows. */
int file_range_zero(int fd, uint64_t offset, uint64_t size, atomic_bool *stop);

#endif
