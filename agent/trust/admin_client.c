/* SPDX-License-Identifier: MIT */
/* Sends requests to the running agent and waits for its answers. What is shown of them is the commands'. */
#include "agent/trust/admin_client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "agent/trust/admin_socket.h"
#include "protocol/base/status.h"

int admin_connection_open(struct admin_connection *connection, const char *path)
{
    *connection = (struct admin_connection){.fd = -1};
    connection->bytes = malloc(ADMIN_ANSWER_MAX);
    int status = connection->bytes == NULL ? UV_ENOMEM : admin_socket_connect(path, &connection->fd);
    if (status < 0)
        admin_connection_close(connection);
    return status;
}

void admin_connection_close(struct admin_connection *connection)
{
    if (connection->fd >= 0)
        close(connection->fd);
    free(connection->bytes);
    *connection = (struct admin_connection){.fd = -1};
}

int admin_connection_send(struct admin_connection *connection, json_t *request)
{
    char *text = request == NULL ? NULL : json_dumps(request, JSON_COMPACT);
    json_decref(request);
    if (text == NULL)
        return UV_ENOMEM;
    size_t size = strlen(text) + 1, done = 0;
    text[size - 1] = '\n';
    int status = 0;
    while (status == 0 && done < size) {
        ssize_t sent = send(connection->fd, text + done, size - done, MSG_NOSIGNAL);
        if (sent >= 0)
            done += (size_t)sent;
        else if (errno != EINTR)
            status = uv_translate_sys_error(errno);
    }
    free(text);
    return status;
}

/* UV_EAGAIN: no whole line is there yet. */
static int take_line(struct admin_connection *connection, json_t **ret)
{
    char *end = memchr(connection->bytes, '\n', connection->size);
    if (end == NULL)
        return connection->size == ADMIN_ANSWER_MAX ? STATUS_MALFORMED : UV_EAGAIN;
    size_t size = (size_t)(end - connection->bytes) + 1;
    json_t *answer = json_loadb(connection->bytes, size - 1, JSON_REJECT_DUPLICATES, NULL);
    connection->size -= size;
    memmove(connection->bytes, end + 1, connection->size);
    if (!json_is_object(answer)) {
        json_decref(answer);
        return STATUS_MALFORMED;
    }
    *ret = answer;
    return 0;
}

static int read_more(struct admin_connection *connection)
{
    ssize_t got;
    do
        got = read(connection->fd, connection->bytes + connection->size, ADMIN_ANSWER_MAX - connection->size);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return uv_translate_sys_error(errno);
    connection->size += (size_t)got;
    return got == 0 ? UV_EOF : 0;
}

int admin_connection_receive(struct admin_connection *connection, int timeout_ms, int other_fd, json_t **ret)
{
    for (;;) {
        int status = take_line(connection, ret);
        if (status != UV_EAGAIN)
            return status;
        struct pollfd wanted[2] = {{.fd = connection->fd, .events = POLLIN},
                                   {.fd = other_fd, .events = POLLIN}};
        int ready = poll(wanted, 2, timeout_ms);
        if (ready < 0 && errno != EINTR)
            return uv_translate_sys_error(errno);
        if (ready == 0)
            return UV_ETIMEDOUT;
        if (ready > 0 && wanted[0].revents != 0)
            status = read_more(connection);
        else if (ready > 0 && wanted[1].revents != 0)
            return UV_EAGAIN;
        if (status < 0 && status != UV_EAGAIN)
            return status;
    }
}
