/* SPDX-License-Identifier: MIT */
/* Allocates the shared scratch areas; pages are touched only as far as reads fill them. */
#include "protocol/link/link_loop.h"

#include <stdlib.h>

int link_loop_init(struct link_loop *loop, uv_loop_t *uv)
{
    *loop = (struct link_loop){
        .uv = uv,
        .scratch = malloc(FRAME_HEADER_SIZE + SCRATCH_SIZE),
        .relay_scratch = malloc(FRAME_HEADER_SIZE + SCRATCH_SIZE),
        .seal_in = malloc(RECORD_PLAIN_MAX),
        .seal_out = malloc(FRAME_HEADER_SIZE + SCRATCH_SIZE),
        .secrets = secret_pool_create(),
    };
    if (loop->scratch != NULL && loop->relay_scratch != NULL && loop->seal_in != NULL &&
        loop->seal_out != NULL && loop->secrets != NULL)
        return 0;
    link_loop_finish(loop);
    return UV_ENOMEM;
}

void link_loop_finish(struct link_loop *loop)
{
    free(loop->scratch);
    free(loop->relay_scratch);
    free(loop->seal_in);
    free(loop->seal_out);
    secret_pool_destroy(loop->secrets);
    *loop = (struct link_loop){0};
}
