/* SPDX-License-Identifier: MIT */
/* Clients of the session socket: lines in, lines out. What they ask for is session_requests.c's.
 *
 * Nothing of a client is trusted to end: one that says nothing, half a line, or does not read is closed after
 * a while, and lines, clients and unsent answers are bounded. One that waits for its offer and goes away
 * withdraws it. */
#define LOG_MODULE "session"
#include <stdlib.h>
#include <string.h>

#include "agent/session_internal.h"
#include "protocol/base/log.h"
#include "protocol/base/status.h"
#include "protocol/link/unix_peer.h"

#define UNSENT_MAX 16 /* lines of one client that does not read */

struct unsent_line {
    uv_write_t request;
    struct session_client *client;
    char *text;
};

void session_client_release(struct session_client *client)
{
    struct session_socket *socket = client->socket;
    if (--client->parts > 0)
        return;
    struct session_client **link = &socket->first;
    while (*link != client)
        link = &(*link)->next;
    *link = client->next;
    socket->count--;
    free(client);
    session_client_free_if_done(socket);
}

static void handle_closed(uv_handle_t *handle)
{
    session_client_release(handle->data);
}

void session_client_close(struct session_client *client)
{
    if (client->closing)
        return;
    client->closing = true;
    uint64_t offer = client->offer;
    client->offer = 0;
    if (offer != 0 && !client->socket->closing)
        offers_withdraw(client->socket->options.offers, client->uid, offer);
    uv_close((uv_handle_t *)&client->pipe, handle_closed);
    uv_close((uv_handle_t *)&client->timer, handle_closed);
}

static void handle_idle(uv_timer_t *timer)
{
    session_client_close(timer->data);
}

void session_client_stop_idling(struct session_client *client)
{
    uv_timer_stop(&client->timer);
}

/* ---- answers ---- */

static void handle_sent(uv_write_t *request, int status)
{
    struct unsent_line *line = request->data;
    struct session_client *client = line->client;
    client->unsent--;
    free(line->text);
    free(line);
    if (status < 0 || (client->answered && client->unsent == 0))
        session_client_close(client);
}

void session_client_send(struct session_client *client, json_t *answer, bool last)
{
    char *text = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);
    struct unsent_line *line = text == NULL ? NULL : malloc(sizeof(*line));
    json_decref(answer);
    if (client->closing || client->answered || line == NULL || client->unsent == UNSENT_MAX) {
        free(text);
        free(line);
        if (!client->answered)
            session_client_close(client);
        return;
    }
    size_t size = strlen(text);
    text[size] = '\n'; /* in the terminator's place */
    *line = (struct unsent_line){.client = client, .text = text};
    line->request.data = line;
    client->answered = last;
    if (last) {
        uv_read_stop((uv_stream_t *)&client->pipe);
        uv_timer_start(&client->timer, handle_idle, client->socket->options.idle_ms, 0);
    }
    uv_buf_t bytes = uv_buf_init(text, (unsigned)size + 1);
    client->unsent++;
    if (uv_write(&line->request, (uv_stream_t *)&client->pipe, &bytes, 1, handle_sent) < 0) {
        client->unsent--;
        free(text);
        free(line);
        session_client_close(client);
    }
}

/* ---- lines ---- */

static void handle_allocation(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct session_client *client = handle->data;
    *ret = uv_buf_init(client->line + client->size, (unsigned)(sizeof(client->line) - client->size));
}

static void handle_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *room)
{
    struct session_client *client = stream->data;
    if (count < 0) {
        session_client_close(client);
        return;
    }
    client->size += (size_t)count;
    char *end;
    while (!client->closing && !client->answered &&
           (end = memchr(client->line, '\n', client->size)) != NULL) {
        size_t size = (size_t)(end - client->line);
        session_take_request(client, client->line, size);
        client->size -= size + 1;
        memmove(client->line, end + 1, client->size);
    }
    if (client->size == sizeof(client->line) && !client->answered && !client->closing)
        session_client_send(client, session_error(STATUS_TOO_LARGE, "the line is too long"), true);
}

/* ---- who may ---- */

static size_t count_of(const struct session_socket *socket, uid_t uid)
{
    size_t count = 0;
    for (const struct session_client *client = socket->first; client != NULL; client = client->next)
        count += client->counted && client->uid == uid;
    return count;
}

static bool is_welcome(struct session_client *client)
{
    struct unix_peer peer;
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)&client->pipe, &fd) < 0 || unix_peer_of(fd, &peer) < 0) {
        log_warn("refused a connection to the session socket: the kernel does not say whose it is");
        return false;
    }
    client->uid = peer.uid;
    if (client->socket->count <= SESSION_CLIENTS_MAX &&
        count_of(client->socket, peer.uid) < SESSION_CLIENTS_A_USER_MAX) {
        client->counted = true;
        return true;
    }
    static char text[] = "{\"error\":\"too many programs ask at the same time\",\"status\":\"LIMIT\"}\n";
    uv_buf_t bytes = uv_buf_init(text, sizeof(text) - 1);
    uv_try_write((uv_stream_t *)&client->pipe, &bytes, 1);
    return false;
}

void session_client_accept(struct session_socket *socket)
{
    struct session_client *client = malloc(sizeof(*client));
    if (client == NULL)
        return;
    memset(client, 0, offsetof(struct session_client, line));
    client->socket = socket;
    client->next = socket->first;
    socket->first = client;
    socket->count++;
    client->parts = 2;
    uv_pipe_init(socket->options.uv, &client->pipe, 0);
    uv_timer_init(socket->options.uv, &client->timer);
    client->pipe.data = client->timer.data = client;
    if (uv_accept((uv_stream_t *)&socket->pipe, (uv_stream_t *)&client->pipe) < 0 || !is_welcome(client)) {
        session_client_close(client);
        return;
    }
    uv_timer_start(&client->timer, handle_idle, socket->options.idle_ms, 0);
    uv_read_start((uv_stream_t *)&client->pipe, handle_allocation, handle_read);
}
