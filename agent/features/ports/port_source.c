/* SPDX-License-Identifier: MIT */
/* Chooses the best tier that works here and says why not a better one. When to look is left to port_watch. */
#include "agent/features/ports/port_source.h"

#include <stdio.h>
#include <unistd.h>
#include <uv.h>

#include "agent/platform/linux_procnet.h"
#include "agent/platform/linux_sock_destroy.h"
#include "protocol/base/status.h"

static bool diag_works(struct port_source *source, uint8_t protocol, int *ret_status)
{
    struct socket_list list;
    socket_list_init(&list);
    *ret_status = sock_diag_dump(&source->diag, protocol, &list);
    socket_list_finish(&list);
    return *ret_status == 0 || *ret_status == UV_EAGAIN;
}

static void open_diag(struct port_source *source, int *ret_status)
{
    *ret_status = sock_diag_init(&source->diag);
    if (*ret_status < 0)
        return;
    int udp_status;
    source->diag_tcp = diag_works(source, PORT_TCP, ret_status);
    source->diag_udp = source->diag_tcp && diag_works(source, PORT_UDP, &udp_status);
}

static int open_trace(struct port_source *source, const char **ret_reason)
{
    int status = listen_trace_create(&source->trace, ret_reason);
    if (status < 0)
        return status;
    source->tier = PORT_TIER_T0;
    if (!source->diag_udp || sock_destroy_open(false, true, &source->destroy_fd) < 0)
        source->destroy_fd = -1;
    snprintf(source->text, sizeof(source->text), "tracepoint%s%s",
             source->diag_tcp ? "" : "; sockets from /proc/net: the kernel has no sock_diag for TCP",
             port_source_misses_udp(source) ? "; UDP at heartbeats" : "");
    return 0;
}

static void open_polling(struct port_source *source, const char *reason)
{
    source->tier = PORT_TIER_T1;
    /* Without the news of ended sockets, the next poll finds them. */
    if (sock_destroy_open(true, true, &source->destroy_fd) < 0)
        source->destroy_fd = -1;
    snprintf(source->text, sizeof(source->text), "polling: %s", reason);
}

static int open_procnet(struct port_source *source, const char *reason)
{
    struct socket_list list;
    socket_list_init(&list);
    int status = procnet_dump(PORT_TCP, &list);
    socket_list_finish(&list);
    if (status < 0)
        return status;
    source->diag_tcp = false;
    source->diag_udp = false;
    source->tier = PORT_TIER_T2;
    snprintf(source->text, sizeof(source->text), "polling /proc/net: %s", reason);
    return 0;
}

int port_source_open(struct port_source *source, enum port_tier force, bool avoid_sock_diag)
{
    *source = (struct port_source){.diag = {.fd = -1}, .destroy_fd = -1};
    const char *reason = "asked for";
    int diag_status = UV_ENOTSUP;
    int status = UV_ENOTSUP;
    if (force != PORT_TIER_T2 && !avoid_sock_diag)
        open_diag(source, &diag_status);
    if (force == PORT_TIER_AUTO || force == PORT_TIER_T0)
        status = open_trace(source, &reason);
    if (status < 0 && force != PORT_TIER_T0 && source->diag_tcp) {
        open_polling(source, reason);
        status = 0;
    } else if (status < 0 && force == PORT_TIER_T1) {
        status = diag_status;
    } else if (status < 0 && force != PORT_TIER_T0) {
        status = open_procnet(source, reason);
    }
    if (status < 0)
        port_source_close(source);
    return status;
}

bool port_source_misses_udp(const struct port_source *source)
{
    return source->trace != NULL && (!listen_trace_sees_udp(source->trace) || source->destroy_fd < 0);
}

void port_source_close(struct port_source *source)
{
    listen_trace_destroy(source->trace);
    source->trace = NULL;
    if (source->destroy_fd >= 0)
        close(source->destroy_fd);
    source->destroy_fd = -1;
    sock_diag_finish(&source->diag);
}

int port_source_dump(struct port_source *source, uint8_t protocol, struct socket_list *list)
{
    bool diag = protocol == PORT_TCP ? source->diag_tcp : source->diag_udp;
    int status = UV_ENOTSUP;
    socket_list_clear(list);
    if (diag)
        status = sock_diag_dump(&source->diag, protocol, list);
    if (status < 0 && status != UV_EAGAIN) {
        socket_list_clear(list);
        status = procnet_dump(protocol, list);
    }
    if (status == 0)
        socket_list_settle(list);
    return status;
}

void port_source_degrade(struct port_source *source, const char *reason)
{
    listen_trace_destroy(source->trace);
    source->trace = NULL;
    source->tier = source->diag_tcp ? PORT_TIER_T1 : PORT_TIER_T2;
    snprintf(source->text, sizeof(source->text), "polling%s: %s", source->diag_tcp ? "" : " /proc/net",
             reason);
}
