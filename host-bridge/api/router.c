/* SPDX-License-Identifier: MIT */
/* The table of routes and its lookup. docs/openapi.yaml lists the same; a test compares the two.
 *
 * On a guest's own socket a pattern below /vms/{vm}/ is reached without that part, for that guest; the others
 * are not served there. Path segments are decoded one by one after the split, so that an encoded slash stays
 * within its segment. */
#include "host-bridge/api/router.h"

#include <stdio.h>
#include <string.h>

#include "host-bridge/api/call.h"
#include "host-bridge/api/problem.h"
#include "host-bridge/api/query.h"
#include "host-bridge/api/refusals.h"
#include "host-bridge/api/routes.h"
#include "protocol/base/status.h"

#define GUEST_PREFIX "/vms/{vm}"
#define ALLOW_MAX    64

static const struct route ROUTES[] = {
    {"GET", "/health", route_get_health, .class = CLASS_OBSERVE},
    {"GET", "/vms", route_list_guests, .class = CLASS_OBSERVE},
    {"POST", "/vms", route_add_guest, .class = CLASS_ADMIN,
     .parameters = "name link key pskFile ephemeral encryption"},
    {"GET", "/vms/{vm}", route_get_guest, .class = CLASS_OBSERVE},
    {"DELETE", "/vms/{vm}", route_remove_guest, .class = CLASS_ADMIN},
    {"GET", "/vms/{vm}/health", route_get_guest_health, .class = CLASS_OBSERVE},
    {"GET", "/vms/{vm}/ports", route_list_ports, .class = CLASS_PORTS},
    {"PUT", "/vms/{vm}/ports/{port}", route_set_port_policy, .class = CLASS_PORTS,
     .parameters = "policy protocol"},
    {"GET", "/vms/{vm}/forwards", route_list_forwards, .class = CLASS_PORTS},
    {"POST", "/vms/{vm}/forwards", route_add_forward, .class = CLASS_PORTS,
     .parameters = "guestPort hostPort protocol bind fallback"},
    {"GET", "/vms/{vm}/forwards/{id}", route_get_forward, .class = CLASS_PORTS},
    {"DELETE", "/vms/{vm}/forwards/{id}", route_remove_forward, .class = CLASS_PORTS},
    {"GET", "/vms/{vm}/policy", route_list_rules, .class = CLASS_PORTS},
    {"PUT", "/vms/{vm}/policy", route_put_rule, .class = CLASS_PORTS, .parameters = "selector action"},
    {"DELETE", "/vms/{vm}/policy", route_drop_rule, .class = CLASS_PORTS, .parameters = "selector"},
    {"GET", "/vms/{vm}/pair", route_get_pairing, .class = CLASS_OBSERVE},
    {"POST", "/vms/{vm}/pair", route_pair, .class = CLASS_ADMIN, .parameters = "accept code same"},
    {"DELETE", "/vms/{vm}/pair", route_unpair, .class = CLASS_ADMIN},
    {"GET", "/vms/{vm}/files", route_get_file, .class = CLASS_FILES, .parameters = "path user",
     .audited = true},
    {"PUT", "/vms/{vm}/files", route_put_file, .class = CLASS_FILES, .parameters = "path user mode",
     .streams_body = true},
    {"POST", "/vms/{vm}/drop", route_drop_file, .class = CLASS_FILES, .parameters = "name batch user",
     .streams_body = true},
    {"GET", "/vms/{vm}/fs", route_list_folder, .class = CLASS_FILES, .parameters = "path user",
     .audited = true},
    {"DELETE", "/vms/{vm}/fs", route_remove_path, .class = CLASS_FILES, .parameters = "path recursive user"},
    {"POST", "/vms/{vm}/fs/mkdir", route_make_folder, .class = CLASS_FILES,
     .parameters = "path parents mode user"},
    {"POST", "/vms/{vm}/fs/move", route_move_path, .class = CLASS_FILES,
     .parameters = "from to replace user"},
    {"GET", "/vms/{vm}/fs/watch", route_watch_folder, .class = CLASS_FILES, .parameters = "path user",
     .audited = true},
    {"GET", "/transfers", route_list_transfers, .class = CLASS_FILES},
    {"POST", "/transfers", route_add_transfer, .class = CLASS_FILES,
     .parameters =
         "from.vm from.paths to.vm to.path from.user to.user recursive update checksum resume owner "
         "attributes links conflict"},
    {"GET", "/transfers/{id}", route_get_transfer, .class = CLASS_FILES},
    {"DELETE", "/transfers/{id}", route_cancel_transfer, .class = CLASS_FILES, .parameters = "keep"},
    {"GET", "/inbox", route_list_inbox, .class = CLASS_FILES},
    {"POST", "/inbox/{id}/accept", route_accept_offer, .class = CLASS_FILES, .parameters = "to conflict"},
    {"POST", "/inbox/{id}/decline", route_decline_offer, .class = CLASS_FILES},
    {"GET", "/identity", route_get_identity, .class = CLASS_OBSERVE},
    {"GET", "/events", route_get_events, .class = CLASS_OBSERVE},
    {"GET", "/metrics", route_get_metrics, .class = CLASS_OBSERVE},
    {"GET", "/audit", route_get_audit, .class = CLASS_ADMIN, .parameters = "guest limit"},
    {"GET", "/audit/verify", route_verify_audit, .class = CLASS_ADMIN, .audited = true},
};

const struct route *router_routes(size_t *ret_count)
{
    *ret_count = sizeof(ROUTES) / sizeof(ROUTES[0]);
    return ROUTES;
}

struct captures {
    char vm[TEXT_NAME_MAX + 1];
    char *parameter; /* HTTP_REQUEST_PARAMETER_MAX + 1 bytes */
};

/* One segment against one of the pattern; both without slashes. */
static bool segment_matches(const char *pattern, size_t pattern_size, const char *text, size_t size,
                            struct captures *captures)
{
    if (pattern[0] != '{')
        return size == pattern_size && memcmp(text, pattern, size) == 0;
    if (size == 0)
        return false;
    if (pattern_size == strlen("{vm}") && memcmp(pattern, "{vm}", pattern_size) == 0)
        return percent_decode(text, size, false, captures->vm, sizeof(captures->vm)) == 0;
    return percent_decode(text, size, false, captures->parameter, HTTP_REQUEST_PARAMETER_MAX + 1) == 0;
}

static bool path_matches(const char *pattern, const char *path, struct captures *captures)
{
    while (*pattern == '/' && *path == '/') {
        size_t pattern_size = strcspn(++pattern, "/");
        size_t size = strcspn(++path, "/");
        if (!segment_matches(pattern, pattern_size, path, size, captures))
            return false;
        pattern += pattern_size;
        path += size;
    }
    return *pattern == '\0' && *path == '\0';
}

/* The part of the pattern that this socket's paths are held against; NULL: not served here. */
static const char *visible_pattern(const struct route *route, bool guest_socket)
{
    size_t prefix_size = strlen(GUEST_PREFIX);
    if (!guest_socket)
        return route->pattern;
    return strncmp(route->pattern, GUEST_PREFIX "/", prefix_size + 1) == 0 ? route->pattern + prefix_size
                                                                           : NULL;
}

static void allow(char *list, const char *method)
{
    size_t used = strlen(list);
    snprintf(list + used, ALLOW_MAX - used, "%s%s%s", used > 0 ? ", " : "", method,
             strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

static void refuse(struct http_request *request, const char *allowed)
{
    if (allowed[0] == '\0') {
        problem_reply(request, 404, "NOT_FOUND", "docs/openapi.yaml lists the paths", NULL, "no such path");
        return;
    }
    http_request_set_header(request, "Allow", allowed);
    problem_reply(request, 405, "METHOD_NOT_ALLOWED", NULL, NULL, "this path allows %s", allowed);
}

static void refuse_class(struct api *api, const struct route *route, struct http_request *request)
{
    refusals_note_class(api, &http_request_client(request)->peer, route->class);
    problem_reply(request, 403, status_name(STATUS_NOT_ALLOWED),
                  "the bridge's configuration, \"clients\", says who may do what", NULL,
                  "this client may not use the class \"%s\"", request_class_name(route->class));
}

static void call(struct api *api, const struct route *route, const char *vm, struct http_request *request)
{
    struct guest *guest = NULL;
    bool names_guest = strncmp(route->pattern, GUEST_PREFIX, strlen(GUEST_PREFIX)) == 0;
    call_begin(api, request, route, names_guest ? vm : "");
    if (!request_classes_has(http_request_client(request)->classes, route->class)) {
        refuse_class(api, route, request);
        return;
    }
    if (names_guest) {
        guest = guests_find(api->guests, vm);
        if (guest == NULL) {
            problem_reply(request, 404, "NOT_FOUND", "GET " API_BASE "/vms lists them", NULL,
                          "no guest \"%s\"", vm);
            return;
        }
    }
    route->handle(api, guest, request);
}

/* NULL: none; `ret_allowed` lists the methods of the path then. */
static const struct route *find(struct http_request *request, struct captures *captures,
                                char ret_allowed[static ALLOW_MAX])
{
    const char *method = http_request_method(request);
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    const char *path = http_request_path(request);
    bool known_base = strncmp(path, API_BASE "/", strlen(API_BASE "/")) == 0;
    for (size_t i = 0; known_base && i < sizeof(ROUTES) / sizeof(ROUTES[0]); i++) {
        const char *pattern = visible_pattern(&ROUTES[i], http_request_socket_guest(request)[0] != '\0');
        if (pattern == NULL || !path_matches(pattern, path + strlen(API_BASE), captures))
            continue;
        if (strcmp(ROUTES[i].method, method) == 0)
            return &ROUTES[i];
        allow(ret_allowed, ROUTES[i].method);
    }
    return NULL;
}

static void call_found(struct api *api, const struct route *route, const struct captures *captures,
                       struct http_request *request)
{
    const char *own = http_request_socket_guest(request);
    call(api, route, own[0] != '\0' ? own : captures->vm, request);
}

bool router_handle_head(struct api *api, struct http_request *request)
{
    struct captures captures = {.parameter = http_request_parameter_space(request)};
    char allowed[ALLOW_MAX] = "";
    const struct route *route = find(request, &captures, allowed);
    if (route == NULL || !route->streams_body)
        return false;
    call_found(api, route, &captures, request);
    return true;
}

void router_handle(struct api *api, struct http_request *request)
{
    struct captures captures = {.parameter = http_request_parameter_space(request)};
    char allowed[ALLOW_MAX] = "";
    const struct route *route = find(request, &captures, allowed);
    if (route != NULL) {
        call_found(api, route, &captures, request);
        return;
    }
    call_begin(api, request, NULL, "");
    refuse(request, allowed);
}
