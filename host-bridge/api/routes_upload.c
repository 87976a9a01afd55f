/* SPDX-License-Identifier: MIT */
/* PUT of a file's bytes, and POST of them into the guest's drop folder: the body goes on as it comes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "host-bridge/api/file_answer.h"
#include "host-bridge/api/problem.h"
#include "host-bridge/api/routes.h"
#include "host-bridge/api/view.h"
#include "host-bridge/features/files/file_write.h"
#include "protocol/base/status.h"
#include "services/transfer/entry_name.h"

#define BATCH_MAX 64

struct upload {
    struct api *api;
    struct http_request *request;
    struct file_place place;
    struct file_write *write;
};

static void handle_room(void *ctx)
{
    struct upload *upload = ctx;
    http_request_take_more(upload->request);
}

static void reply_written(struct http_request *request, const struct file_written *written)
{
    char hex[2 * FILES_DIGEST_SIZE + 1], digest[sizeof(hex) + 16];
    sodium_bin2hex(hex, sizeof(hex), written->digest, FILES_DIGEST_SIZE);
    snprintf(digest, sizeof(digest), "blake2b-256:%s", hex);
    http_request_reply_json(request, 201,
                            json_pack("{s:o, s:I, s:s}", "path", view_text(written->path), "size",
                                      view_count(written->size), "digest", digest));
}

static void handle_done(void *ctx, int status, const char *text, const struct file_written *written)
{
    struct upload *upload = ctx;
    struct file_write *write = upload->write;
    upload->write = NULL;
    if (status == 0)
        reply_written(upload->request, written);
    else
        file_answer_problem(upload->api, upload->request, upload->place.guest, status, text);
    file_write_close(write);
}

static const struct file_write_handler HANDLER = {.on_room = handle_room, .on_done = handle_done};

static size_t take(void *ctx, const void *bytes, size_t size)
{
    struct upload *upload = ctx;
    return file_write_give(upload->write, bytes, size);
}

static void complete(void *ctx)
{
    struct upload *upload = ctx;
    file_write_end(upload->write);
}

static void finish(void *ctx)
{
    struct upload *upload = ctx;
    file_write_close(upload->write);
    free(upload);
}

/* `upload` is taken. */
static void begin(struct upload *upload, struct guest *guest, const struct file_write_request *request)
{
    const struct files_io io = file_answer_io(guest);
    int status = file_write_begin(upload->api->loop, &io, request, &HANDLER, upload, &upload->write);
    if (status < 0) {
        file_answer_problem(upload->api, upload->request, upload->place.guest, status, NULL);
        free(upload);
        return;
    }
    const struct http_request_upload body = {
        .take = take, .complete = complete, .finish = finish, .ctx = upload};
    http_request_take_body(upload->request, &body);
}

/* NULL: answered already. */
static struct upload *prepare(struct api *api, struct guest *guest, struct http_request *request,
                              const char *name)
{
    struct upload *upload = calloc(1, sizeof(*upload));
    if (upload == NULL) {
        problem_reply_status(request, UV_ENOMEM, NULL, NULL);
        return NULL;
    }
    upload->api = api;
    upload->request = request;
    if (file_answer_place(request, guest, name, &upload->place))
        return upload;
    free(upload);
    return NULL;
}

void route_put_file(struct api *api, struct guest *guest, struct http_request *request)
{
    struct upload *upload = prepare(api, guest, request, "path");
    if (upload == NULL)
        return;
    char text[16];
    struct file_write_request wish = {.user = upload->place.user, .path = upload->place.path};
    int status = file_answer_parameter(request, "mode", false, text, sizeof(text));
    if (status == 0 && !file_mode_parse(text, &wish.mode)) {
        problem_reply_field(request, "mode", "mode: expected octal digits such as 0644");
        status = STATUS_INVALID;
    }
    if (status == 0 || status == STATUS_NOT_FOUND)
        begin(upload, guest, &wish);
    else
        free(upload);
}

/* "photos/a.jpg": each part a name. */
static bool name_is_valid(const char *name)
{
    char part[FILES_NAME_MAX + 1];
    for (;; name++) {
        size_t size = strcspn(name, "/");
        if (size > FILES_NAME_MAX)
            return false;
        snprintf(part, sizeof(part), "%.*s", (int)size, name);
        if (!entry_name_is_valid(part))
            return false;
        name += size;
        if (*name == '\0')
            return true;
    }
}

void route_drop_file(struct api *api, struct guest *guest, struct http_request *request)
{
    struct upload *upload = prepare(api, guest, request, "name");
    if (upload == NULL)
        return;
    char batch[BATCH_MAX + 1];
    struct file_write_request wish = {.user = upload->place.user, .path = upload->place.path, .drop = true};
    int status = 0;
    if (!name_is_valid(upload->place.path)) {
        problem_reply_field(request, "name",
                            "name: expected a name, with folders before it if need be, without control "
                            "characters, \".\" and \"..\"");
        status = STATUS_INVALID;
    } else {
        status = file_answer_parameter(request, "batch", false, batch, sizeof(batch));
    }
    wish.batch = status == 0 ? batch : NULL;
    if (status == 0 || status == STATUS_NOT_FOUND)
        begin(upload, guest, &wish);
    else
        free(upload);
}
