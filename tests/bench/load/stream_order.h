/* SPDX-License-Identifier: MIT */
/* What a stream client asks of the stream server, as the first bytes of each connection. Both run on one
 * machine, so the numbers are in its own byte order. */
#ifndef BENCH_STREAM_ORDER_H
#define BENCH_STREAM_ORDER_H

#include <stdint.h>

/* Upload: the client writes for as long as it likes and shuts its side; the server answers with the number of
 * bytes it read, as a uint64_t. Download: the server writes for `milliseconds` and shuts its side. */
enum stream_direction { STREAM_UPLOAD = 1, STREAM_DOWNLOAD };

struct stream_order {
    uint32_t direction; /* enum stream_direction */
    uint32_t milliseconds;
};

#define STREAM_CHUNK_SIZE (256 * 1024) /* of one read or write: the fastest in direct TCP */

#endif
