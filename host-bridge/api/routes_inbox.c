/* SPDX-License-Identifier: MIT */
/* What guests offer to the host: list, accept, decline.
 *
 * A decline is asked of the guest. Its answer and the end of the client's request come in any order: `struct
 * decline` lives until both have. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/api/body.h"
#include "host-bridge/api/file_answer.h"
#include "host-bridge/api/problem.h"
#include "host-bridge/api/routes.h"
#include "host-bridge/api/transfer_body.h"
#include "host-bridge/api/view.h"
#include "host-bridge/receiving.h"
#include "protocol/base/status.h"

void route_list_inbox(struct api *api, struct guest *guest, struct http_request *request)
{
    char vm[TEXT_NAME_MAX + 1];
    int status = file_answer_parameter(request, "vm", false, vm, sizeof(vm));
    if (status < 0 && status != STATUS_NOT_FOUND)
        return;
    if (vm[0] != '\0' && guests_find(api->guests, vm) == NULL) {
        problem_reply(request, 404, "NOT_FOUND", NULL, NULL, "no such guest in ?vm=");
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; api->inbox != NULL && i < inbox_count(api->inbox); i++) {
        const struct inbox_item *item = inbox_at(api->inbox, i);
        if (vm[0] == '\0' || strcmp(item->vm, vm) == 0)
            json_array_append_new(list, view_inbox_item(item));
    }
    http_request_reply_json(request, 200, json_pack("{s:o}", "items", list));
}

/* NULL: answered already. */
static const struct inbox_item *find(struct api *api, struct http_request *request)
{
    const char *id = http_request_parameter(request);
    const struct inbox_item *item =
        api->inbox == NULL || api->receiving == NULL ? NULL : inbox_find(api->inbox, id);
    if (item == NULL)
        problem_reply(request, 404, "NOT_FOUND", NULL, NULL, "no offer \"%s\"", id);
    return item;
}

/* ---- accept ---- */

/* The host's files are the bridge's own user's to place. */
static bool may_choose_folder(struct http_request *request, const char *to)
{
    if (to == NULL || unix_peer_is_own(&http_request_client(request)->peer))
        return true;
    problem_reply(request, 403, status_name(STATUS_NOT_ALLOWED), "leave \"to\" out", NULL,
                  "only the bridge's own user may choose the folder");
    return false;
}

static void accept_offer(struct api *api, struct http_request *request, const char *to, uint8_t conflict)
{
    const struct inbox_item *item = find(api, request);
    if (item == NULL)
        return;
    char vm[TEXT_NAME_MAX + 1], problem[TEXT_REASON_MAX + 1] = "";
    snprintf(vm, sizeof(vm), "%s", item->vm);
    const struct transfer *transfer;
    int status =
        receiving_accept(api->receiving, http_request_parameter(request), to, conflict, &transfer, problem);
    if (status < 0)
        file_answer_problem(api, request, vm, status, problem);
    else
        http_request_reply_json(request, 202, view_transfer(transfer, TRANSFER_FAILURES_MAX));
}

void route_accept_offer(struct api *api, struct guest *guest, struct http_request *request)
{
    const char *to = NULL, *conflict = NULL;
    uint8_t choice = FILES_RENAME;
    const struct field fields[] = {{"to", FIELD_TEXT, false, &to},
                                   {"conflict", FIELD_TEXT, false, &conflict}};
    json_t *body = NULL;
    if (http_request_body(request).size > 0) { /* nothing at all is as good as {} */
        body = body_read(request, fields, sizeof(fields) / sizeof(fields[0]));
        if (body == NULL)
            return;
    }
    if (to != NULL && (to[0] != '/' || strlen(to) > FILES_PATH_MAX))
        problem_reply_field(request, "to", "to: expected an absolute path of the host");
    else if (conflict != NULL && !files_conflict_parse(conflict, &choice))
        problem_reply_field(request, "conflict", "conflict: expected replace, rename or fail");
    else if (may_choose_folder(request, to))
        accept_offer(api, request, to, choice);
    json_decref(body);
}

/* ---- decline ---- */

struct decline {
    struct api *api;
    struct http_request *request; /* NULL: its client went */
    bool is_asked;                /* the guest's answer is still to come */
    char vm[TEXT_NAME_MAX + 1];
};

static void handle_declined(void *ctx, int status, const char *text)
{
    struct decline *decline = ctx;
    decline->is_asked = false;
    if (decline->request == NULL)
        free(decline);
    else if (status < 0)
        file_answer_problem(decline->api, decline->request, decline->vm, status, text);
    else
        http_request_reply_empty(decline->request, 204);
}

static void handle_gone(void *ctx)
{
    struct decline *decline = ctx;
    decline->request = NULL;
    if (!decline->is_asked)
        free(decline);
}

void route_decline_offer(struct api *api, struct guest *guest, struct http_request *request)
{
    const struct inbox_item *item = find(api, request);
    if (item == NULL)
        return;
    struct decline *decline = calloc(1, sizeof(*decline));
    if (decline == NULL) {
        problem_reply_status(request, UV_ENOMEM, NULL, NULL);
        return;
    }
    decline->api = api;
    decline->request = request;
    snprintf(decline->vm, sizeof(decline->vm), "%s", item->vm);
    int status = receiving_decline(api->receiving, item->id, handle_declined, decline);
    if (status < 0) {
        file_answer_problem(api, request, decline->vm, status, NULL);
        free(decline);
        return;
    }
    decline->is_asked = true;
    http_request_wait_long(request, handle_gone, decline);
}
