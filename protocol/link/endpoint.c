/* SPDX-License-Identifier: MIT */
/* Chooses by the link's kind how a stream is opened, and owns the shared transport of serial and exec links.
 * Redialling, hello and heartbeat are the session's. */
#include "protocol/link/endpoint.h"

#include <stdlib.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "protocol/link/command.h"
#include "protocol/link/mux_link.h"
#include "protocol/link/socket_dial.h"
#include "protocol/link/stream_fd.h"
#include "protocol/link/transport_open.h"

struct endpoint {
    struct link_loop *loop;
    struct link_spec spec;
    struct mux_link *mux;    /* serial, exec: NULL when there is no transport */
    struct command *command; /* exec: NULL when not running */
    int commands_ending;     /* closed ones that are not gone yet */
    uv_idle_t closer;        /* defers on_closed */
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
        return endpoint->spec.events_port != endpoint->spec.control_port;
    case LINK_UNIX:
        return endpoint->spec.events_path[0] != '\0';
    default:
        return false;
    }
}

static int open_unix(struct endpoint *endpoint, enum endpoint_port port, struct stream **ret)
{
    const struct link_spec *spec = &endpoint->spec;
    bool events = port == ENDPOINT_EVENTS;
    const char *path =
        spec->kind == LINK_UNIX && events && spec->events_path[0] != '\0' ? spec->events_path : spec->path;
    struct stream_fd_options options = {.splice = true};
    if (spec->kind == LINK_HYBRID)
        options.greeting_port = events ? spec->events_port : spec->control_port;
    int fd;
    int status = socket_dial_unix(path, &fd, &options.connecting);
    return status < 0 ? status : stream_fd_create(endpoint->loop, fd, &options, ret);
}

static int open_vsock(struct endpoint *endpoint, enum endpoint_port port, struct stream **ret)
{
    const struct link_spec *spec = &endpoint->spec;
    struct stream_fd_options options = {.connect_error = socket_vsock_connect_error};
    int fd;
    int status =
        socket_dial_vsock(spec->cid, port == ENDPOINT_EVENTS ? spec->events_port : spec->control_port, &fd,
                          &options.connecting);
    return status < 0 ? status : stream_fd_create(endpoint->loop, fd, &options, ret);
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
    if (endpoint->spec.kind == LINK_SERIAL) {
        status = transport_open(endpoint->spec.path, &in_fd, NULL);
        out_fd = in_fd;
    } else {
        status = command_start(endpoint->loop->uv, endpoint->spec.path, &out_fd, &in_fd, handle_exit,
                               endpoint, &endpoint->command);
    }
    if (status < 0)
        return status;
    status = mux_link_create(endpoint->loop, in_fd, out_fd, &options, &MUX_HANDLER, endpoint, &endpoint->mux);
    if (status < 0)
        endpoint_reset(endpoint);
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
    default:
        return STATUS_NEEDS_AUTHENTICATION;
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
