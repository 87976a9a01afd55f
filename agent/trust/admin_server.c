/* SPDX-License-Identifier: MIT */
/* Clients of the admin socket: lines in, lines out. One request a connection, but for the one that waits for
 * a pairing. What requests do is admin_requests.c's, the window is pairing_window.c's.
 *
 * Nothing of a client is trusted to end: one that says nothing, half a line, or does not read is closed after
 * a while, and lines, clients and unsent answers are bounded. A client that goes away is noticed when its
 * handles have closed, and the window is shut there and nowhere else. */
#define LOG_MODULE "admin"
#include "agent/trust/admin_server.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/trust/admin_requests.h"
#include "agent/trust/admin_socket.h"
#include "agent/trust/trust_private.h"
#include "protocol/base/log.h"
#include "protocol/base/status.h"
#include "protocol/link/unix_peer.h"
#include "services/identity/key_text.h"

#define UNSENT_MAX 16 /* lines of one client; a pairing has at most 8 */

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
    uv_pipe_t pipe;
    uv_timer_t idle;
    int open_handles;
    bool closing;
    bool answered; /* the last answer is on its way */
    bool waits;    /* holds the pairing window */
    unsigned unsent;
    size_t size;
    char line[ADMIN_LINE_MAX];
};

struct unsent_line {
    uv_write_t request;
    struct admin_client *client;
    char *text;
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

static void handle_client_closed(uv_handle_t *handle)
{
    struct admin_client *client = handle->data;
    struct admin_server *server = client->server;
    if (--client->open_handles > 0)
        return;
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

static void close_client(struct admin_client *client)
{
    if (client->closing)
        return;
    client->closing = true;
    uv_close((uv_handle_t *)&client->pipe, handle_client_closed);
    uv_close((uv_handle_t *)&client->idle, handle_client_closed);
}

static void handle_idle(uv_timer_t *timer)
{
    close_client(timer->data);
}

/* ---- answers ---- */

static void handle_sent(uv_write_t *request, int status)
{
    struct unsent_line *line = request->data;
    struct admin_client *client = line->client;
    client->unsent--;
    free(line->text);
    free(line);
    if (status < 0 || (client->answered && client->unsent == 0))
        close_client(client);
}

/* Takes `answer`. */
static void send_answer(struct admin_client *client, json_t *answer, bool last)
{
    char *text = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);
    struct unsent_line *line = text == NULL ? NULL : malloc(sizeof(*line));
    json_decref(answer);
    if (client->closing || client->answered || line == NULL || client->unsent == UNSENT_MAX) {
        free(text);
        free(line);
        if (!client->answered)
            close_client(client);
        return;
    }
    size_t size = strlen(text);
    text[size] = '\n'; /* in the terminator's place */
    *line = (struct unsent_line){.client = client, .text = text};
    line->request.data = line;
    client->answered = last;
    if (last) {
        uv_read_stop((uv_stream_t *)&client->pipe);
        uv_timer_start(&client->idle, handle_idle, client->server->idle_ms, 0);
    }
    uv_buf_t bytes = uv_buf_init(text, (unsigned)size + 1);
    client->unsent++;
    if (uv_write(&line->request, (uv_stream_t *)&client->pipe, &bytes, 1, handle_sent) < 0) {
        client->unsent--;
        free(text);
        free(line);
        close_client(client);
    }
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
        send_answer(client,
                    json_pack("{s:s, s:s, s:s, s:s}", "state", "code", "code", offer->code, "key", key,
                              "link", offer->link),
                    false);
        return;
    }
    bool last = news != WINDOW_LOST;
    client->waits = client->waits && !last;
    send_answer(client, json_pack("{s:s}", "state", STATES[news]), last);
}

static void begin_pairing(struct admin_client *client)
{
    if (pairing_window_open(&client->server->trust->window, handle_news, client) < 0) {
        send_answer(client, admin_error(UV_EBUSY, "a pairing is under way already"), true);
        return;
    }
    client->waits = true;
    uv_timer_stop(&client->idle);
    send_answer(client, json_pack("{s:s, s:i}", "state", "waiting", "seconds", PAIRING_WINDOW_MS / 1000),
                false);
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

static void take_line(struct admin_client *client, const char *line, size_t size)
{
    json_t *request = json_loadb(line, size, JSON_REJECT_DUPLICATES, NULL);
    const char *name = json_string_value(json_object_get(request, "request"));
    if (request == NULL)
        send_answer(client, admin_error(STATUS_MALFORMED, "expected a JSON object in one line"), true);
    else if (client->waits && name != NULL && strcmp(name, "answer") == 0)
        take_owners_word(client, request);
    else if (!client->waits && name != NULL && strcmp(name, "pair") == 0)
        begin_pairing(client);
    else
        send_answer(client, admin_answer(client->server->trust, request), true);
    json_decref(request);
}

static void handle_allocation(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct admin_client *client = handle->data;
    *ret = uv_buf_init(client->line + client->size, (unsigned)(sizeof(client->line) - client->size));
}

static void handle_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct admin_client *client = stream->data;
    if (count < 0) {
        close_client(client);
        return;
    }
    client->size += (size_t)count;
    char *end;
    while (!client->answered && !client->closing &&
           (end = memchr(client->line, '\n', client->size)) != NULL) {
        size_t size = (size_t)(end - client->line) + 1;
        take_line(client, client->line, size - 1);
        client->size -= size;
        memmove(client->line, client->line + size, client->size);
    }
    if (client->size == sizeof(client->line) && !client->answered && !client->closing)
        send_answer(client, admin_error(STATUS_TOO_LARGE, "the line is too long"), true);
}

/* ---- clients ---- */

static void refuse_if_needed(struct admin_client *client)
{
    uv_os_fd_t fd;
    struct unix_peer peer;
    char who[64] = "somebody unknown";
    bool told = uv_fileno((uv_handle_t *)&client->pipe, &fd) == 0 && unix_peer_of(fd, &peer) == 0;
    if (told && unix_peer_is_own(&peer) && client->server->count <= ADMIN_CLIENTS_MAX)
        return;
    if (told && unix_peer_is_own(&peer)) {
        static char text[] = "{\"error\":\"too many clients\",\"status\":\"LIMIT\"}\n";
        uv_buf_t bytes = uv_buf_init(text, sizeof(text) - 1);
        uv_try_write((uv_stream_t *)&client->pipe, &bytes, 1);
    } else {
        if (told)
            unix_peer_format(&peer, who, sizeof(who));
        log_warn("refused a connection to the admin socket of %s", who);
    }
    close_client(client);
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
    client->open_handles = 2;
    uv_pipe_init(stream->loop, &client->pipe, 0);
    uv_timer_init(stream->loop, &client->idle);
    client->pipe.data = client->idle.data = client;
    if (uv_accept(stream, (uv_stream_t *)&client->pipe) < 0) {
        close_client(client);
        return;
    }
    refuse_if_needed(client);
    if (client->closing)
        return;
    uv_timer_start(&client->idle, handle_idle, server->idle_ms, 0);
    uv_read_start((uv_stream_t *)&client->pipe, handle_allocation, handle_read);
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
        close_client(client);
    uv_close((uv_handle_t *)&server->pipe, handle_pipe_closed);
}
