/* SPDX-License-Identifier: MIT */
/* Holes by SEEK_DATA and SEEK_HOLE. The descriptor's position moves; its readers use pread(2). */
#include "services/transfer/platform/holes.h"

#include <errno.h>
#include <unistd.h>
#include <uv.h>

int holes_next_data(int fd, uint64_t from, uint64_t size, struct data_extent *ret)
{
    *ret = (struct data_extent){size, size};
    if (from >= size)
        return 0;
    off_t start = lseek(fd, (off_t)from, SEEK_DATA);
    if (start < 0 && errno == ENXIO)
        return 0;
    off_t end = start < 0 ? -1 : lseek(fd, start, SEEK_HOLE);
    if (end < 0 && errno == EINVAL) { /* this file system knows no holes */
        ret->start = from;
        return 0;
    }
    if (end < 0)
        return errno == ENXIO ? 0 : uv_translate_sys_error(errno); /* ENXIO: it was cut in between */
    if ((uint64_t)start < size) {
        ret->start = (uint64_t)start;
        ret->end = end > start && (uint64_t)end < size ? (uint64_t)end : size;
    }
    return 0;
}
