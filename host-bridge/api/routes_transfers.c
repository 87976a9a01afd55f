/* SPDX-License-Identifier: MIT */
/* Transfers: list, begin, show, cancel. */
#include <stdio.h>
#include <string.h>

#include "host-bridge/api/file_answer.h"
#include "host-bridge/api/problem.h"
#include "host-bridge/api/query.h"
#include "host-bridge/api/router.h"
#include "host-bridge/api/routes.h"
#include "host-bridge/api/transfer_body.h"
#include "host-bridge/api/view.h"
#include "protocol/base/status.h"

#define LOCATION_MAX 80

/* ---- list ---- */

static bool state_is_known(const char *name)
{
    for (int state = TRANSFER_WAITING; state <= TRANSFER_CANCELLED; state++) {
        if (strcmp(transfer_state_name((enum transfer_state)state), name) == 0)
            return true;
    }
    return false;
}

static bool is_wanted(const struct transfer *transfer, const char *vm, const char *state)
{
    if (vm[0] != '\0' && strcmp(transfer->from.vm, vm) != 0 && strcmp(transfer->to.vm, vm) != 0)
        return false;
    return state[0] == '\0' || strcmp(transfer_state_name(transfer->state), state) == 0;
}

void route_list_transfers(struct api *api, struct guest *guest, struct http_request *request)
{
    char vm[TEXT_NAME_MAX + 1], state[32];
    int status = file_answer_parameter(request, "vm", false, vm, sizeof(vm));
    if (status == 0 || status == STATUS_NOT_FOUND)
        status = file_answer_parameter(request, "state", false, state, sizeof(state));
    if (status < 0 && status != STATUS_NOT_FOUND)
        return;
    if (vm[0] != '\0' && guests_find(api->guests, vm) == NULL) {
        problem_reply(request, 404, "NOT_FOUND", NULL, NULL, "no such guest in ?vm=");
        return;
    }
    if (state[0] != '\0' && !state_is_known(state)) {
        problem_reply_field(request, "state",
                            "state: expected waiting, running, paused, done, failed or cancelled");
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; api->transfers != NULL && i < transfers_count(api->transfers); i++) {
        const struct transfer *transfer = transfers_at(api->transfers, i);
        if (is_wanted(transfer, vm, state))
            json_array_append_new(list, view_transfer(transfer, TRANSFER_FAILURES_MAX));
    }
    http_request_reply_json(request, 200, json_pack("{s:o}", "transfers", list));
}

/* ---- begin ---- */

static bool guest_is_there(struct api *api, struct http_request *request, const char *vm)
{
    if (vm[0] == '\0' || guests_find(api->guests, vm) != NULL)
        return true;
    problem_reply(request, 404, "NOT_FOUND", "GET " API_BASE "/vms lists them", NULL, "no guest \"%s\"", vm);
    return false;
}

/* The bridge reads and writes files of the host as its own user: for others it would be a way around their
 * rights. */
static bool may_name_host_paths(struct http_request *request, const struct transfer_request *wish)
{
    bool has_host = wish->from.vm[0] == '\0' || wish->to.vm[0] == '\0';
    if (!has_host || unix_peer_is_own(&http_request_client(request)->peer))
        return true;
    problem_reply(request, 403, status_name(STATUS_NOT_ALLOWED),
                  "PUT and GET " API_BASE "/vms/{vm}/files move the bytes that you send and read yourself",
                  NULL, "only the bridge's own user may name files of the host");
    return false;
}

static void add(struct api *api, struct http_request *request, const struct transfer_request *wish)
{
    const struct transfer *transfer;
    char problem[TEXT_REASON_MAX + 1] = "";
    int status = api->transfers == NULL ? STATUS_NOT_SUPPORTED
                                        : transfers_add(api->transfers, wish, &transfer, problem);
    if (status < 0) {
        file_answer_problem(api, request, wish->to.vm[0] != '\0' ? wish->to.vm : wish->from.vm, status,
                            problem);
        return;
    }
    char location[LOCATION_MAX];
    snprintf(location, sizeof(location), API_BASE "/transfers/%s", transfer->id);
    http_request_set_header(request, "Location", location);
    http_request_reply_json(request, status == TRANSFERS_JOINED ? 200 : 201,
                            view_transfer(transfer, TRANSFER_FAILURES_MAX));
}

void route_add_transfer(struct api *api, struct guest *guest, struct http_request *request)
{
    struct transfer_body body;
    if (!transfer_body_read(request, &body))
        return;
    if (guest_is_there(api, request, body.request.from.vm) &&
        guest_is_there(api, request, body.request.to.vm) && may_name_host_paths(request, &body.request))
        add(api, request, &body.request);
    transfer_body_finish(&body);
}

/* ---- one ---- */

/* NULL: answered already. */
static const struct transfer *find(struct api *api, struct http_request *request)
{
    const char *id = http_request_parameter(request);
    const struct transfer *transfer = api->transfers == NULL ? NULL : transfers_find(api->transfers, id);
    if (transfer == NULL)
        problem_reply(request, 404, "NOT_FOUND", NULL, NULL, "no transfer \"%s\"", id);
    return transfer;
}

void route_get_transfer(struct api *api, struct guest *guest, struct http_request *request)
{
    const struct transfer *transfer = find(api, request);
    if (transfer != NULL)
        http_request_reply_json(request, 200, view_transfer(transfer, TRANSFER_FAILURES_MAX));
}

/* False: answered already. */
static bool read_keep(struct http_request *request, bool *ret)
{
    char keep[8];
    int status = file_answer_parameter(request, "keep", false, keep, sizeof(keep));
    *ret = strcmp(keep, "true") == 0;
    if (status == STATUS_NOT_FOUND || (status == 0 && (*ret || strcmp(keep, "false") == 0)))
        return true;
    if (status == 0)
        problem_reply_field(request, "keep", "keep: expected true or false");
    return false;
}

void route_cancel_transfer(struct api *api, struct guest *guest, struct http_request *request)
{
    bool keeps;
    if (find(api, request) == NULL || !read_keep(request, &keeps))
        return;
    int status = transfers_cancel(api->transfers, http_request_parameter(request), keeps);
    if (status < 0)
        file_answer_problem(api, request, "", status, NULL);
    else
        http_request_reply_empty(request, 204);
}
