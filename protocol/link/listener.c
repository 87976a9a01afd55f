/* SPDX-License-Identifier: MIT */
/* Turns one --listen into streams: two listening sockets (vsock, unix, tcp), or one transport with a mux
 * (serial, stdio). A device that ends is opened again, since udev may bring it back. */
#include "protocol/link/listener.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "protocol/link/accept_socket.h"
#include "protocol/link/mux_link.h"
#include "protocol/link/socket_listen.h"
#include "protocol/link/stream_fd.h"
#include "protocol/link/tcp_socket.h"
#include "protocol/link/transport_open.h"

#define REOPEN_MS 1000

struct listener {
    struct link_loop *loop;
    struct link_spec spec;
    struct listener_options options;
    const struct listener_handler *handler;
    void *ctx;
    struct accept_socket accepts[2];
    int accept_count;
    struct mux_link *mux; /* serial, stdio; NULL while the device is gone */
    struct listener_peer transport_peer;
    uv_timer_t reopen;
    int handles;
};

/* ---- sockets ---- */

static void handle_accept(void *ctx, int fd)
{
    struct listener *listener = ctx;
    enum link_kind kind = listener->spec.kind;
    struct socket_peer seen;
    socket_peer_look(fd, listener->options.loopback_allowed, &seen);
    if (!seen.is_allowed) {
        close(fd);
        listener->handler->on_refused(listener->ctx, kind, seen.who);
        return;
    }
    if (kind == LINK_TCP)
        tcp_socket_set_options(fd);
    struct stream_fd_options options = {.splice = kind == LINK_UNIX};
    struct stream *stream;
    if (stream_fd_create(listener->loop, fd, &options, &stream) < 0)
        return;
    struct listener_peer peer = {.kind = kind, .is_private = seen.is_private};
    snprintf(peer.who, sizeof(peer.who), "%s", seen.who);
    listener->handler->on_stream(listener->ctx, stream, &peer);
}

static void handle_exhausted(void *ctx)
{
    struct listener *listener = ctx;
    listener->handler->on_refused(listener->ctx, listener->spec.kind,
                                  "a client, since the agent has no descriptors left");
}

static int listen_on(struct listener *listener, int status, int fd, const char *what, char *ret_problem)
{
    if (status == 0)
        status = accept_socket_init(&listener->accepts[listener->accept_count], listener->loop->uv, fd,
                                    handle_accept, handle_exhausted, listener);
    if (status < 0) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "cannot listen on %.160s: %s", what, status_text(status));
        return status;
    }
    listener->accept_count++;
    listener->handles++;
    return 0;
}

static int listen_unix(struct listener *listener, char *ret_problem)
{
    const struct link_spec *spec = &listener->spec;
    int fd = -1;
    int status = socket_listen_unix(spec->path, &fd);
    status = listen_on(listener, status, fd, spec->path, ret_problem);
    if (status < 0 || spec->events_path[0] == '\0')
        return status;
    status = socket_listen_unix(spec->events_path, &fd);
    return listen_on(listener, status, fd, spec->events_path, ret_problem);
}

static int listen_ports(struct listener *listener, char *ret_problem)
{
    const struct link_spec *spec = &listener->spec;
    uint32_t ports[2] = {spec->control_port, spec->events_port};
    int count = ports[0] == ports[1] ? 1 : 2;
    int status = 0;
    for (int i = 0; i < count && status == 0; i++) {
        char what[TEXT_REASON_MAX + 1];
        int fd = -1;
        if (spec->kind == LINK_VSOCK) {
            snprintf(what, sizeof(what), "vsock port %u", ports[i]);
            status = socket_listen_vsock(ports[i], &fd);
        } else {
            snprintf(what, sizeof(what), "%.128s port %u", spec->path, ports[i]);
            status = socket_listen_tcp(spec->path, ports[i], &fd);
        }
        status = listen_on(listener, status, fd, what, ret_problem);
    }
    return status;
}

/* ---- one transport ---- */

static void handle_mux_stream(void *ctx, struct stream *stream)
{
    struct listener *listener = ctx;
    listener->handler->on_stream(listener->ctx, stream, &listener->transport_peer);
}

static int open_transport(struct listener *listener, char *ret_problem);

static void handle_reopen(uv_timer_t *timer)
{
    struct listener *listener = timer->data;
    char problem[TEXT_REASON_MAX + 1];
    if (open_transport(listener, problem) < 0)
        uv_timer_start(&listener->reopen, handle_reopen, REOPEN_MS, 0);
}

static void handle_mux_end(void *ctx, int status, const char *text)
{
    struct listener *listener = ctx;
    mux_link_close(listener->mux);
    listener->mux = NULL;
    if (listener->spec.kind == LINK_STDIO)
        listener->handler->on_end(listener->ctx, status, text);
    else
        uv_timer_start(&listener->reopen, handle_reopen, REOPEN_MS, 0);
}

static const struct mux_link_handler MUX_HANDLER = {.on_stream = handle_mux_stream, .on_end = handle_mux_end};

static void look_at_transport(struct listener *listener, int fd)
{
    struct listener_peer *peer = &listener->transport_peer;
    peer->kind = listener->spec.kind;
    peer->is_private = true;
    if (peer->kind == LINK_STDIO)
        snprintf(peer->who, sizeof(peer->who), "stdin");
    else
        peer->is_private = transport_is_private(fd, peer->who, sizeof(peer->who));
}

static int open_transport(struct listener *listener, char *ret_problem)
{
    struct mux_link_options options = {.side = MUX_LISTENER};
    int in_fd = STDIN_FILENO, out_fd = STDOUT_FILENO, status = 0;
    if (listener->spec.kind == LINK_SERIAL) {
        status = transport_open(listener->spec.path, &in_fd, &options.survives_hangup);
        out_fd = in_fd;
    }
    if (status == 0)
        look_at_transport(listener, in_fd);
    if (status == 0)
        status =
            mux_link_create(listener->loop, in_fd, out_fd, &options, &MUX_HANDLER, listener, &listener->mux);
    if (status < 0)
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "cannot open %.160s: %s",
                 listener->spec.kind == LINK_STDIO ? "stdin and stdout" : listener->spec.path,
                 status_text(status));
    return status;
}

/* ---- life ---- */

static void handle_part_closed(void *ctx)
{
    struct listener *listener = ctx;
    if (--listener->handles == 0)
        free(listener);
}

static void handle_timer_closed(uv_handle_t *handle)
{
    handle_part_closed(handle->data);
}

void listener_close(struct listener *listener)
{
    mux_link_close(listener->mux);
    for (int i = 0; i < listener->accept_count; i++)
        accept_socket_close(&listener->accepts[i], handle_part_closed);
    if (listener->spec.kind == LINK_UNIX) {
        if (listener->accept_count > 0)
            unlink(listener->spec.path);
        if (listener->accept_count > 1)
            unlink(listener->spec.events_path);
    }
    uv_close((uv_handle_t *)&listener->reopen, handle_timer_closed);
}

int listener_create(struct link_loop *loop, const struct link_spec *spec,
                    const struct listener_options *options, const struct listener_handler *handler, void *ctx,
                    struct listener **ret, char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL)
        return UV_ENOMEM;
    listener->loop = loop;
    listener->spec = *spec;
    listener->options = *options;
    listener->handler = handler;
    listener->ctx = ctx;
    listener->handles = 1;
    uv_timer_init(loop->uv, &listener->reopen);
    listener->reopen.data = listener;
    int status;
    switch (spec->kind) {
    case LINK_UNIX:
        status = listen_unix(listener, ret_problem);
        break;
    case LINK_VSOCK:
    case LINK_TCP:
        status = listen_ports(listener, ret_problem);
        break;
    case LINK_SERIAL:
    case LINK_STDIO:
        status = open_transport(listener, ret_problem);
        break;
    default:
        status = UV_EINVAL;
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "%s is no listener", link_kind_name(spec->kind));
    }
    if (status < 0) {
        listener_close(listener);
        return status;
    }
    *ret = listener;
    return 0;
}
