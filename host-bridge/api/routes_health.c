/* SPDX-License-Identifier: MIT */
/* The bridge's own health, and a guest's, which is asked of its agent.
 *
 * The agent's answer and the end of the client's request come in any order: `struct inquiry` lives until both
 * have, and the guest is looked up by name again, since it may have been removed meanwhile. */
#include <stdio.h>
#include <stdlib.h>

#include "host-bridge/api/not_connected.h"
#include "host-bridge/api/problem.h"
#include "host-bridge/api/routes.h"
#include "host-bridge/api/view.h"
#include "protocol/base/status.h"

void route_get_health(struct api *api, struct guest *guest, struct http_request *request)
{
    json_t *classes = json_array();
    for (int i = 1; i <= REQUEST_CLASS_COUNT; i++) {
        if (request_classes_has(http_request_client(request)->classes, (enum request_class)i))
            json_array_append_new(classes, json_string(request_class_name((enum request_class)i)));
    }
    http_request_reply_json(
        request, 200,
        json_pack("{s:s, s:s, s:o}", "status", "ok", "version", api->version, "classes", classes));
}

struct inquiry {
    struct api *api;              /* valid while request is not NULL */
    struct http_request *request; /* NULL: its client went */
    char name[TEXT_NAME_MAX + 1];
    bool asked; /* the callback is still to come */
};

static void reply_failure(struct http_request *request, const char *name, const struct guest *guest,
                          int status)
{
    if (guest == NULL)
        problem_reply(request, 404, "NOT_FOUND", NULL, NULL, "guest \"%s\" was removed", name);
    else if (status == STATUS_NOT_CONNECTED || status == STATUS_GONE)
        not_connected_reply(request, guest);
    else if (status == UV_ETIMEDOUT)
        problem_reply(request, 504, status_name(status), NULL, not_connected_details(guest),
                      "the agent did not answer in %d seconds", REQUEST_TIMEOUT_MS / 1000);
    else
        problem_reply(request, 502, status_name(status), NULL, not_connected_details(guest),
                      "the agent failed: %s", status_text(status));
}

static void handle_health(void *ctx, int status, const char *text, const struct health_message *health)
{
    struct inquiry *inquiry = ctx;
    inquiry->asked = false;
    if (inquiry->request == NULL) {
        free(inquiry);
        return;
    }
    struct guest *guest = guests_find(inquiry->api->guests, inquiry->name);
    if (status == 0 && guest != NULL)
        http_request_reply_json(inquiry->request, 200, view_health(guest, health));
    else if (status == STATUS_NOT_ALLOWED)
        problem_reply(inquiry->request, 403, status_name(status),
                      "the guest's owner decides: \"classes\" in its agent.json",
                      not_connected_details(guest), "the guest refuses: %s", text);
    else
        reply_failure(inquiry->request, inquiry->name, guest, status);
}

static void handle_gone(void *ctx)
{
    struct inquiry *inquiry = ctx;
    inquiry->request = NULL;
    if (!inquiry->asked)
        free(inquiry);
}

void route_get_guest_health(struct api *api, struct guest *guest, struct http_request *request)
{
    if (guest_state(guest) != GUEST_CONNECTED) {
        not_connected_reply(request, guest);
        return;
    }
    struct inquiry *inquiry = calloc(1, sizeof(*inquiry));
    int status = UV_ENOMEM;
    if (inquiry != NULL) {
        inquiry->api = api;
        inquiry->request = request;
        snprintf(inquiry->name, sizeof(inquiry->name), "%s", guest_name(guest));
        status = guest_ask_health(guest, REQUEST_TIMEOUT_MS, handle_health, inquiry);
    }
    if (status < 0) {
        free(inquiry);
        if (status == STATUS_LIMIT || status == UV_ENOMEM)
            problem_reply_status(request, status, NULL, NULL);
        else
            reply_failure(request, guest_name(guest), guest, status);
        return;
    }
    inquiry->asked = true;
    http_request_wait(request, handle_gone, inquiry);
}
