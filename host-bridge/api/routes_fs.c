/* SPDX-License-Identifier: MIT */
/* Folders made, paths moved and removed in a guest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/api/body.h"
#include "host-bridge/api/file_answer.h"
#include "host-bridge/api/problem.h"
#include "host-bridge/api/routes.h"
#include "host-bridge/api/view.h"
#include "host-bridge/features/files/file_act.h"
#include "protocol/base/status.h"

struct deed {
    struct api *api;
    struct http_request *request;
    struct file_act *act;
    unsigned status; /* of success; 204: without a body */
    char guest[TEXT_NAME_MAX + 1];
};

static void handle_done(void *ctx, int status, const char *text, const char *path)
{
    struct deed *deed = ctx;
    if (status < 0)
        file_answer_problem(deed->api, deed->request, deed->guest, status, text);
    else if (deed->status == 204)
        http_request_reply_empty(deed->request, 204);
    else
        http_request_reply_json(deed->request, deed->status, json_pack("{s:o}", "path", view_text(path)));
}

static void handle_gone(void *ctx)
{
    struct deed *deed = ctx;
    file_act_close(deed->act);
    free(deed);
}

static void act(struct api *api, struct guest *guest, struct http_request *request, unsigned success,
                const struct file_act_request *wish)
{
    struct deed *deed = calloc(1, sizeof(*deed));
    if (deed == NULL) {
        problem_reply_status(request, UV_ENOMEM, NULL, NULL);
        return;
    }
    *deed = (struct deed){.api = api, .request = request, .status = success};
    snprintf(deed->guest, sizeof(deed->guest), "%s", guest_name(guest));
    const struct files_io io = file_answer_io(guest);
    int status = file_act_begin(&io, wish, handle_done, deed, &deed->act);
    if (status < 0) {
        file_answer_problem(api, request, deed->guest, status, NULL);
        free(deed);
        return;
    }
    http_request_wait_long(request, handle_gone, deed);
}

void route_make_folder(struct api *api, struct guest *guest, struct http_request *request)
{
    struct file_act_request wish = {.operation = FILES_MAKE, .user = ""};
    const char *mode = NULL;
    bool parents = false;
    const struct field fields[] = {{"path", FIELD_TEXT, true, &wish.path},
                                   {"parents", FIELD_SWITCH, false, &parents},
                                   {"mode", FIELD_TEXT, false, &mode},
                                   {"user", FIELD_TEXT, false, &wish.user}};
    json_t *body = body_read(request, fields, sizeof(fields) / sizeof(fields[0]));
    if (body == NULL)
        return;
    wish.flags = parents ? FILES_PARENTS : 0;
    if (mode != NULL && !file_mode_parse(mode, &wish.mode))
        problem_reply_field(request, "mode", "mode: expected octal digits such as 0755");
    else if (file_answer_text(request, "path", wish.path, FILES_PATH_MAX) &&
             (wish.user[0] == '\0' || file_answer_text(request, "user", wish.user, TEXT_NAME_MAX)))
        act(api, guest, request, 201, &wish);
    json_decref(body);
}

void route_move_path(struct api *api, struct guest *guest, struct http_request *request)
{
    struct file_act_request wish = {.operation = FILES_MOVE, .user = ""};
    bool replace = false;
    const struct field fields[] = {{"from", FIELD_TEXT, true, &wish.path},
                                   {"to", FIELD_TEXT, true, &wish.to},
                                   {"replace", FIELD_SWITCH, false, &replace},
                                   {"user", FIELD_TEXT, false, &wish.user}};
    json_t *body = body_read(request, fields, sizeof(fields) / sizeof(fields[0]));
    if (body == NULL)
        return;
    wish.conflict = replace ? FILES_REPLACE : FILES_FAIL;
    if (file_answer_text(request, "from", wish.path, FILES_PATH_MAX) &&
        file_answer_text(request, "to", wish.to, FILES_PATH_MAX) &&
        (wish.user[0] == '\0' || file_answer_text(request, "user", wish.user, TEXT_NAME_MAX)))
        act(api, guest, request, 200, &wish);
    json_decref(body);
}

void route_remove_path(struct api *api, struct guest *guest, struct http_request *request)
{
    struct file_place place;
    char recursive[8];
    if (!file_answer_place(request, guest, "path", &place))
        return;
    int status = file_answer_parameter(request, "recursive", false, recursive, sizeof(recursive));
    if (status < 0 && status != STATUS_NOT_FOUND)
        return;
    if (status == 0 && strcmp(recursive, "true") != 0 && strcmp(recursive, "false") != 0) {
        problem_reply_field(request, "recursive", "recursive: expected true or false");
        return;
    }
    bool all = status == 0 && recursive[0] == 't';
    const struct file_act_request wish = {.operation = FILES_REMOVE,
                                          .user = place.user,
                                          .path = place.path,
                                          .flags = all ? FILES_RECURSIVE : 0};
    act(api, guest, request, 204, &wish);
}
