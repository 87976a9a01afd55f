/* SPDX-License-Identifier: MIT */
/* Guests: list, add, show, remove. */
#include <stdio.h>

#include "host-bridge/api/body.h"
#include "host-bridge/api/problem.h"
#include "host-bridge/api/router.h"
#include "host-bridge/api/routes.h"
#include "host-bridge/api/view.h"

void route_list_guests(struct api *api, struct guest *guest, struct http_request *request)
{
    json_t *list = json_array();
    for (size_t i = 0; i < guests_count(api->guests); i++)
        json_array_append_new(list, view_guest(guests_at(api->guests, i)));
    http_request_reply_json(request, 200, json_pack("{s:o}", "vms", list));
}

static void add(struct api *api, struct http_request *request, const char *name, const char *link,
                const json_t *body)
{
    struct guest *guest;
    struct guest_identity_options identity;
    const char *field;
    char problem[TEXT_REASON_MAX + 1] = "";
    int status = guest_identity_load(&identity, body, &field, problem);
    if (status == 0)
        status = guest_identity_check(&identity, link, &field, problem);
    if (status < 0) {
        problem_reply_field(request, field, "%s: %s", field, problem);
        return;
    }
    status = guests_add(api->guests, name, link, &identity, &guest, problem);
    if (status < 0) {
        problem_reply_status(request, status, problem, NULL);
        return;
    }
    char location[sizeof(API_BASE "/vms/") + TEXT_NAME_MAX];
    snprintf(location, sizeof(location), API_BASE "/vms/%s", guest_name(guest));
    http_request_set_header(request, "Location", location);
    http_request_reply_json(request, 201, view_guest(guest));
}

void route_add_guest(struct api *api, struct guest *guest, struct http_request *request)
{
    const char *name, *link, *text;
    bool ephemeral;
    const struct field fields[] = {
        {"name", FIELD_TEXT, true, &name},
        {"link", FIELD_TEXT, true, &link},
        {"key", FIELD_TEXT, false, &text}, /* the rest is read by guest_identity_load, all at once */
        {"pskFile", FIELD_TEXT, false, &text},
        {"encryption", FIELD_TEXT, false, &text},
        {"ephemeral", FIELD_SWITCH, false, &ephemeral},
    };
    json_t *body = body_read(request, fields, sizeof(fields) / sizeof(fields[0]));
    if (body == NULL)
        return;
    add(api, request, name, link, body);
    json_decref(body);
}

void route_get_guest(struct api *api, struct guest *guest, struct http_request *request)
{
    http_request_reply_json(request, 200, view_guest(guest));
}

void route_remove_guest(struct api *api, struct guest *guest, struct http_request *request)
{
    char problem[TEXT_REASON_MAX + 1] = "";
    int status = guests_remove(api->guests, guest_name(guest), problem);
    if (status < 0)
        problem_reply_status(request, status, problem, NULL);
    else
        http_request_reply_empty(request, 204);
}
