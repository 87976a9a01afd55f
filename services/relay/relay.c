/* SPDX-License-Identifier: MIT */
/* The shared parts of flows: pipes for bulk data, the deadlines of flows, the descriptor limit. */
#include "services/relay/relay.h"

#include <sys/resource.h>

void relay_init(struct relay *relay, struct link_loop *loop)
{
    relay->loop = loop;
    bulk_pipes_init(&relay->pipes);
    deadlines_init(&relay->udp_idle, loop->uv, UDP_FLOW_IDLE_MS);
    deadlines_init(&relay->opening, loop->uv, CHANNEL_OPEN_TIMEOUT_MS);
}

static void handle_list_closed(void *ctx)
{
    struct relay *relay = ctx;
    if (--relay->lists_open == 0 && relay->on_closed != NULL)
        relay->on_closed(relay->ctx);
}

void relay_close(struct relay *relay, void (*on_closed)(void *ctx), void *ctx)
{
    relay->on_closed = on_closed;
    relay->ctx = ctx;
    relay->lists_open = 2;
    bulk_pipes_finish(&relay->pipes);
    deadlines_close(&relay->udp_idle, handle_list_closed, relay);
    deadlines_close(&relay->opening, handle_list_closed, relay);
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
