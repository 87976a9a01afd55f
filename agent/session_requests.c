/* SPDX-License-Identifier: MIT */
/* What users ask for, as JSON. Lines and clients are session_client.c's, offers are features/offers'. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/session_internal.h"
#include "protocol/base/clock.h"
#include "protocol/base/status.h"

#define NESTING_MAX 4

static void fail(struct session_client *client, int status, const char *text)
{
    line_client_fail(&client->link, status, text);
}

/* Before the parser, which goes down as deep as it is led. */
static bool is_flat(const char *line, size_t size)
{
    int depth = 0;
    bool text = false;
    for (size_t i = 0; i < size; i++) {
        if (text && line[i] == '\\')
            i++;
        else if (line[i] == '"')
            text = !text;
        else if (!text && (line[i] == '{' || line[i] == '[') && ++depth > NESTING_MAX)
            return false;
        else if (!text && (line[i] == '}' || line[i] == ']'))
            depth--;
    }
    return true;
}

/* ---- offer ---- */

static void handle_added(void *ctx, int status, const struct offer_record *record, const char *problem)
{
    struct session_client *client = ctx;
    client->adds = false;
    if (client->link.closing && status == 0 && client->wait) {
        offers_withdraw(client->socket->options.offers, client->uid,
                        record->facts.id); /* nobody waits any more */
    } else if (!client->link.closing && status < 0) {
        fail(client, status, problem);
    } else if (!client->link.closing) {
        const struct offer *facts = &record->facts;
        client->offer = client->wait ? facts->id : 0;
        line_client_send(&client->link,
                         json_pack("{s:I, s:s, s:s, s:I, s:I, s:I}", "id", (json_int_t)facts->id, "state",
                                   "offered", "name", facts->name, "roots", (json_int_t)facts->roots, "files",
                                   (json_int_t)facts->files, "bytes", (json_int_t)facts->bytes),
                         !client->wait);
    }
    session_client_release(client);
}

static void take_offer(struct session_client *client, const json_t *request)
{
    const char *paths[FILES_PATHS_MAX];
    char problem[TEXT_REASON_MAX + 1];
    const json_t *list = json_object_get(request, "paths");
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count == 0 || count > FILES_PATHS_MAX) {
        snprintf(problem, sizeof(problem), "\"paths\" must be an array of 1 to %d paths", FILES_PATHS_MAX);
        fail(client, STATUS_INVALID, problem);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *path = json_array_get(list, i);
        paths[i] = json_string_value(path);
        if (paths[i] == NULL) {
            fail(client, STATUS_INVALID, "a path must be a string");
            return;
        }
    }
    client->wait = json_is_true(json_object_get(request, "wait"));
    line_client_stop_idling(&client->link);
    client->adds = true;
    client->parts++;
    int status =
        offers_add(client->socket->options.offers, client->uid, paths, count, handle_added, client, problem);
    if (status < 0) {
        client->adds = false;
        client->parts--;
        fail(client, status, problem);
    }
}

/* ---- offers, withdraw ---- */

static void take_offers(struct session_client *client, const json_t *request)
{
    const struct offer_table *table = offers_table(client->socket->options.offers);
    json_t *list = json_array();
    int failed = list == NULL ? -1 : 0;
    for (size_t i = 0; i < table->count && failed == 0; i++) {
        const struct offer *facts = &table->records[i]->facts;
        if (table->records[i]->uid != client->uid)
            continue;
        failed = json_array_append_new(
            list, json_pack("{s:I, s:s, s:I, s:I, s:I, s:I}", "id", (json_int_t)facts->id, "name",
                            facts->name, "roots", (json_int_t)facts->roots, "files", (json_int_t)facts->files,
                            "bytes", (json_int_t)facts->bytes, "created", (json_int_t)facts->created_ms));
    }
    json_t *answer = failed != 0 ? NULL : json_pack("{s:O}", "offers", list);
    json_decref(list);
    line_client_send(&client->link, answer, true);
}

static void take_withdraw(struct session_client *client, const json_t *request)
{
    const json_t *id = json_object_get(request, "id");
    if (!json_is_integer(id) || json_integer_value(id) <= 0)
        fail(client, STATUS_INVALID, "\"id\" must be the number of an offer");
    else if (offers_withdraw(client->socket->options.offers, client->uid, (uint64_t)json_integer_value(id)) <
             0)
        fail(client, STATUS_NOT_FOUND, "you have no offer with this number");
    else
        line_client_send(&client->link, json_pack("{s:s}", "state", "withdrawn"), true);
}

/* ---- all ---- */

void session_take_request(struct session_client *client, const char *line, size_t size)
{
    static const struct {
        const char *name;
        void (*take)(struct session_client *client, const json_t *request);
    } REQUESTS[] = {{"offer", take_offer}, {"offers", take_offers}, {"withdraw", take_withdraw}};
    json_t *request = is_flat(line, size) ? json_loadb(line, size, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *name = json_string_value(json_object_get(request, "request"));
    size_t count = sizeof(REQUESTS) / sizeof(REQUESTS[0]), i = 0;
    while (name != NULL && i < count && strcmp(REQUESTS[i].name, name) != 0)
        i++;
    if (client->adds || client->offer != 0)
        ; /* it has asked already */
    else if (name == NULL)
        fail(client, STATUS_MALFORMED, "a line must be a JSON object with \"request\"");
    else if (i == count)
        fail(client, STATUS_NOT_SUPPORTED, "no such request");
    else if (client->socket->options.offers == NULL)
        fail(client, STATUS_NOT_ALLOWED, "the owner of this machine has switched off the class \"files\"");
    else
        REQUESTS[i].take(client, request);
    json_decref(request);
}

static void send_moved(struct session_client *client)
{
    client->told_ms = clock_monotonic_ms();
    line_client_send(&client->link,
                     json_pack("{s:s, s:I}", "state", "moving", "bytes", (json_int_t)client->moved), false);
}

static void handle_progress(uv_timer_t *timer)
{
    struct line_client *link = timer->data;
    send_moved(link->ctx);
}

void session_tell_client(struct session_client *client, enum offer_news news, uint64_t bytes,
                         const char *problem)
{
    static const char *const STATES[] = {[OFFER_WAITS] = "offered",
                                         [OFFER_TAKEN] = "taken",
                                         [OFFER_DECLINED] = "declined",
                                         [OFFER_WITHDRAWN] = "withdrawn"};
    if (news == OFFER_MOVING) {
        uint64_t due_ms = client->told_ms + SESSION_PROGRESS_MS, now_ms = clock_monotonic_ms();
        client->moved = bytes;
        if (now_ms >= due_ms)
            send_moved(client);
        else if (!uv_is_active((uv_handle_t *)&client->link.timer))
            uv_timer_start(&client->link.timer, handle_progress, due_ms - now_ms, 0);
        return;
    }
    uv_timer_stop(&client->link.timer);
    bool last = news != OFFER_WAITS;
    if (last)
        client->offer = 0;
    line_client_send(&client->link, json_pack("{s:s, s:s}", "state", STATES[news], "problem", problem), last);
}
