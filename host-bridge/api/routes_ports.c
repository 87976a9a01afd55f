/* SPDX-License-Identifier: MIT */
/* A guest's ports, and the policy for one of them, which becomes a rule of the guest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/api/body.h"
#include "host-bridge/api/problem.h"
#include "host-bridge/api/routes.h"
#include "host-bridge/api/view.h"

/* The known ports; with `wanted`, those of its number and (unless 0) protocol. */
static json_t *list_ports(struct guest *guest, const struct policy_rule *wanted)
{
    struct forwards *forwards = guest_forwards(guest);
    json_t *list = json_array();
    for (size_t i = 0; i < forwards_port_count(forwards); i++) {
        const struct known_port *port = forwards_port(forwards, i);
        const struct port_key *key = &port->fact.key;
        if (wanted == NULL ||
            (key->port == wanted->port_low && (wanted->protocol == 0 || key->protocol == wanted->protocol)))
            json_array_append_new(list, view_port(port));
    }
    return list;
}

void route_list_ports(struct api *api, struct guest *guest, struct http_request *request)
{
    http_request_reply_json(request, 200, json_pack("{s:o}", "ports", list_ports(guest, NULL)));
}

static bool read_port(struct http_request *request, uint16_t *ret)
{
    const char *text = http_request_parameter(request);
    char *end;
    long number = strtol(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || number < 1 || number > UINT16_MAX) {
        problem_reply_field(request, "port", "port: expected a whole number from 1 to 65535");
        return false;
    }
    *ret = (uint16_t)number;
    return true;
}

static bool read_rule(struct http_request *request, const char *policy, const char *protocol,
                      struct policy_rule *ret)
{
    *ret = (struct policy_rule){.uid = -1};
    if (!policy_action_parse(policy, &ret->action)) {
        problem_reply_field(request, "policy", "policy: expected forward, ask, ignore or block");
        return false;
    }
    if (protocol != NULL && !view_protocol_parse(protocol, &ret->protocol)) {
        problem_reply_field(request, "protocol", "protocol: expected tcp or udp");
        return false;
    }
    return read_port(request, &ret->port_low);
}

static void set(struct guest *guest, struct http_request *request, const struct policy_rule *rule)
{
    int status = forwards_put_rule(guest_forwards(guest), rule);
    if (status < 0) {
        problem_reply_status(request, status, NULL, NULL);
        return;
    }
    http_request_reply_json(request, 200,
                            json_pack("{s:i, s:o, s:s, s:o}", "port", (int)rule->port_low, "protocol",
                                      rule->protocol == 0 ? json_null() : view_protocol(rule->protocol),
                                      "policy", policy_action_name(rule->action), "ports",
                                      list_ports(guest, rule)));
}

void route_set_port_policy(struct api *api, struct guest *guest, struct http_request *request)
{
    const char *policy, *protocol = NULL;
    const struct field fields[] = {{"policy", FIELD_TEXT, true, &policy},
                                   {"protocol", FIELD_TEXT, false, &protocol}};
    json_t *body = body_read(request, fields, 2);
    if (body == NULL)
        return;
    struct policy_rule rule;
    if (read_rule(request, policy, protocol, &rule)) {
        rule.port_high = rule.port_low;
        set(guest, request, &rule);
    }
    json_decref(body);
}
