/* SPDX-License-Identifier: MIT */
/* Where a file has data and where it has holes. */
#ifndef HOSPES_HOLES_H
#define HOSPES_HOLES_H

#include <stdint.h>

struct data_extent {
    uint64_t start, end;
};

/* The first data at or behind `from`, of a file of `size` bytes; start and end are `size` when only a hole
 * follows. Where the file system can't tell, all is data. Errors of lseek(2). */
int holes_next_data(int fd, uint64_t from, uint64_t size, struct data_extent *ret);

#endif
