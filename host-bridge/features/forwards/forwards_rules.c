/* SPDX-License-Identifier: MIT */
/* The guest's own rules: changing them changes the forwards at once. */
#include "host-bridge/features/forwards/forwards_private.h"
#include "protocol/base/status.h"

#include <string.h>

static bool is_terminated(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

int policy_rule_check(const struct policy_rule *rule)
{
    bool valid = rule->port_low <= rule->port_high && (rule->port_low != 0 || rule->port_high == 0) &&
                 rule->protocol <= PORT_UDP && rule->uid >= -1 && rule->uid <= UINT32_MAX &&
                 rule->action >= POLICY_FORWARD && rule->action <= POLICY_BLOCK &&
                 is_terminated(rule->process, sizeof(rule->process)) &&
                 is_terminated(rule->command, sizeof(rule->command)) &&
                 is_terminated(rule->unit, sizeof(rule->unit));
    return valid ? 0 : STATUS_INVALID;
}

/* Connections that outlived their forward are blocked with their port. */
static void abort_blocked_ending(struct forwards *forwards)
{
    for (struct forward_entry *entry = forwards->ending, *next; entry != NULL; entry = next) {
        next = entry->next;
        if (forwards_group_is_blocked(forwards, forward_group(entry)))
            flow_set_abort_all(&entry->forward.flows, STATUS_NOT_ALLOWED);
    }
}

static void rules_changed(struct forwards *forwards)
{
    forwards_redecide(forwards);
    abort_blocked_ending(forwards);
    forwards->io.on_dirty(forwards->io.ctx);
}

const struct policy_set *forwards_rules(const struct forwards *forwards)
{
    return &forwards->rules;
}

int forwards_put_rule(struct forwards *forwards, const struct policy_rule *rule)
{
    int status = policy_rule_check(rule);
    if (status == 0)
        status = policy_set_put(&forwards->rules, rule);
    if (status == 0)
        rules_changed(forwards);
    return status;
}

int forwards_drop_rule(struct forwards *forwards, const struct policy_rule *rule)
{
    if (!policy_set_drop(&forwards->rules, rule)) /* by its conditions: the action does not matter */
        return STATUS_NOT_FOUND;
    rules_changed(forwards);
    return 0;
}

static bool blocks_exactly(const struct policy_rule *rule, uint8_t protocol, uint16_t port)
{
    return rule->action == POLICY_BLOCK && rule->port_low == port && rule->port_high == port &&
           (protocol == 0 || rule->protocol == 0 || rule->protocol == protocol) && rule->uid < 0 &&
           rule->process[0] == '\0' && rule->command[0] == '\0' && rule->unit[0] == '\0';
}

int forwards_unblock(struct forwards *forwards, uint8_t protocol, uint16_t port)
{
    bool dropped = false;
    for (size_t i = 0; port != 0 && i < forwards->rules.count;) {
        if (blocks_exactly(&forwards->rules.rules[i], protocol, port))
            dropped = policy_set_drop(&forwards->rules, &forwards->rules.rules[i]);
        else
            i++;
    }
    if (!dropped)
        return STATUS_NOT_FOUND;
    rules_changed(forwards);
    return 0;
}
