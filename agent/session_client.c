/* SPDX-License-Identifier: MIT */
/* Clients of the session socket: who may, and how many. Lines are line_client.c's, what they ask for is
 * session_requests.c's. One that waits for its offer and goes away withdraws it. */
#define LOG_MODULE "session"
#include <stdlib.h>
#include <string.h>

#include "agent/session_internal.h"
#include "protocol/base/log.h"
#include "protocol/base/status.h"
#include "protocol/link/unix_peer.h"

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

static void handle_closed(void *ctx)
{
    session_client_release(ctx);
}

static void handle_closing(void *ctx)
{
    struct session_client *client = ctx;
    uint64_t offer = client->offer;
    client->offer = 0;
    if (offer != 0 && !client->socket->closing)
        offers_withdraw(client->socket->options.offers, client->uid, offer);
}

static void handle_line(void *ctx, const char *line, size_t size)
{
    session_take_request(ctx, line, size);
}

static const struct line_client_handler LINE_HANDLER = {
    .on_line = handle_line, .on_closing = handle_closing, .on_closed = handle_closed};

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
    if (uv_fileno((uv_handle_t *)&client->link.pipe, &fd) < 0 || unix_peer_of(fd, &peer) < 0) {
        log_warn("refused a connection to the session socket: the kernel does not say whose it is");
        return false;
    }
    client->uid = peer.uid;
    if (client->socket->count <= SESSION_CLIENTS_MAX &&
        count_of(client->socket, peer.uid) < SESSION_CLIENTS_A_USER_MAX) {
        client->counted = true;
        return true;
    }
    line_client_turn_away(&client->link, "too many programs ask at the same time");
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
    client->parts = 1;
    int status = line_client_accept(&client->link, (uv_stream_t *)&socket->pipe, client->line,
                                    sizeof(client->line), socket->options.idle_ms, &LINE_HANDLER, client);
    if (status < 0 || !is_welcome(client))
        line_client_close(&client->link);
    else
        line_client_start(&client->link);
}
