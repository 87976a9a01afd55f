/* SPDX-License-Identifier: MIT */
/* Lines of one program at a Unix socket. Who may ask, and what requests do, is the owner's. */
#include "agent/line_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/status.h"

struct unsent_line {
    uv_write_t request;
    struct line_client *client;
    char *text;
};

/* ---- ends ---- */

static void handle_closed(uv_handle_t *handle)
{
    struct line_client *client = handle->data;
    if (--client->open_handles == 0)
        client->handler->on_closed(client->ctx);
}

void line_client_close(struct line_client *client)
{
    if (client->closing)
        return;
    client->closing = true;
    if (client->handler->on_closing != NULL)
        client->handler->on_closing(client->ctx);
    uv_close((uv_handle_t *)&client->pipe, handle_closed);
    uv_close((uv_handle_t *)&client->timer, handle_closed);
}

static void handle_idle(uv_timer_t *timer)
{
    line_client_close(timer->data);
}

void line_client_stop_idling(struct line_client *client)
{
    uv_timer_stop(&client->timer);
}

/* ---- answers ---- */

static void handle_sent(uv_write_t *request, int status)
{
    struct unsent_line *line = request->data;
    struct line_client *client = line->client;
    client->unsent--;
    free(line->text);
    free(line);
    if (status < 0 || (client->answered && client->unsent == 0))
        line_client_close(client);
}

void line_client_send(struct line_client *client, json_t *answer, bool last)
{
    char *text = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);
    struct unsent_line *line = text == NULL ? NULL : malloc(sizeof(*line));
    json_decref(answer);
    if (client->closing || client->answered || line == NULL || client->unsent == LINE_CLIENT_UNSENT_MAX) {
        free(text);
        free(line);
        if (!client->answered)
            line_client_close(client);
        return;
    }
    size_t size = strlen(text);
    text[size] = '\n'; /* in the terminator's place */
    *line = (struct unsent_line){.client = client, .text = text};
    line->request.data = line;
    client->answered = last;
    if (last) {
        uv_read_stop((uv_stream_t *)&client->pipe);
        uv_timer_start(&client->timer, handle_idle, client->idle_ms, 0);
    }
    uv_buf_t bytes = uv_buf_init(text, (unsigned)size + 1);
    client->unsent++;
    if (uv_write(&line->request, (uv_stream_t *)&client->pipe, &bytes, 1, handle_sent) < 0) {
        client->unsent--;
        free(text);
        free(line);
        line_client_close(client);
    }
}

void line_client_fail(struct line_client *client, int status, const char *text)
{
    line_client_send(client, json_pack("{s:s, s:s}", "error", text, "status", status_name(status)), true);
}

void line_client_turn_away(struct line_client *client, const char *text)
{
    char line[128];
    int size = snprintf(line, sizeof(line), "{\"error\":\"%s\",\"status\":\"LIMIT\"}\n", text);
    uv_buf_t bytes = uv_buf_init(line, (unsigned)size);
    uv_try_write((uv_stream_t *)&client->pipe, &bytes, 1);
}

/* ---- lines ---- */

static void handle_allocation(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct line_client *client = handle->data;
    *ret = uv_buf_init(client->line + client->size, (unsigned)(client->capacity - client->size));
}

static void handle_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *room)
{
    struct line_client *client = stream->data;
    if (count < 0) {
        line_client_close(client);
        return;
    }
    client->size += (size_t)count;
    char *end;
    while (!client->closing && !client->answered &&
           (end = memchr(client->line, '\n', client->size)) != NULL) {
        size_t size = (size_t)(end - client->line);
        client->handler->on_line(client->ctx, client->line, size);
        client->size -= size + 1;
        memmove(client->line, end + 1, client->size);
    }
    if (client->size == client->capacity && !client->answered && !client->closing)
        line_client_fail(client, STATUS_TOO_LARGE, "the line is too long");
}

int line_client_accept(struct line_client *client, uv_stream_t *server, char *room, size_t capacity,
                       uint64_t idle_ms, const struct line_client_handler *handler, void *ctx)
{
    *client = (struct line_client){.open_handles = 2,
                                   .idle_ms = idle_ms,
                                   .handler = handler,
                                   .ctx = ctx,
                                   .line = room,
                                   .capacity = capacity};
    uv_pipe_init(server->loop, &client->pipe, 0);
    uv_timer_init(server->loop, &client->timer);
    client->pipe.data = client->timer.data = client;
    return uv_accept(server, (uv_stream_t *)&client->pipe);
}

void line_client_start(struct line_client *client)
{
    uv_timer_start(&client->timer, handle_idle, client->idle_ms, 0);
    uv_read_start((uv_stream_t *)&client->pipe, handle_allocation, handle_read);
}
