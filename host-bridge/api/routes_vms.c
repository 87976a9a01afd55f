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

static void add(struct api *api, struct http_request *request, const char *name, const char *link)
{
    struct guest *guest;
    char problem[TEXT_REASON_MAX + 1] = "";
    int status = guests_add(api->guests, name, link, &guest, problem);
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
    const char *name, *link;
    const struct field fields[] = {{"name", FIELD_TEXT, true, &name}, {"link", FIELD_TEXT, true, &link}};
    json_t *body = body_read(request, fields, 2);
    if (body == NULL)
        return;
    add(api, request, name, link);
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
