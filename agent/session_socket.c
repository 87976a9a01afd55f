/* SPDX-License-Identifier: MIT */
/* The socket itself. Clients are session_client.c's, what they ask for is session_requests.c's. */
#define LOG_MODULE "session"
#include "agent/session_socket.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/local_socket.h"
#include "agent/session_internal.h"
#include "protocol/base/log.h"
#include "protocol/base/status.h"

void session_client_free_if_done(struct session_socket *socket)
{
    if (!socket->pipe_closed || socket->first != NULL)
        return;
    free(socket->path);
    free(socket);
}

static void handle_connection(uv_stream_t *stream, int status)
{
    if (status == 0)
        session_client_accept(stream->data);
}

void session_socket_prepare(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL || slash == path ? NULL : strndup(path, (size_t)(slash - path));
    if (folder != NULL && mkdir(folder, 0755) == 0)
        chmod(folder, 0755); /* whatever the umask says */
    free(folder);
}

int session_socket_create(const struct session_socket_options *options, struct session_socket **ret,
                          char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct session_socket *socket = calloc(1, sizeof(*socket));
    char *copy = strdup(options->path);
    int fd = -1;
    int status = socket == NULL || copy == NULL ? UV_ENOMEM
                                                : local_socket_listen(options->path, 0666, &fd, ret_problem);
    if (status == UV_ENOMEM)
        memcpy(ret_problem, "out of memory", sizeof("out of memory"));
    if (status < 0) {
        free(copy);
        free(socket);
        return status;
    }
    socket->options = *options;
    socket->path = copy;
    uv_pipe_init(options->uv, &socket->pipe, 0);
    socket->pipe.data = socket;
    /* Neither fails for a socket that listens already. */
    uv_pipe_open(&socket->pipe, fd);
    uv_listen((uv_stream_t *)&socket->pipe, 16, handle_connection);
    *ret = socket;
    return 0;
}

static void handle_pipe_closed(uv_handle_t *handle)
{
    struct session_socket *socket = handle->data;
    socket->pipe_closed = true;
    session_client_free_if_done(socket);
}

void session_socket_close(struct session_socket *socket)
{
    if (socket == NULL)
        return;
    socket->closing = true;
    unlink(socket->path);
    for (struct session_client *client = socket->first; client != NULL; client = client->next)
        line_client_close(&client->link);
    uv_close((uv_handle_t *)&socket->pipe, handle_pipe_closed);
}

void session_socket_tell(struct session_socket *socket, uint64_t offer, enum offer_news news, uint64_t bytes,
                         const char *problem)
{
    for (struct session_client *client = socket == NULL ? NULL : socket->first; client != NULL;
         client = client->next) {
        if (offer != 0 && client->offer == offer && !client->link.closing)
            session_tell_client(client, news, bytes, problem);
    }
}
