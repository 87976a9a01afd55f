/* SPDX-License-Identifier: MIT */
/* Forwards of a guest: list, add, show, remove. */
#include <stdio.h>

#include "host-bridge/api/body.h"
#include "host-bridge/api/problem.h"
#include "host-bridge/api/router.h"
#include "host-bridge/api/routes.h"
#include "host-bridge/api/view.h"

#define LOCATION_MAX 160

void route_list_forwards(struct api *api, struct guest *guest, struct http_request *request)
{
    struct forwards *forwards = guest_forwards(guest);
    json_t *list = json_array();
    for (size_t i = 0; i < forwards_count(forwards); i++)
        json_array_append_new(list, view_forward(forwards_at(forwards, i)));
    http_request_reply_json(request, 200, json_pack("{s:o}", "forwards", list));
}

static void add(struct guest *guest, struct http_request *request, const struct forward_request *wish)
{
    const struct forward *forward;
    char problem[TEXT_REASON_MAX + 1] = "";
    int status = forwards_add(guest_forwards(guest), wish, &forward, problem);
    if (status < 0) {
        problem_reply_status(request, status, problem, NULL);
        return;
    }
    char location[LOCATION_MAX];
    bool own_socket = http_request_socket_guest(request)[0] != '\0';
    snprintf(location, sizeof(location), API_BASE "%s%s/forwards/%s", own_socket ? "" : "/vms/",
             own_socket ? "" : guest_name(guest), forward->id);
    http_request_set_header(request, "Location", location);
    http_request_reply_json(request, 201, view_forward(forward));
}

void route_add_forward(struct api *api, struct guest *guest, struct http_request *request)
{
    struct forward_request wish = {.protocol = PORT_TCP, .allow_fallback = true, .enabled = true};
    const char *protocol = NULL, *bind = NULL;
    const struct field fields[] = {{"guestPort", FIELD_PORT, true, &wish.guest_port},
                                   {"hostPort", FIELD_PORT, false, &wish.host_port},
                                   {"protocol", FIELD_TEXT, false, &protocol},
                                   {"bind", FIELD_TEXT, false, &bind},
                                   {"fallback", FIELD_SWITCH, false, &wish.allow_fallback}};
    json_t *body = body_read(request, fields, sizeof(fields) / sizeof(fields[0]));
    if (body == NULL)
        return;
    if (protocol != NULL && !view_protocol_parse(protocol, &wish.protocol))
        problem_reply_field(request, "protocol", "protocol: expected tcp or udp");
    else if (bind != NULL && !ip_address_parse(bind, &wish.bind))
        problem_reply_field(request, "bind", "bind: expected an IPv4 or IPv6 address");
    else
        add(guest, request, &wish);
    json_decref(body);
}

static const struct forward *find(struct guest *guest, struct http_request *request)
{
    const struct forward *forward = forwards_find(guest_forwards(guest), http_request_parameter(request));
    if (forward == NULL)
        problem_reply(request, 404, "NOT_FOUND", NULL, NULL, "no forward \"%s\"",
                      http_request_parameter(request));
    return forward;
}

void route_get_forward(struct api *api, struct guest *guest, struct http_request *request)
{
    const struct forward *forward = find(guest, request);
    if (forward != NULL)
        http_request_reply_json(request, 200, view_forward(forward));
}

void route_remove_forward(struct api *api, struct guest *guest, struct http_request *request)
{
    if (find(guest, request) == NULL)
        return;
    int status = forwards_remove(guest_forwards(guest), http_request_parameter(request));
    if (status < 0)
        problem_reply_status(request, status, NULL, NULL);
    else
        http_request_reply_empty(request, 204);
}
