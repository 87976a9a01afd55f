/* SPDX-License-Identifier: MIT */
/* A guest's own policy rules: list, put, drop. */
#include "host-bridge/api/body.h"
#include "host-bridge/api/problem.h"
#include "host-bridge/api/query.h"
#include "host-bridge/api/routes.h"
#include "host-bridge/api/view.h"
#include "protocol/base/status.h"

#define SELECTOR_MAX (TEXT_COMMAND_MAX + 32) /* "command:" GLOB "/tcp" */

static json_t *view_rule(const struct policy_rule *rule)
{
    char selector[SELECTOR_MAX + 1];
    policy_selector_format(rule, selector, sizeof(selector));
    return json_pack("{s:o, s:s}", "selector", view_text(selector), "action",
                     policy_action_name(rule->action));
}

void route_list_rules(struct api *api, struct guest *guest, struct http_request *request)
{
    const struct policy_set *rules = forwards_rules(guest_forwards(guest));
    json_t *list = json_array();
    for (size_t i = 0; i < rules->count; i++)
        json_array_append_new(list, view_rule(&rules->rules[i]));
    http_request_reply_json(request, 200, json_pack("{s:o}", "rules", list));
}

static bool read_selector(struct http_request *request, const char *selector, struct policy_rule *ret)
{
    char problem[TEXT_REASON_MAX + 1] = "";
    *ret = (struct policy_rule){.uid = -1};
    if (policy_selector_parse(selector, ret, problem) == 0)
        return true;
    problem_reply_field(request, "selector", "selector: %s", problem);
    return false;
}

static void put(struct guest *guest, struct http_request *request, const struct policy_rule *rule)
{
    int status = forwards_put_rule(guest_forwards(guest), rule);
    if (status < 0)
        problem_reply_status(request, status, NULL, NULL);
    else
        http_request_reply_json(request, 200, view_rule(rule));
}

void route_put_rule(struct api *api, struct guest *guest, struct http_request *request)
{
    const char *selector, *action;
    const struct field fields[] = {{"selector", FIELD_TEXT, true, &selector},
                                   {"action", FIELD_TEXT, true, &action}};
    json_t *body = body_read(request, fields, 2);
    if (body == NULL)
        return;
    struct policy_rule rule;
    if (read_selector(request, selector, &rule)) {
        if (policy_action_parse(action, &rule.action))
            put(guest, request, &rule);
        else
            problem_reply_field(request, "action", "action: expected forward, ask, ignore or block");
    }
    json_decref(body);
}

void route_drop_rule(struct api *api, struct guest *guest, struct http_request *request)
{
    char selector[SELECTOR_MAX + 1];
    int status = query_get(http_request_query(request), "selector", selector, sizeof(selector));
    if (status < 0) {
        problem_reply(request, 400, "MALFORMED", "?selector=8080", NULL,
                      "the query needs a selector, percent-encoded");
        return;
    }
    struct policy_rule rule;
    if (!read_selector(request, selector, &rule))
        return;
    rule.action = POLICY_IGNORE; /* any will do: the conditions name the rule, but it must be a valid one */
    status = forwards_drop_rule(guest_forwards(guest), &rule);
    if (status == STATUS_NOT_FOUND)
        problem_reply(request, 404, "NOT_FOUND", NULL, NULL, "no rule has the selector \"%s\"", selector);
    else if (status < 0)
        problem_reply_status(request, status, NULL, NULL);
    else
        http_request_reply_empty(request, 204);
}
