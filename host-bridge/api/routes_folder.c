/* SPDX-License-Identifier: MIT */
/* GET of what is in a guest's folder. The list is gathered and sorted first, so that what goes wrong still
 * has its status; then it goes out entry by entry, since 100,000 of them as JSON at once would be 50 MB. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/api/file_answer.h"
#include "host-bridge/api/problem.h"
#include "host-bridge/api/routes.h"
#include "host-bridge/api/view.h"
#include "host-bridge/features/files/file_list.h"
#include "protocol/base/status.h"

#define ENTRY_TEXT_MAX (32 * 1024) /* a name and a target of control characters alone, six bytes each */

struct listing {
    struct api *api;
    struct http_request *request;
    struct file_place place;
    struct file_list *list;
    size_t next; /* entry */
    bool said_head, said_end;
    struct buffer text; /* that is still to go out */
};

static const char *type_name(uint8_t type)
{
    return type == ENTRY_FOLDER ? "folder" : type == ENTRY_LINK ? "link" : "file";
}

static json_t *view_entry(const struct file_list_entry *entry)
{
    char mode[8];
    snprintf(mode, sizeof(mode), "%04o", (unsigned)entry->mode & 07777U);
    uint64_t seconds = entry->mtime.s > 0 ? (uint64_t)entry->mtime.s : 0;
    uint64_t modified = seconds > UINT64_MAX / 1001 ? UINT64_MAX : seconds * 1000 + entry->mtime.ns / 1000000;
    return json_pack("{s:o, s:s, s:I, s:s, s:o, s:I, s:I, s:o}", "name", view_text(entry->name), "type",
                     type_name(entry->type), "size", view_count(entry->size), "mode", mode, "modified",
                     view_time(modified), "uid", (json_int_t)entry->uid, "gid", (json_int_t)entry->gid,
                     "target", view_text_or_null(entry->target));
}

/* False: out of memory. `json` is taken. */
static bool put_json(struct listing *listing, json_t *json)
{
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(json);
    int status = text == NULL ? UV_ENOMEM : buffer_append(&listing->text, text, strlen(text));
    free(text);
    return status == 0;
}

static bool put_text(struct listing *listing, const char *text)
{
    return buffer_append(&listing->text, text, strlen(text)) == 0;
}

/* The next piece of the answer. False: out of memory. */
static bool put_next(struct listing *listing)
{
    const struct file_list *list = listing->list;
    if (!listing->said_head) {
        listing->said_head = true;
        return put_text(listing, "{\"path\":") && put_json(listing, view_text(file_list_path(list))) &&
               put_text(listing, ",\"entries\":[");
    }
    if (listing->next < file_list_count(list)) {
        size_t index = listing->next++;
        return (index == 0 || put_text(listing, ",")) &&
               put_json(listing, view_entry(file_list_at(list, index)));
    }
    listing->said_end = true;
    return put_text(listing,
                    file_list_is_truncated(list) ? "],\"truncated\":true}" : "],\"truncated\":false}");
}

static ssize_t give(void *ctx, char *out, size_t max)
{
    struct listing *listing = ctx;
    size_t size = 0;
    while (size < max && !(listing->said_end && buffer_size(&listing->text) == 0)) {
        if (buffer_size(&listing->text) == 0 && !put_next(listing))
            return -1;
        struct span text = buffer_span(&listing->text);
        size_t now = text.size < max - size ? text.size : max - size;
        memcpy(out + size, text.data, now);
        buffer_consume(&listing->text, now);
        size += now;
    }
    return size == 0 ? -1 : (ssize_t)size;
}

static void handle_progress(void *ctx)
{
    struct listing *listing = ctx;
    http_request_heard(listing->request);
}

static void handle_done(void *ctx, int status, const char *text)
{
    struct listing *listing = ctx;
    if (status < 0) {
        file_answer_problem(listing->api, listing->request, listing->place.guest, status, text);
        return;
    }
    const struct http_request_stream stream = {.read = give, .ctx = listing};
    http_request_reply_stream(listing->request, "application/json", &stream);
}

static void handle_gone(void *ctx)
{
    struct listing *listing = ctx;
    file_list_close(listing->list);
    buffer_finish(&listing->text);
    free(listing);
}

void route_list_folder(struct api *api, struct guest *guest, struct http_request *request)
{
    static const struct file_list_handler HANDLER = {.on_progress = handle_progress, .on_done = handle_done};
    struct listing *listing = calloc(1, sizeof(*listing));
    if (listing == NULL) {
        problem_reply_status(request, UV_ENOMEM, NULL, NULL);
        return;
    }
    listing->api = api;
    listing->request = request;
    buffer_init(&listing->text, ENTRY_TEXT_MAX);
    if (!file_answer_place(request, guest, "path", &listing->place)) {
        free(listing);
        return;
    }
    const struct files_io io = file_answer_io(guest);
    int status =
        file_list_begin(&io, listing->place.user, listing->place.path, &HANDLER, listing, &listing->list);
    if (status < 0) {
        file_answer_problem(api, request, listing->place.guest, status, NULL);
        free(listing);
        return;
    }
    http_request_wait_long(request, handle_gone, listing);
}
