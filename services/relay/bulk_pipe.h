/* SPDX-License-Identifier: MIT */
/* A kernel pipe through which a busy connection's bytes are spliced. Pipes are kept for the next busy
 * connection. */
#ifndef HOSPES_BULK_PIPE_H
#define HOSPES_BULK_PIPE_H

#include <stddef.h>

#define BULK_PIPES_KEPT 8 /* unused ones; more parallel bulk streams make and drop theirs */

struct bulk_pipe {
    int read_fd, write_fd;
    size_t capacity; /* bytes that may be spliced in at once; ≤ FRAME_DATA_MAX */
    size_t level;    /* bytes inside, put in by its user */
};

struct bulk_pipes {
    struct bulk_pipe *kept[BULK_PIPES_KEPT];
    size_t count;
};

void bulk_pipes_init(struct bulk_pipes *pipes);
void bulk_pipes_finish(struct bulk_pipes *pipes);
/* NULL when there are no descriptors or no memory: go on without. */
struct bulk_pipe *bulk_pipes_take(struct bulk_pipes *pipes);
/* One with bytes inside is dropped. NULL allowed. */
void bulk_pipes_give_back(struct bulk_pipes *pipes, struct bulk_pipe *pipe);

#endif
