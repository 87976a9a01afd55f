/* SPDX-License-Identifier: MIT */
/* Chooses by the link's kind how a stream is opened, and owns the shared transport of serial and exec links
 * and the address that was found for a tcp link. Redialling, hello and heartbeat are the session's. */
#include "protocol/link/endpoint.h"

#include <stdlib.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "protocol/link/command.h"
#include "protocol/link/mux_link.h"
#include "protocol/link/socket_dial.h"
#include "protocol/link/stream_fd.h"
#include "protocol/link/tcp_dial.h"
#include "protocol/link/transport_open.h"
#include "protocol/link/unix_peer.h"

#define CID_LOOPBACK 1

struct endpoint {
    struct link_loop *loop;
    struct link_spec spec;
    struct mux_link *mux;       /* serial, exec: NULL when there is no transport */
    struct command *command;    /* exec: NULL when not running */
    int commands_ending;        /* closed ones that are not gone yet */
    struct tcp_dial *dial;      /* tcp: while an address is looked for */
    struct tcp_address address; /* tcp: the one that answered */
    bool address_known;
    int prepared_fd;  /* tcp: connected to it, for the first control stream; -1 = none */
    bool opened;      /* anything, in this try */
    bool seen_public; /* one of them was not private */
    void (*on_ready)(void *ctx, int status, const char *text);
    void *ready_ctx;
    uv_idle_t closer; /* defers on_closed */
    bool closing;
    void (*on_lost)(void *ctx, int status, const char *text);
    void *ctx;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

int endpoint_create(struct link_loop *loop, const struct link_spec *spec,
                    void (*on_lost)(void *ctx, int status, const char *text), void *ctx,
                    struct endpoint **ret)
{
    struct endpoint *endpoint = calloc(1, sizeof(*endpoint));
    if (endpoint == NULL)
        return UV_ENOMEM;
    endpoint->loop = loop;
    endpoint->spec = *spec;
    endpoint->prepared_fd = -1;
    endpoint->on_lost = on_lost;
    endpoint->ctx = ctx;
    *ret = endpoint;
    return 0;
}

bool endpoint_has_events_port(const struct endpoint *endpoint)
{
    switch (endpoint->spec.kind) {
    case LINK_VSOCK:
    case LINK_HYBRID:
    case LINK_TCP:
        return endpoint->spec.events_port != endpoint->spec.control_port;
    case LINK_UNIX:
        return endpoint->spec.events_path[0] != '\0';
    default:
        return false;
    }
}

uint32_t endpoint_port(const struct endpoint *endpoint, enum endpoint_port port)
{
    const struct link_spec *spec = &endpoint->spec;
    if (spec->kind != LINK_VSOCK && spec->kind != LINK_HYBRID && spec->kind != LINK_TCP)
        return 0;
    return port == ENDPOINT_EVENTS ? spec->events_port : spec->control_port;
}

bool endpoint_is_private(const struct endpoint *endpoint)
{
    return endpoint->opened && !endpoint->seen_public;
}

static void note_opened(struct endpoint *endpoint, bool is_private)
{
    endpoint->opened = true;
    if (!is_private)
        endpoint->seen_public = true;
}

/* ---- a connection for each stream ---- */

static int open_unix(struct endpoint *endpoint, enum endpoint_port port, struct stream **ret)
{
    const struct link_spec *spec = &endpoint->spec;
    bool events = port == ENDPOINT_EVENTS;
    const char *path =
        spec->kind == LINK_UNIX && events && spec->events_path[0] != '\0' ? spec->events_path : spec->path;
    struct stream_fd_options options = {.splice = true};
    if (spec->kind == LINK_HYBRID)
        options.greeting_port = endpoint_port(endpoint, port);
    struct unix_peer peer;
    int fd;
    int status = socket_dial_unix(path, &fd, &options.connecting);
    if (status < 0)
        return status;
    note_opened(endpoint, unix_peer_of(fd, &peer) == 0 && unix_peer_is_own(&peer));
    return stream_fd_create(endpoint->loop, fd, &options, ret);
}

static int open_vsock(struct endpoint *endpoint, enum endpoint_port port, struct stream **ret)
{
    struct stream_fd_options options = {.connect_error = socket_vsock_connect_error};
    int fd;
    int status =
        socket_dial_vsock(endpoint->spec.cid, endpoint_port(endpoint, port), &fd, &options.connecting);
    if (status < 0)
        return status;
    note_opened(endpoint, endpoint->spec.cid != CID_LOOPBACK);
    return stream_fd_create(endpoint->loop, fd, &options, ret);
}

static int open_tcp(struct endpoint *endpoint, enum endpoint_port port, struct stream **ret)
{
    struct stream_fd_options options = {0};
    struct tcp_address address = endpoint->address;
    if (!endpoint->address_known)
        return STATUS_NOT_CONNECTED;
    int fd = -1, status = 0;
    if (port == ENDPOINT_CONTROL) {
        fd = endpoint->prepared_fd;
        endpoint->prepared_fd = -1;
    }
    if (fd < 0) {
        tcp_address_set_port(&address, (uint16_t)endpoint_port(endpoint, port));
        status = tcp_socket_connect(&address, &fd, &options.connecting);
    }
    if (status < 0)
        return status;
    note_opened(endpoint, false);
    return stream_fd_create(endpoint->loop, fd, &options, ret);
}

/* ---- the address of a tcp link ---- */

static void forget_address(struct endpoint *endpoint)
{
    tcp_dial_close(endpoint->dial);
    endpoint->dial = NULL;
    if (endpoint->prepared_fd >= 0)
        close(endpoint->prepared_fd);
    endpoint->prepared_fd = -1;
    endpoint->address_known = false;
}

static void handle_dialled(void *ctx, int status, const char *text, int fd, const struct tcp_address *address)
{
    struct endpoint *endpoint = ctx;
    tcp_dial_close(endpoint->dial);
    endpoint->dial = NULL;
    if (status == 0) {
        endpoint->prepared_fd = fd;
        endpoint->address = *address;
        endpoint->address_known = true;
    }
    endpoint->on_ready(endpoint->ready_ctx, status, text);
}

int endpoint_prepare(struct endpoint *endpoint, void (*on_ready)(void *ctx, int status, const char *text),
                     void *ctx)
{
    const struct link_spec *spec = &endpoint->spec;
    if (spec->kind != LINK_TCP)
        return 1;
    forget_address(endpoint);
    endpoint->on_ready = on_ready;
    endpoint->ready_ctx = ctx;
    return tcp_dial_start(endpoint->loop->uv, spec->path, (uint16_t)spec->control_port, ENDPOINT_PREPARE_MS,
                          handle_dialled, endpoint, &endpoint->dial);
}

/* ---- one transport for all ---- */

static void handle_mux_end(void *ctx, int status, const char *text)
{
    struct endpoint *endpoint = ctx;
    if (endpoint->command != NULL && (status == UV_EOF || status == UV_EPIPE))
        return; /* the command's exit says more, and follows; without it the heartbeat ends the link */
    endpoint->on_lost(endpoint->ctx, status, text);
}

static void handle_exit(void *ctx, const char *text)
{
    struct endpoint *endpoint = ctx;
    endpoint->on_lost(endpoint->ctx, STATUS_COMMAND_ENDED, text);
}

static const struct mux_link_handler MUX_HANDLER = {.on_end = handle_mux_end};

static int start_transport(struct endpoint *endpoint)
{
    struct mux_link_options options = {.side = MUX_DIALER};
    int in_fd, out_fd, status;
    bool is_private = true;
    if (endpoint->spec.kind == LINK_SERIAL) {
        status = transport_open(endpoint->spec.path, &in_fd, NULL);
        out_fd = in_fd;
        if (status == 0)
            is_private = transport_is_private(in_fd, NULL, 0);
    } else {
        status = command_start(endpoint->loop->uv, endpoint->spec.path, &out_fd, &in_fd, handle_exit,
                               endpoint, &endpoint->command);
    }
    if (status < 0)
        return status;
    status = mux_link_create(endpoint->loop, in_fd, out_fd, &options, &MUX_HANDLER, endpoint, &endpoint->mux);
    if (status < 0)
        endpoint_reset(endpoint);
    else
        note_opened(endpoint, is_private);
    return status;
}

int endpoint_open(struct endpoint *endpoint, enum endpoint_port port, struct stream **ret)
{
    switch (endpoint->spec.kind) {
    case LINK_VSOCK:
        return open_vsock(endpoint, port, ret);
    case LINK_HYBRID:
    case LINK_UNIX:
        return open_unix(endpoint, port, ret);
    case LINK_SERIAL:
    case LINK_EXEC:
        if (endpoint->mux == NULL) {
            int status = start_transport(endpoint);
            if (status < 0)
                return status;
        }
        return mux_link_open(endpoint->mux, ret);
    case LINK_TCP:
        return open_tcp(endpoint, port, ret);
    default:
        return UV_EINVAL;
    }
}

static void maybe_finish(struct endpoint *endpoint);

static void handle_command_closed(void *ctx)
{
    struct endpoint *endpoint = ctx;
    endpoint->commands_ending--;
    maybe_finish(endpoint);
}

void endpoint_reset(struct endpoint *endpoint)
{
    forget_address(endpoint);
    endpoint->opened = endpoint->seen_public = false;
    mux_link_close(endpoint->mux);
    endpoint->mux = NULL;
    if (endpoint->command != NULL) {
        endpoint->commands_ending++;
        command_close(endpoint->command, handle_command_closed, endpoint);
        endpoint->command = NULL;
    }
}

/* ---- end ---- */

static void handle_idle_closed(uv_handle_t *handle)
{
    struct endpoint *endpoint = handle->data;
    void (*on_closed)(void *ctx) = endpoint->on_closed;
    void *ctx = endpoint->closed_ctx;
    free(endpoint);
    if (on_closed != NULL)
        on_closed(ctx);
}

static void maybe_finish(struct endpoint *endpoint)
{
    if (endpoint->closing && endpoint->commands_ending == 0)
        uv_close((uv_handle_t *)&endpoint->closer, handle_idle_closed);
}

void endpoint_close(struct endpoint *endpoint, void (*on_closed)(void *ctx), void *ctx)
{
    endpoint_reset(endpoint);
    endpoint->on_closed = on_closed;
    endpoint->closed_ctx = ctx;
    endpoint->closing = true;
    uv_idle_init(endpoint->loop->uv, &endpoint->closer);
    endpoint->closer.data = endpoint;
    maybe_finish(endpoint);
}
