/* SPDX-License-Identifier: MIT */
/* GET of the changes beneath a guest's folder, as server-sent events. What a slow reader has not taken is
 * bounded: beyond, changes are dropped and it is told that some were lost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/api/file_answer.h"
#include "host-bridge/api/problem.h"
#include "host-bridge/api/routes.h"
#include "host-bridge/api/view.h"
#include "host-bridge/features/files/file_watch.h"
#include "protocol/base/status.h"

#define TEXT_MAX (256 * 1024) /* 2,000 changes of the usual length */

static const char LOST[] = "event: lost\ndata: {}\n\n";

struct watching {
    struct api *api;
    struct http_request *request;
    struct file_place place;
    struct file_watch *watch; /* NULL: it has ended */
    uv_timer_t heartbeat;
    struct buffer text; /* that is still to go out */
    bool owes_lost;     /* "lost" is due once there is room */
    bool is_opened;
};

static const char *what_name(uint8_t what)
{
    static const char *const NAMES[] = {"?", "created", "modified", "deleted", "moved"};
    return what <= CHANGE_MOVED ? NAMES[what] : NAMES[0];
}

static ssize_t give(void *ctx, char *out, size_t max)
{
    struct watching *watching = ctx;
    if (watching->owes_lost && buffer_append(&watching->text, LOST, strlen(LOST)) == 0)
        watching->owes_lost = false;
    struct span text = buffer_span(&watching->text);
    size_t size = text.size < max ? text.size : max;
    if (size == 0)
        return watching->watch == NULL ? -1 : 0;
    memcpy(out, text.data, size);
    buffer_consume(&watching->text, size);
    return (ssize_t)size;
}

static void put(struct watching *watching, const char *text, size_t size)
{
    if (watching->owes_lost || buffer_append(&watching->text, text, size) < 0)
        watching->owes_lost = true;
}

static void put_change(struct watching *watching, const struct change *change)
{
    json_t *json =
        json_pack("{s:s, s:o, s:b, s:o}", "what", what_name(change->what), "path", view_text(change->path),
                  "folder", change->folder, "from", view_text_or_null(change->from));
    char *data = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    char *text = NULL;
    int size = data == NULL ? -1 : asprintf(&text, "event: change\ndata: %s\n\n", data);
    if (size < 0)
        watching->owes_lost = true;
    else
        put(watching, text, (size_t)size);
    if (size >= 0)
        free(text);
    free(data);
    json_decref(json);
}

static void handle_changes(void *ctx, const struct changes_message *changes)
{
    struct watching *watching = ctx;
    for (size_t i = 0; i < changes->count; i++)
        put_change(watching, &changes->changes[i]);
    if (changes->lost)
        put(watching, LOST, strlen(LOST));
    http_request_wake(watching->request);
}

static void handle_heartbeat(uv_timer_t *timer)
{
    static const char BEAT[] = ": heartbeat\n\n";
    struct watching *watching = timer->data;
    if (buffer_size(&watching->text) == 0) /* else there is something to be heard of anyway */
        put(watching, BEAT, strlen(BEAT));
    http_request_wake(watching->request);
}

static void handle_opened(void *ctx)
{
    static const char PLACED[] = ": the watch is in place\n\n";
    struct watching *watching = ctx;
    watching->is_opened = true;
    put(watching, PLACED, strlen(PLACED));
    uv_timer_start(&watching->heartbeat, handle_heartbeat, watching->api->heartbeat_ms,
                   watching->api->heartbeat_ms);
    const struct http_request_stream stream = {.read = give, .ctx = watching};
    http_request_reply_stream(watching->request, "text/event-stream", &stream);
}

static void handle_ended(void *ctx, int status, const char *text)
{
    struct watching *watching = ctx;
    file_watch_close(watching->watch);
    watching->watch = NULL;
    if (watching->is_opened)
        http_request_wake(watching->request);
    else
        file_answer_problem(watching->api, watching->request, watching->place.guest, status, text);
}

static const struct file_watch_handler HANDLER = {
    .on_opened = handle_opened, .on_changes = handle_changes, .on_ended = handle_ended};

static void handle_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void handle_gone(void *ctx)
{
    struct watching *watching = ctx;
    file_watch_close(watching->watch);
    buffer_finish(&watching->text);
    uv_close((uv_handle_t *)&watching->heartbeat, handle_timer_closed);
}

void route_watch_folder(struct api *api, struct guest *guest, struct http_request *request)
{
    struct watching *watching = calloc(1, sizeof(*watching));
    if (watching == NULL) {
        problem_reply_status(request, UV_ENOMEM, NULL, NULL);
        return;
    }
    watching->api = api;
    watching->request = request;
    buffer_init(&watching->text, TEXT_MAX);
    if (!file_answer_place(request, guest, "path", &watching->place)) {
        free(watching);
        return;
    }
    const struct files_io io = file_answer_io(guest);
    int status = file_watch_begin(&io, watching->place.user, watching->place.path, &HANDLER, watching,
                                  &watching->watch);
    if (status < 0) {
        file_answer_problem(api, request, watching->place.guest, status, NULL);
        free(watching);
        return;
    }
    uv_timer_init(api->loop, &watching->heartbeat);
    watching->heartbeat.data = watching;
    http_request_wait_long(request, handle_gone, watching);
}
