/* SPDX-License-Identifier: MIT */
/* Allocates the shared scratch areas; pages are touched only as far as reads fill them. */
#include "protocol/link/link_loop.h"

#include <stdlib.h>

int link_loop_init(struct link_loop *loop, uv_loop_t *uv)
{
    uint8_t *scratch = malloc(FRAME_HEADER_SIZE + SCRATCH_SIZE);
    uint8_t *relay_scratch = malloc(FRAME_HEADER_SIZE + SCRATCH_SIZE);
    if (scratch == NULL || relay_scratch == NULL) {
        free(scratch);
        free(relay_scratch);
        return UV_ENOMEM;
    }
    *loop = (struct link_loop){.uv = uv, .scratch = scratch, .relay_scratch = relay_scratch};
    return 0;
}

void link_loop_finish(struct link_loop *loop)
{
    free(loop->scratch);
    free(loop->relay_scratch);
    *loop = (struct link_loop){0};
}
