/* SPDX-License-Identifier: MIT */
/* libmicrohttpd on the libuv loop. Requests are http_request.c's, sockets unix_listener.c's; this file owns
 * connections, their deadlines and the turning of the library's wheel.
 *
 * Theory of operation
 * - The library has an epoll descriptor of its own, which the loop watches; MHD_run does what is due. It is
 *   run from loop callbacks only, never from within one of its own, so that nothing nests: whoever resumes a
 *   connection asks for a run in the loop's next turn (pump_soon).
 * - A connection is watched a second time by the loop for its client's end, which the library doesn't notice
 *   while the connection is suspended, nor when end and data arrive together. A client that only closed its
 *   sending side still reads: it is told from one that is gone by POLLHUP.
 * - The library's timeout counts from the last byte, so that a client which sends one now and then would
 *   stay for ever: each connection has a deadline of ours, and one timer serves the earliest. Ending a
 *   connection is shutdown(2) on its descriptor; the library then sees the end and closes it.
 * - Closing: listeners first; then everything suspended is resumed (the library aborts the process when it
 *   is stopped with a suspended connection) and run; then handles; then the library. */
#include "host-bridge/api/http_server.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host-bridge/api/http_connection.h"
#include "host-bridge/api/http_request_steps.h"
#include "host-bridge/api/unix_listener.h"

#define LOG_MODULE "api"
#include "protocol/base/log.h"

#define CLOSING_RUNS 3 /* resume, answer, close */

struct http_server {
    uv_loop_t *loop;
    struct MHD_Daemon *daemon;
    struct http_server_options options;
    struct http_request_owner owner;
    uv_poll_t poll;   /* the library's epoll descriptor */
    uv_timer_t timer; /* its next timeout */
    uv_idle_t idle;   /* a run in the next turn */
    struct http_connection_set connections;
    struct http_server_listener *listeners;
    size_t open_parts; /* handles, listeners and the connection set: on_closed after the last */
    bool closing;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

struct http_server_listener {
    struct http_server *server;
    struct http_server_listener *previous, *next;
    struct unix_listener *listener;
    char guest[TEXT_NAME_MAX + 1];
};

/* The wheel */

static void pump_soon(void *ctx);

static void handle_timer(uv_timer_t *timer);

static void run(struct http_server *server)
{
    MHD_run(server->daemon);
    MHD_UNSIGNED_LONG_LONG timeout;
    if (MHD_get_timeout(server->daemon, &timeout) != MHD_YES)
        uv_timer_stop(&server->timer);
    else if (timeout == 0)
        pump_soon(server);
    else
        uv_timer_start(&server->timer, handle_timer, timeout, 0);
}

static void handle_timer(uv_timer_t *timer)
{
    run(timer->data);
}

static void handle_idle(uv_idle_t *idle)
{
    uv_idle_stop(idle);
    run(idle->data);
}

static void handle_epoll(uv_poll_t *poll, int status, int events)
{
    run(poll->data);
}

static void pump_soon(void *ctx)
{
    struct http_server *server = ctx;
    if (!server->closing)
        uv_idle_start(&server->idle, handle_idle);
}

/* Connections */

static void refuse(int fd)
{
    static const char BODY[] =
        "{\"error\":{\"code\":\"LIMIT\",\"message\":\"too many connections\",\"hint\":null}}";
    char answer[256];
    int size = snprintf(answer, sizeof(answer),
                        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
                        "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                        sizeof(BODY) - 1, BODY);
    ssize_t sent = send(fd, answer, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent; /* it goes either way */
    close(fd);
}

static void handle_client(void *ctx, struct unix_listener *listener, int fd, const struct unix_peer *peer)
{
    struct http_server_listener *door = ctx;
    struct http_server *server = door->server;
    struct http_client client = {.peer = *peer};
    if (!server->options.admit(server->options.ctx, peer, &client.classes)) {
        close(fd);
        return;
    }
    struct http_connection *connection =
        http_connection_expect(&server->connections, fd, door->guest, &client);
    if (connection == NULL) {
        refuse(fd);
        return;
    }
    static const struct sockaddr NOBODY = {.sa_family = AF_UNIX};
    http_connection_set_deadline(connection, server->options.read_timeout_ms);
    if (MHD_add_connection(server->daemon, fd, &NOBODY, sizeof(NOBODY.sa_family)) != MHD_YES)
        http_connection_unexpect(&server->connections, fd);
    pump_soon(server);
}

static void handle_notify_connection(void *ctx, struct MHD_Connection *mhd, void **socket_context,
                                     enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = ctx;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
        *socket_context = http_connection_start(&server->connections, info->connect_fd);
    } else {
        http_connection_forget(*socket_context);
        *socket_context = NULL;
    }
}

static struct http_connection *connection_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* Requests */

static void *handle_uri(void *ctx, const char *uri, struct MHD_Connection *mhd)
{
    struct http_server *server = ctx;
    struct http_connection *connection = connection_of(mhd);
    if (connection == NULL || server->closing)
        return NULL; /* handle_access ends it */
    http_connection_set_deadline(connection, server->options.read_timeout_ms);
    struct http_request *request =
        http_request_create(&server->owner, connection, mhd, http_connection_guest(connection),
                            http_connection_client(connection), uri);
    http_connection_set_request(connection, request);
    return request;
}

static enum MHD_Result handle_access(void *ctx, struct MHD_Connection *mhd, const char *url,
                                     const char *method, const char *version, const char *data, size_t *size,
                                     void **request)
{
    return *request == NULL ? MHD_NO : http_request_step(*request, method, data, size);
}

static void handle_completed(void *ctx, struct MHD_Connection *mhd, void **request,
                             enum MHD_RequestTerminationCode code)
{
    struct http_connection *connection = connection_of(mhd);
    if (connection != NULL) {
        http_connection_set_request(connection, NULL);
        http_connection_set_deadline(connection, HTTP_SERVER_IDLE_TIMEOUT_MS);
    }
    http_request_destroy(*request);
    *request = NULL;
}

static size_t keep_encoded(void *ctx, struct MHD_Connection *mhd, char *text)
{
    return strlen(text); /* query.c decodes */
}

static void handle_log(void *ctx, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
static void handle_log(void *ctx, const char *format, va_list arguments)
{
    char line[256];
    vsnprintf(line, sizeof(line), format, arguments);
    line[strcspn(line, "\r\n")] = '\0';
    log_debug("%s", line);
}

static void handle_request(void *ctx, struct http_request *request)
{
    struct http_server *server = ctx;
    server->options.handle(server->options.ctx, request);
}

static bool handle_head(void *ctx, struct http_request *request)
{
    struct http_server *server = ctx;
    return server->options.handle_head(server->options.ctx, request);
}

static void set_deadline(void *connection, uint64_t timeout_ms)
{
    http_connection_set_deadline(connection, timeout_ms);
}

/* Life */

static struct MHD_Daemon *start_daemon(struct http_server *server)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE |
            MHD_USE_ERROR_LOG | MHD_USE_ITC,
        0, NULL, NULL, handle_access, server, MHD_OPTION_EXTERNAL_LOGGER, handle_log, server,
        MHD_OPTION_URI_LOG_CALLBACK, handle_uri, server, MHD_OPTION_NOTIFY_COMPLETED, handle_completed,
        server, MHD_OPTION_NOTIFY_CONNECTION, handle_notify_connection, server, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)HTTP_SERVER_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)(HTTP_SERVER_IDLE_TIMEOUT_MS / 1000), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)HTTP_SERVER_HEAD_MAX, MHD_OPTION_UNESCAPE_CALLBACK, keep_encoded, NULL,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
}

int http_server_create(uv_loop_t *loop, const struct http_server_options *options, struct http_server **ret)
{
    struct http_server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return UV_ENOMEM;
    server->loop = loop;
    server->options = *options;
    if (server->options.read_timeout_ms == 0)
        server->options.read_timeout_ms = HTTP_SERVER_READ_TIMEOUT_MS;
    if (server->options.wait_timeout_ms == 0)
        server->options.wait_timeout_ms = HTTP_REQUEST_WAIT_MAX_MS;
    if (server->options.idle_timeout_ms == 0)
        server->options.idle_timeout_ms = HTTP_REQUEST_IDLE_MAX_MS;
    server->owner = (struct http_request_owner){.handle = handle_request,
                                                .handle_head = handle_head,
                                                .pump_soon = pump_soon,
                                                .set_deadline = set_deadline,
                                                .read_timeout_ms = server->options.read_timeout_ms,
                                                .wait_timeout_ms = server->options.wait_timeout_ms,
                                                .idle_timeout_ms = server->options.idle_timeout_ms,
                                                .ctx = server};
    server->daemon = start_daemon(server);
    if (server->daemon == NULL) {
        free(server);
        return UV_ENOMEM;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    int status = uv_poll_init(loop, &server->poll, info->epoll_fd);
    if (status < 0) {
        MHD_stop_daemon(server->daemon);
        free(server);
        return status;
    }
    uv_timer_init(loop, &server->timer);
    uv_idle_init(loop, &server->idle);
    server->poll.data = server->timer.data = server->idle.data = server;
    http_connection_set_init(&server->connections, loop, HTTP_SERVER_CONNECTIONS_MAX, pump_soon, server);
    server->open_parts = 4;
    uv_poll_start(&server->poll, UV_READABLE, handle_epoll);
    *ret = server;
    return 0;
}

static void part_closed(void *ctx)
{
    struct http_server *server = ctx;
    if (--server->open_parts > 0)
        return;
    void (*on_closed)(void *ctx) = server->on_closed;
    void *closed_ctx = server->closed_ctx;
    free(server);
    on_closed(closed_ctx);
}

static void handle_closed(uv_handle_t *handle)
{
    part_closed(handle->data);
}

void http_server_close(struct http_server *server, void (*on_closed)(void *ctx), void *ctx)
{
    assert(!server->closing);
    server->on_closed = on_closed;
    server->closed_ctx = ctx;
    while (server->listeners != NULL)
        http_server_unlisten(server->listeners);
    server->closing = true;
    http_connection_set_shut_down(&server->connections);
    for (int i = 0; i < CLOSING_RUNS; i++)
        MHD_run(server->daemon);
    uv_close((uv_handle_t *)&server->poll, handle_closed);
    uv_close((uv_handle_t *)&server->timer, handle_closed);
    uv_close((uv_handle_t *)&server->idle, handle_closed);
    MHD_stop_daemon(server->daemon);
    http_connection_set_close(&server->connections, part_closed, server);
}

int http_server_listen(struct http_server *server, const char *path, const char *guest,
                       struct http_server_listener **ret, char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct http_server_listener *door = calloc(1, sizeof(*door));
    if (door == NULL) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "out of memory");
        return UV_ENOMEM;
    }
    door->server = server;
    snprintf(door->guest, sizeof(door->guest), "%s", guest);
    int status = unix_listener_open(server->loop, path, server->options.socket_group, handle_client, door,
                                    &door->listener, ret_problem);
    if (status < 0) {
        free(door);
        return status;
    }
    door->next = server->listeners;
    if (door->next != NULL)
        door->next->previous = door;
    server->listeners = door;
    server->open_parts++;
    *ret = door;
    return 0;
}

static void handle_listener_closed(void *ctx)
{
    struct http_server_listener *door = ctx;
    struct http_server *server = door->server;
    free(door);
    part_closed(server);
}

void http_server_unlisten(struct http_server_listener *door)
{
    struct http_server *server = door->server;
    if (door->previous != NULL)
        door->previous->next = door->next;
    else
        server->listeners = door->next;
    if (door->next != NULL)
        door->next->previous = door->previous;
    unix_listener_close(door->listener, handle_listener_closed, door);
}
