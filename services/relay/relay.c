/* SPDX-License-Identifier: MIT */
/* The shared parts of flows: pipes for bulk data, the idle deadlines of UDP flows, the descriptor limit. */
#include "services/relay/relay.h"

#include <sys/resource.h>

void relay_init(struct relay *relay, struct link_loop *loop)
{
    relay->loop = loop;
    bulk_pipes_init(&relay->pipes);
    deadlines_init(&relay->udp_idle, loop->uv, UDP_FLOW_IDLE_MS);
}

void relay_close(struct relay *relay, void (*on_closed)(void *ctx), void *ctx)
{
    bulk_pipes_finish(&relay->pipes);
    deadlines_close(&relay->udp_idle, on_closed, ctx);
}

size_t relay_raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0;
    rlim_t soft = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
        soft = limit.rlim_max;
    return (size_t)soft;
}
