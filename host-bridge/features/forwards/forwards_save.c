/* SPDX-License-Identifier: MIT */
/* Writes what survives a restart as JSON: static forwards, rules, remembered host ports. Reading it back is
 * forwards_load.c; where it is stored is the bridge's business.
 *
 *   {"version":1, "nextStatic":3,
 *    "forwards":[{"number":2,"protocol":"tcp","guestPort":80,"hostPort":8080,"bind":"0.0.0.0",
 *                 "fallback":true,"enabled":true}],          no "bind": both loopbacks
 *    "rules":[{"action":"ask","portLow":3000,"portHigh":3999,"protocol":"tcp","uid":1000,
 *              "process":"vite*","command":"*","unit":"*"}],  only "action" is required; the first wins
 *    "hostPorts":[{"protocol":"tcp","guestPort":8080,"hostPort":8081}]}   the oldest first
 */
#include "host-bridge/features/forwards/forwards_private.h"

#include <stdlib.h>

#define STATE_VERSION 1

static const char *protocol_name(uint8_t protocol)
{
    return protocol == PORT_TCP ? "tcp" : "udp";
}

/* json_array_append_new and json_object_set_new take NULL for an error and pass it on: out of memory is seen
 * at the end, by their status. */
static json_t *save_forward(const struct forward_entry *entry)
{
    const struct forward *forward = &entry->forward;
    json_t *item =
        json_pack("{s:I, s:s, s:i, s:i, s:b, s:b}", "number", (json_int_t)entry->number, "protocol",
                  protocol_name(forward->protocol), "guestPort", forward->guest_port, "hostPort",
                  entry->wanted_port, "fallback", forward->allow_fallback, "enabled", entry->enabled);
    char address[46];
    ip_address_format(&forward->bind, address);
    if (item != NULL && !forward->bind_both_loopbacks &&
        json_object_set_new(item, "bind", json_string(address)) < 0) {
        json_decref(item);
        return NULL;
    }
    return item;
}

static json_t *save_rule(const struct policy_rule *rule)
{
    json_t *item = json_pack("{s:s}", "action", policy_action_name(rule->action));
    int status = item == NULL ? -1 : 0;
    if (rule->port_high != 0) {
        status |= json_object_set_new(item, "portLow", json_integer(rule->port_low));
        status |= json_object_set_new(item, "portHigh", json_integer(rule->port_high));
    }
    if (rule->protocol != 0)
        status |= json_object_set_new(item, "protocol", json_string(protocol_name(rule->protocol)));
    if (rule->uid >= 0)
        status |= json_object_set_new(item, "uid", json_integer(rule->uid));
    if (rule->process[0] != '\0')
        status |= json_object_set_new(item, "process", json_string(rule->process));
    if (rule->command[0] != '\0')
        status |= json_object_set_new(item, "command", json_string(rule->command));
    if (rule->unit[0] != '\0')
        status |= json_object_set_new(item, "unit", json_string(rule->unit));
    if (status != 0) {
        json_decref(item);
        return NULL;
    }
    return item;
}

static int by_stamp(const void *a, const void *b)
{
    const struct remembered_port *left = a, *right = b;
    return left->stamp < right->stamp ? -1 : left->stamp > right->stamp;
}

static int save_remembered(const struct remembered_ports *ports, json_t *list)
{
    int status = 0;
    struct remembered_port *sorted = calloc(ports->count + 1, sizeof(*sorted));
    if (sorted == NULL)
        return -1;
    for (size_t i = 0; i < ports->count; i++)
        sorted[i] = ports->items[i];
    qsort(sorted, ports->count, sizeof(*sorted), by_stamp);
    for (size_t i = 0; i < ports->count; i++)
        status |= json_array_append_new(list, json_pack("{s:s, s:i, s:i}", "protocol",
                                                        protocol_name(port_group_protocol(sorted[i].group)),
                                                        "guestPort", port_group_port(sorted[i].group),
                                                        "hostPort", sorted[i].host_port));
    free(sorted);
    return status;
}

json_t *forwards_save(const struct forwards *forwards)
{
    json_t *statics = json_array(), *rules = json_array(), *ports = json_array();
    int status = save_remembered(&forwards->remembered, ports);
    for (size_t i = 0; i < forwards->count; i++) {
        const struct forward_entry *entry = forwards->entries[i];
        if (entry->forward.kind == FORWARD_STATIC && !entry->from_ghostvm)
            status |= json_array_append_new(statics, save_forward(entry));
    }
    for (size_t i = 0; i < forwards->rules.count; i++)
        status |= json_array_append_new(rules, save_rule(&forwards->rules.rules[i]));
    json_t *state =
        json_pack("{s:i, s:I, s:o, s:o, s:o}", "version", STATE_VERSION, "nextStatic",
                  (json_int_t)forwards->next_static, "forwards", statics, "rules", rules, "hostPorts", ports);
    if (status != 0) {
        json_decref(state);
        return NULL;
    }
    return state;
}
