/* SPDX-License-Identifier: MIT */
/* Connects to one address after the other until one answers; then the flow starts. The descriptor's number
 * stays the same over all tries (dup2), so that one poll handle serves the flow's whole life. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "services/relay/ip_socket.h"
#include "services/relay/tcp_flow_internal.h"

/* Starts connecting to the next address that lets itself be started. Returns the descriptor, or the last
 * error. */
static int connect_next(struct tcp_dial *dial)
{
    while (dial->next < dial->target.address_count) {
        struct sockaddr_storage address;
        socklen_t size =
            ip_socket_address(&dial->target.addresses[dial->next++], dial->target.port, &address);
        int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd >= 0 && (connect(fd, (struct sockaddr *)&address, size) == 0 || errno == EINPROGRESS))
            return fd;
        dial->last_error = uv_translate_sys_error(errno);
        if (fd >= 0)
            close(fd);
    }
    return dial->last_error;
}

void tcp_flow_dial_go_on(struct tcp_flow *flow)
{
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(flow->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) {
        free(flow->dial);
        flow->dial = NULL;
        deadline_stop(&flow->opening);
        if (channel_send_opened(&flow->channel) < 0)
            tcp_flow_abort(flow, STATUS_LIMIT, "");
        else
            tcp_flow_start(flow);
        return;
    }
    flow->dial->last_error = uv_translate_sys_error(error);
    int fd = connect_next(flow->dial);
    if (fd < 0) {
        tcp_flow_abort(flow, fd, "");
        return;
    }
    uv_poll_stop(&flow->poll);
    flow->poll_events = 0;
    dup3(fd, flow->fd, O_CLOEXEC);
    close(fd);
}

int tcp_flow_dial(struct relay *relay, struct stream *stream, const struct dial_target *target,
                  struct flow_set *flows)
{
    struct tcp_dial *dial = malloc(sizeof(*dial));
    if (dial == NULL) {
        stream_abort(stream, UV_ENOMEM, "");
        return UV_ENOMEM;
    }
    *dial = (struct tcp_dial){.target = *target, .last_error = UV_EADDRNOTAVAIL};
    int fd = connect_next(dial);
    if (fd < 0) {
        free(dial);
        stream_abort(stream, fd, "");
        return fd;
    }
    struct tcp_flow *flow;
    int status = tcp_flow_create(relay, fd, stream, flows, &flow);
    if (status < 0) {
        free(dial);
        return status;
    }
    flow->dial = dial;
    tcp_flow_update_poll(flow);
    return 0;
}
