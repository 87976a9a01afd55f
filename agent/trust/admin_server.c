/* SPDX-License-Identifier: MIT */
/* Clients of the admin socket: one request a connection, but for the one that waits for a pairing. Lines are
 * line_client.c's, what requests do is admin_requests.c's, the window is pairing_window.c's. A client that
 * goes away is noticed when its handles have closed, and the window is shut there and nowhere else. */
#define LOG_MODULE "admin"
#include "agent/trust/admin_server.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/line_client.h"
#include "agent/trust/admin_requests.h"
#include "agent/trust/admin_socket.h"
#include "agent/trust/trust_private.h"
#include "protocol/base/log.h"
#include "protocol/base/status.h"
#include "protocol/link/unix_peer.h"
#include "services/identity/key_text.h"

struct admin_server {
    struct trust *trust;
    uv_pipe_t pipe;
    char *path;
    uint64_t idle_ms;
    struct admin_client *first;
    size_t count; /* clients that are served, and those that are closing */
    bool closing;
    bool pipe_closed;
    void (*on_closed)(void *ctx);
    void *ctx;
};

struct admin_client {
    struct admin_server *server;
    struct admin_client *next;
    struct line_client link;
    bool waits;                /* holds the pairing window */
    char line[ADMIN_LINE_MAX]; /* the link's */
};

/* ---- ends ---- */

static void finish_server(struct admin_server *server)
{
    if (!server->pipe_closed || server->first != NULL)
        return;
    void (*on_closed)(void *ctx) = server->on_closed;
    void *ctx = server->ctx;
    free(server->path);
    free(server);
    on_closed(ctx);
}

static void handle_client_closed(void *ctx)
{
    struct admin_client *client = ctx;
    struct admin_server *server = client->server;
    struct admin_client **link = &server->first;
    while (*link != client)
        link = &(*link)->next;
    *link = client->next;
    server->count--;
    bool waited = client->waits;
    free(client);
    if (waited && !server->closing)
        pairing_window_shut(&server->trust->window);
    finish_server(server);
}

/* ---- pairing ---- */

static void handle_news(void *ctx, enum window_news news)
{
    struct admin_client *client = ctx;
    const struct pairing_offer *offer = pairing_window_offer(&client->server->trust->window);
    static const char *const STATES[] = {
        [WINDOW_LOST] = "lost",       [WINDOW_PAIRED] = "paired", [WINDOW_DECLINED] = "declined",
        [WINDOW_EXPIRED] = "expired", [WINDOW_SPENT] = "spent",
    };
    if (news == WINDOW_CODE) {
        char key[KEY_TEXT_SIZE];
        key_text_format(offer->key, key);
        line_client_send(&client->link,
                         json_pack("{s:s, s:s, s:s, s:s}", "state", "code", "code", offer->code, "key", key,
                                   "link", offer->link),
                         false);
        return;
    }
    bool last = news != WINDOW_LOST;
    client->waits = client->waits && !last;
    line_client_send(&client->link, json_pack("{s:s}", "state", STATES[news]), last);
}

static void begin_pairing(struct admin_client *client)
{
    if (pairing_window_open(&client->server->trust->window, handle_news, client) < 0) {
        line_client_fail(&client->link, UV_EBUSY, "a pairing is under way already");
        return;
    }
    client->waits = true;
    line_client_stop_idling(&client->link);
    line_client_send(&client->link,
                     json_pack("{s:s, s:i}", "state", "waiting", "seconds", PAIRING_WINDOW_MS / 1000), false);
}

/* The code is said again, so that a yes never counts for one that came in between. */
static void take_owners_word(struct admin_client *client, const json_t *request)
{
    struct pairing_window *window = &client->server->trust->window;
    const struct pairing_offer *offer = pairing_window_offer(window);
    const char *code = json_string_value(json_object_get(request, "code"));
    if (offer != NULL && code != NULL && strcmp(offer->code, code) == 0)
        pairing_window_answer(window, json_is_true(json_object_get(request, "same")));
}

/* ---- requests ---- */

static void take_line(void *ctx, const char *line, size_t size)
{
    struct admin_client *client = ctx;
    json_t *request = json_loadb(line, size, JSON_REJECT_DUPLICATES, NULL);
    const char *name = json_string_value(json_object_get(request, "request"));
    if (request == NULL)
        line_client_fail(&client->link, STATUS_MALFORMED, "expected a JSON object in one line");
    else if (client->waits && name != NULL && strcmp(name, "answer") == 0)
        take_owners_word(client, request);
    else if (!client->waits && name != NULL && strcmp(name, "pair") == 0)
        begin_pairing(client);
    else
        line_client_send(&client->link, admin_answer(client->server->trust, request), true);
    json_decref(request);
}

/* ---- clients ---- */

static const struct line_client_handler LINE_HANDLER = {.on_line = take_line,
                                                        .on_closed = handle_client_closed};

static void refuse_if_needed(struct admin_client *client)
{
    uv_os_fd_t fd;
    struct unix_peer peer;
    char who[64] = "somebody unknown";
    bool told = uv_fileno((uv_handle_t *)&client->link.pipe, &fd) == 0 && unix_peer_of(fd, &peer) == 0;
    if (told && unix_peer_is_own(&peer) && client->server->count <= ADMIN_CLIENTS_MAX)
        return;
    if (told && unix_peer_is_own(&peer)) {
        line_client_turn_away(&client->link, "too many clients");
    } else {
        if (told)
            unix_peer_format(&peer, who, sizeof(who));
        log_warn("refused a connection to the admin socket of %s", who);
    }
    line_client_close(&client->link);
}

static void handle_connection(uv_stream_t *stream, int status)
{
    struct admin_server *server = stream->data;
    struct admin_client *client = status < 0 ? NULL : malloc(sizeof(*client));
    if (client == NULL)
        return;
    memset(client, 0, offsetof(struct admin_client, line));
    client->server = server;
    client->next = server->first;
    server->first = client;
    server->count++;
    if (line_client_accept(&client->link, stream, client->line, sizeof(client->line), server->idle_ms,
                           &LINE_HANDLER, client) < 0) {
        line_client_close(&client->link);
        return;
    }
    refuse_if_needed(client);
    if (!client->link.closing)
        line_client_start(&client->link);
}

/* ---- life ---- */

int admin_server_create(struct trust *trust, const char *path, uint64_t idle_ms, struct admin_server **ret,
                        char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct admin_server *server = calloc(1, sizeof(*server));
    char *copy = strdup(path);
    int fd = -1;
    int status = server == NULL || copy == NULL ? UV_ENOMEM : admin_socket_listen(path, &fd, ret_problem);
    if (status == UV_ENOMEM)
        memcpy(ret_problem, "out of memory", sizeof("out of memory"));
    if (status < 0) {
        free(copy);
        free(server);
        return status;
    }
    server->trust = trust;
    server->path = copy;
    server->idle_ms = idle_ms;
    uv_pipe_init(trust->uv, &server->pipe, 0);
    server->pipe.data = server;
    /* Neither fails for a socket that listens already. */
    uv_pipe_open(&server->pipe, fd);
    uv_listen((uv_stream_t *)&server->pipe, 16, handle_connection);
    *ret = server;
    return 0;
}

static void handle_pipe_closed(uv_handle_t *handle)
{
    struct admin_server *server = handle->data;
    server->pipe_closed = true;
    finish_server(server);
}

void admin_server_close(struct admin_server *server, void (*on_closed)(void *ctx), void *ctx)
{
    server->closing = true;
    server->on_closed = on_closed;
    server->ctx = ctx;
    unlink(server->path);
    for (struct admin_client *client = server->first; client != NULL; client = client->next)
        line_client_close(&client->link);
    uv_close((uv_handle_t *)&server->pipe, handle_pipe_closed);
}
