/* SPDX-License-Identifier: MIT */
/* Makes pipes as large as an unprivileged process may (1 MiB as a rule) and keeps a few. */
#include "services/relay/bulk_pipe.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "protocol/wire/limits.h"

void bulk_pipes_init(struct bulk_pipes *pipes)
{
    *pipes = (struct bulk_pipes){0};
}

static void destroy(struct bulk_pipe *bulk)
{
    close(bulk->read_fd);
    close(bulk->write_fd);
    free(bulk);
}

void bulk_pipes_finish(struct bulk_pipes *pipes)
{
    while (pipes->count > 0)
        destroy(pipes->kept[--pipes->count]);
}

struct bulk_pipe *bulk_pipes_take(struct bulk_pipes *pipes)
{
    if (pipes->count > 0)
        return pipes->kept[--pipes->count];
    int fds[2];
    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)
        return NULL;
    struct bulk_pipe *bulk = malloc(sizeof(*bulk));
    if (bulk == NULL) {
        close(fds[0]);
        close(fds[1]);
        return NULL;
    }
    fcntl(fds[1], F_SETPIPE_SZ, FRAME_DATA_MAX); /* refused beyond the user's quota: the default will do */
    int size = fcntl(fds[1], F_GETPIPE_SZ);
    size_t capacity = size > 0 ? (size_t)size : 65536;
    *bulk = (struct bulk_pipe){fds[0], fds[1], capacity > FRAME_DATA_MAX ? FRAME_DATA_MAX : capacity, 0};
    return bulk;
}

void bulk_pipes_give_back(struct bulk_pipes *pipes, struct bulk_pipe *bulk)
{
    if (bulk == NULL)
        return;
    if (bulk->level > 0 || pipes->count == BULK_PIPES_KEPT)
        destroy(bulk);
    else
        pipes->kept[pipes->count++] = bulk;
}
