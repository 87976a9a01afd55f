/* SPDX-License-Identifier: MIT */
/* Makes audit entries of requests. What a route lets the log show of its body is the router's table's; the
 * file is host-bridge/audit's. */
#include "host-bridge/api/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/api/query.h"
#include "host-bridge/api/view.h"
#include "host-bridge/platform/peer_process.h"
#include "protocol/base/clock.h"
#include "protocol/base/status.h"
#include "protocol/wire/limits.h"

#define PARAMETER_NAME_MAX 31

struct call {
    struct api *api;
    const struct route *route; /* NULL: none of ours */
    uint64_t begun_ms;
    char guest[TEXT_NAME_MAX + 1];
    bool changes; /* more than a look */
    char executable[PEER_PROCESS_PATH_MAX + 1];
};

/* ---- parameters ---- */

/* "{id}" of the pattern, beside {vm}: its name. False when there is none. */
static bool path_parameter_name(const char *pattern, char out[static PARAMETER_NAME_MAX + 1])
{
    for (const char *at = pattern; (at = strchr(at, '{')) != NULL; at++) {
        int size = (int)strcspn(at + 1, "}");
        if (size <= PARAMETER_NAME_MAX && strncmp(at, "{vm}", 4) != 0) {
            snprintf(out, PARAMETER_NAME_MAX + 1, "%.*s", size, at + 1);
            return true;
        }
    }
    return false;
}

/* What "to.path" names in the body. NULL when there is no such thing. */
static const json_t *find_named(const json_t *body, const char *name)
{
    char part[PARAMETER_NAME_MAX + 1];
    for (size_t size; body != NULL && *name != '\0'; name += size + (name[size] == '.')) {
        size = strcspn(name, ".");
        snprintf(part, sizeof(part), "%.*s", (int)size, name);
        body = json_object_get(body, part);
    }
    return body;
}

/* A list of texts as one, for the entry cuts texts and knows no lists. NULL for anything else. */
static json_t *join(const json_t *list)
{
    char text[AUDIT_TEXT_MAX * 2] = "";
    size_t used = 0;
    for (size_t i = 0; i < json_array_size(list) && used < sizeof(text); i++) {
        const char *one = json_string_value(json_array_get(list, i));
        if (one == NULL)
            return NULL;
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? ", " : "", one);
    }
    return json_is_array(list) ? view_text(text) : NULL;
}

static void add_named(json_t *parameters, struct http_request *request, const json_t *body, const char *name)
{
    char text[FILES_PATH_MAX + 1];
    const json_t *value = find_named(body, name);
    if (value != NULL && !json_is_object(value) && !json_is_array(value))
        json_object_set(parameters, name, (json_t *)(uintptr_t)value);
    else if (json_is_array(value))
        json_object_set_new(parameters, name, join(value));
    else if (query_get(http_request_query(request), name, text, sizeof(text)) == 0)
        json_object_set_new(parameters, name, view_text(text));
}

static json_t *collect(const struct call *call, struct http_request *request)
{
    json_t *parameters = json_object();
    char name[PARAMETER_NAME_MAX + 1];
    if (call->route == NULL) {
        json_object_set_new(parameters, "path", view_text(http_request_path(request)));
        return parameters;
    }
    if (path_parameter_name(call->route->pattern, name))
        json_object_set_new(parameters, name, view_text(http_request_parameter(request)));
    const char *names = call->route->parameters;
    if (names == NULL)
        return parameters;
    struct span bytes = http_request_body(request);
    json_t *body = bytes.size == 0 ? NULL : json_loadb((const char *)bytes.data, bytes.size, 0, NULL);
    for (size_t size; *names != '\0'; names += size) {
        names += strspn(names, " ");
        size = strcspn(names, " ");
        snprintf(name, sizeof(name), "%.*s", (int)size, names);
        add_named(parameters, request, body, name);
    }
    json_decref(body);
    return parameters;
}

/* ---- entries ---- */

static enum audit_result result_of(unsigned status)
{
    if (status == 401 || status == 403)
        return AUDIT_REFUSED;
    return status >= 200 && status < 400 ? AUDIT_DONE : AUDIT_FAILED;
}

static void write_entry(struct call *call, struct http_request *request, unsigned status, const char *code)
{
    const struct unix_peer *peer = &http_request_client(request)->peer;
    if (!call->changes)
        peer_process_executable(peer->pid, call->executable);
    char action[96];
    snprintf(action, sizeof(action), "%s%s%s", http_request_method(request), call->route != NULL ? " " : "",
             call->route != NULL ? call->route->pattern : "");
    const struct audit_client client = {peer->pid, peer->uid, call->executable};
    json_t *parameters = collect(call, request);
    const char *new_guest = json_string_value(json_object_get(parameters, "name"));
    audit_event(call->api->audit,
                &(struct audit_entry){.guest = call->guest[0] == '\0' ? new_guest : call->guest,
                                      .request_class =
                                          call->route != NULL ? request_class_name(call->route->class) : NULL,
                                      .action = action,
                                      .parameters = parameters,
                                      .result = result_of(status),
                                      .status = status == 0 ? status_name(STATUS_GONE) : code,
                                      .duration_ms = clock_monotonic_ms() - call->begun_ms,
                                      .client = &client});
    json_decref(parameters);
}

static void handle_answer(void *ctx, struct http_request *request, unsigned status, const char *code)
{
    struct call *call = ctx;
    if (call->changes || result_of(status) == AUDIT_REFUSED)
        write_entry(call, request, status, code);
    free(call);
}

void call_begin(struct api *api, struct http_request *request, const struct route *route, const char *guest)
{
    struct call *call = api->audit == NULL ? NULL : calloc(1, sizeof(*call));
    if (call == NULL)
        return;
    const char *method = http_request_method(request);
    call->api = api;
    call->route = route;
    call->begun_ms = clock_monotonic_ms();
    call->changes =
        route != NULL ? route_is_audited(route) : strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
    snprintf(call->guest, sizeof(call->guest), "%s", guest);
    if (call->changes)
        peer_process_executable(http_request_client(request)->peer.pid, call->executable);
    http_request_watch(request, handle_answer, call);
}
