/* SPDX-License-Identifier: MIT */
/* copy_file_range(2) shares blocks on file systems that can, and is a copy without a detour elsewhere;
 * fallocate(2) punches holes. Both have a way by read and write where they are missing. */
#include "services/transfer/platform/file_range.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "services/transfer/platform/file_system.h"

#define PIECE_SIZE (256 * 1024)
#define COPY_MAX   (64 << 20) /* a call: so that `stop` is looked at */

static bool is_stopped(atomic_bool *stop)
{
    return stop != NULL && atomic_load_explicit(stop, memory_order_relaxed);
}

int file_range_write(int fd, const uint8_t *bytes, size_t size, uint64_t offset)
{
    while (size > 0) {
        ssize_t written = pwrite(fd, bytes, size, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return file_status(errno);
        bytes += written;
        size -= (size_t)written;
        offset += (uint64_t)written;
    }
    return 0;
}

static int copy_by_hand(int from, int to, uint64_t offset, uint64_t size, atomic_bool *stop)
{
    uint8_t *piece = malloc(PIECE_SIZE);
    int status = piece == NULL ? UV_ENOMEM : 0;
    while (status == 0 && size > 0) {
        if (is_stopped(stop)) {
            status = UV_ECANCELED;
            break;
        }
        ssize_t got = pread(from, piece, size < PIECE_SIZE ? (size_t)size : PIECE_SIZE, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            status = got == 0 ? UV_EOF : file_status(errno);
            break;
        }
        status = file_range_write(to, piece, (size_t)got, offset);
        offset += (uint64_t)got;
        size -= (uint64_t)got;
    }
    free(piece);
    return status;
}

int file_range_copy(int from, int to, uint64_t offset, uint64_t size, atomic_bool *stop)
{
    while (size > 0) {
        if (is_stopped(stop))
            return UV_ECANCELED;
        off_t in = (off_t)offset, out = (off_t)offset;
        ssize_t copied = copy_file_range(from, &in, to, &out, size < COPY_MAX ? (size_t)size : COPY_MAX, 0);
        if (copied < 0 && errno == EINTR)
            continue;
        if (copied < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO || errno == EFBIG))
            return file_status(errno);
        if (copied <= 0) /* some file systems say 0 for what they can't */
            return copy_by_hand(from, to, offset, size, stop);
        offset += (uint64_t)copied;
        size -= (uint64_t)copied;
    }
    return 0;
}

static int zero_by_hand(int fd, uint64_t offset, uint64_t size, atomic_bool *stop)
{
    uint8_t *piece = calloc(1, PIECE_SIZE);
    int status = piece == NULL ? UV_ENOMEM : 0;
    while (status == 0 && size > 0) {
        size_t now = size < PIECE_SIZE ? (size_t)size : PIECE_SIZE;
        status = is_stopped(stop) ? UV_ECANCELED : file_range_write(fd, piece, now, offset);
        offset += now;
        size -= now;
    }
    free(piece);
    return status;
}

int file_range_zero(int fd, uint64_t offset, uint64_t size, atomic_bool *stop)
{
    struct stat look;
    if (fstat(fd, &look) < 0)
        return file_status(errno);
    uint64_t end = (uint64_t)look.st_size;
    if (offset >= end)
        return 0;
    if (size > end - offset)
        size = end - offset;
    if (size == 0 ||
        fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size) == 0)
        return 0;
    return zero_by_hand(fd, offset, size, stop);
}
