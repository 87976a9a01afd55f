/* SPDX-License-Identifier: MIT */
/* What all streams on one event loop share: the loop itself and one scratch area for reading, so that an idle
 * connection owns no buffer. */
#ifndef HOSPES_LINK_LOOP_H
#define HOSPES_LINK_LOOP_H

#include <uv.h>

#include "protocol/wire/limits.h"
#include "protocol/wire/secret.h"

#define SCRATCH_SIZE (256 * 1024) /* a larger read gains nothing measurable */

struct link_loop {
    uv_loop_t *uv;
    /* FRAME_HEADER_SIZE bytes of head room, then SCRATCH_SIZE. Used within one callback, by one reader at a
     * time: a function that reads into it must have handed the bytes on before it calls anything that may
     * read too. */
    uint8_t *scratch;       /* for readers of streams */
    uint8_t *relay_scratch; /* for readers of relayed sockets: a stream's reader may call them */
    uint8_t *seal_in;       /* RECORD_PLAIN_MAX bytes: one opened record; a reader's as well */
    uint8_t *seal_out; /* FRAME_HEADER_SIZE, then SCRATCH_SIZE: records on their way to an inner stream */
    struct secret_pool *secrets;
};

int link_loop_init(struct link_loop *loop, uv_loop_t *uv); /* UV_ENOMEM */
void link_loop_finish(struct link_loop *loop);

#endif
