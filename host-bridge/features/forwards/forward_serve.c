/* SPDX-License-Identifier: MIT */
/* One forward's host side: TCP clients go to io.carry_tcp, UDP sockets to io.serve_udp. Which sockets is
 * forwards_open.c; bytes are the relay's. */
#define LOG_MODULE "forwards"
#include "host-bridge/features/forwards/forwards_private.h"
#include "protocol/base/log.h"
#include "protocol/base/status.h"

#include <unistd.h>

#define REFUSALS_LOG_INTERVAL_MS 5000

static void handle_client(void *ctx, int fd)
{
    struct forward_entry *entry = ctx;
    const struct forwards *forwards = entry->owner;
    if (!forwards->link_up)
        fd_refuse(fd);
    else
        forwards->io.carry_tcp(forwards->io.ctx, fd, &entry->forward.target, &entry->forward.flows);
}

static void log_refusals(struct forward_entry *entry, int status, unsigned refused)
{
    struct forwards *forwards = entry->owner;
    uint64_t now = forwards_now(forwards);
    forwards->refusals_untold += refused;
    if (forwards->refusals_logged_ms != 0 && now < forwards->refusals_logged_ms + REFUSALS_LOG_INTERVAL_MS)
        return;
    log_error("host port %u: %u clients refused, %s; raise the limit of open files (ulimit -n, LimitNOFILE=)",
              entry->forward.host_port, forwards->refusals_untold, status_text(status));
    forwards->refusals_logged_ms = now;
    forwards->refusals_untold = 0;
}

static void handle_exhausted(void *ctx, int status, unsigned refused, bool paused)
{
    struct forward_entry *entry = ctx;
    struct forwards *forwards = entry->owner;
    log_refusals(entry, status, refused);
    if (!paused)
        return;
    forwards->resume_at_ms = forwards_now(forwards) + FORWARD_RESUME_MS;
    forwards_due(forwards, forwards->resume_at_ms);
}

static void handle_listener_closed(void *closed_ctx)
{
    forwards_release(closed_ctx);
}

static const struct host_listener_callbacks LISTENER_CALLBACKS = {
    .on_client = handle_client,
    .on_exhausted = handle_exhausted,
    .on_closed = handle_listener_closed,
};

bool forward_is_serving(const struct forward_entry *entry)
{
    return entry->listener != NULL || entry->udp_servers[0] != NULL;
}

static int serve_tcp(struct forward_entry *entry, struct host_sockets *take)
{
    struct forwards *forwards = entry->owner;
    fd_reserve_fill(&forwards->reserve); /* without one the listener pauses instead of refusing */
    int status = host_listener_open(forwards->loop, take, &forwards->reserve, &LISTENER_CALLBACKS, entry,
                                    &entry->listener);
    if (status < 0)
        host_sockets_close(take);
    return status;
}

static void stop_udp(struct forward_entry *entry)
{
    const struct forwards_io *io = &entry->owner->io;
    for (int i = 0; i < HOST_SOCKETS_MAX; i++) {
        if (entry->udp_servers[i] != NULL)
            io->stop_udp(io->ctx, entry->udp_servers[i]);
        entry->udp_servers[i] = NULL;
    }
}

static int serve_udp(struct forward_entry *entry, struct host_sockets *take)
{
    const struct forwards_io *io = &entry->owner->io;
    for (int i = 0; i < take->count; i++) {
        entry->udp_servers[i] =
            io->serve_udp(io->ctx, take->fds[i], &entry->forward.target, &entry->forward.flows);
        if (entry->udp_servers[i] != NULL)
            continue;
        for (int rest = i + 1; rest < take->count; rest++)
            close(take->fds[rest]);
        stop_udp(entry);
        return UV_ENOMEM;
    }
    return 0;
}

int forward_serve(struct forward_entry *entry, struct host_sockets *take)
{
    return entry->forward.protocol == PORT_TCP ? serve_tcp(entry, take) : serve_udp(entry, take);
}

void forward_stop(struct forward_entry *entry)
{
    struct forwards *forwards = entry->owner;
    if (!forward_is_serving(entry))
        return;
    if (entry->listener != NULL) {
        host_listener_close(entry->listener, forwards);
        entry->listener = NULL;
        forwards->pending++;
    }
    stop_udp(entry);
    if (forwards->retry_at_ms != 0 && !forwards->closing) { /* somebody may have waited for this port */
        forwards->retry_at_ms = forwards_now(forwards);
        forwards_due_now(forwards);
    }
}
