/* SPDX-License-Identifier: MIT */
/* Decides about one port: rules first, then the defaults that users of such tools have come to like. The
 * rules' text form is policy_selector.c, their list policy_set.c; what follows from a decision is forwards.c.
 *
 * Defaults, first match wins:
 *   agent      a listener of hospes-agent itself                             ignore
 *   bridge     a forward of a hospes-bridge: where both ends share a network
 *              (a container with the host's) they would answer each other     ignore
 *   system     22, 53, 111, 323, 631, 5353, 5355                             ignore
 *   address    bound to a link-local or multicast address                    ignore
 *   ephemeral  in the guest's local port range: TCP forward after 3 s, UDP ignore
 *   UDP        forward after 1 s
 *   the rest   forward
 */
#include "host-bridge/features/forwards/policy.h"

#include "services/config/glob.h"
#include "services/config/reason.h"

#include <string.h>

#define EPHEMERAL_LOW_ASSUMED  32768 /* Linux's ip_local_port_range when nobody changed it */
#define EPHEMERAL_HIGH_ASSUMED 60999
#define EPHEMERAL_AGE_MS       3000 /* a port of that range which lived so long is a server's, not a helper's */
#define UDP_AGE_MS             1000 /* clients bind UDP ports for the length of a question */

#define AGENT_NAME  "hospes-agent"
#define BRIDGE_NAME "hospes-bridge"

struct system_port {
    uint16_t port;
    const char *what;
};

static const struct system_port SYSTEM_PORTS[] = {
    {22, "SSH"},       {53, "DNS"},    {111, "portmapper"}, {323, "chrony"},
    {631, "printing"}, {5353, "mDNS"}, {5355, "LLMNR"},
};

static const struct system_port *find_system_port(uint16_t port)
{
    for (size_t i = 0; i < sizeof(SYSTEM_PORTS) / sizeof(SYSTEM_PORTS[0]); i++) {
        if (SYSTEM_PORTS[i].port == port)
            return &SYSTEM_PORTS[i];
    }
    return NULL;
}

/* What is not known matches no glob, "*" included. */
static bool glob_allows(const char *glob, const char *text)
{
    return text[0] != '\0' && glob_match(glob, text);
}

static bool rule_matches(const struct policy_rule *rule, const struct port_fact *fact)
{
    bool any_port = rule->port_low == 0 && rule->port_high == 0;
    if (!any_port && (fact->key.port < rule->port_low || fact->key.port > rule->port_high))
        return false;
    if (rule->protocol != 0 && rule->protocol != fact->key.protocol)
        return false;
    if (rule->uid >= 0 && rule->uid != (int64_t)fact->uid)
        return false;
    if (rule->process[0] != '\0' && !glob_allows(rule->process, fact->name))
        return false;
    if (rule->command[0] != '\0' && !glob_allows(rule->command, fact->command))
        return false;
    if (rule->unit[0] != '\0' && !glob_allows(rule->unit, fact->unit) &&
        !glob_allows(rule->unit, fact->container))
        return false;
    return true;
}

static const struct policy_rule *first_match(const struct policy_set *set, const struct port_fact *fact)
{
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        if (rule_matches(&set->rules[i], fact))
            return &set->rules[i];
    }
    return NULL;
}

static bool is_multicast(const struct ip_address *address)
{
    if (address->family == 4)
        return (address->bytes[0] & 0xf0) == 0xe0;
    return address->bytes[0] == 0xff;
}

static bool is_ephemeral(const struct policy_context *context, uint16_t port)
{
    uint16_t low = context->ephemeral_low, high = context->ephemeral_high;
    if (low == 0 || high < low) {
        low = EPHEMERAL_LOW_ASSUMED;
        high = EPHEMERAL_HIGH_ASSUMED;
    }
    return port >= low && port <= high;
}

static void set_decision(struct policy_decision *decision, enum policy_action action, const char *why)
{
    decision->action = action;
    reason_format(decision->reason, "default: %s", why);
}

static void forward_when_aged(struct policy_decision *decision, uint64_t age_ms, uint32_t needed_ms,
                              const char *why)
{
    if (age_ms >= needed_ms) {
        set_decision(decision, POLICY_FORWARD, "forward");
        return;
    }
    set_decision(decision, POLICY_IGNORE, why);
    decision->again_at_age_ms = needed_ms;
}

static void decide_by_default(const struct policy_context *context, const struct port_fact *fact,
                              uint64_t age_ms, struct policy_decision *ret)
{
    const struct port_key *key = &fact->key;
    const struct system_port *system_port = find_system_port(key->port);
    if (strcmp(fact->name, AGENT_NAME) == 0) {
        set_decision(ret, POLICY_IGNORE, "the agent's own port");
    } else if (strcmp(fact->name, BRIDGE_NAME) == 0) {
        set_decision(ret, POLICY_IGNORE, "a bridge's own forward");
    } else if (system_port != NULL) {
        set_decision(ret, POLICY_IGNORE, system_port->what);
    } else if (ip_address_is_link_local(&key->address)) {
        set_decision(ret, POLICY_IGNORE, "link-local address");
    } else if (is_multicast(&key->address)) {
        set_decision(ret, POLICY_IGNORE, "multicast address");
    } else if (is_ephemeral(context, key->port)) {
        if (key->protocol == PORT_UDP)
            set_decision(ret, POLICY_IGNORE, "ephemeral UDP port");
        else
            forward_when_aged(ret, age_ms, EPHEMERAL_AGE_MS, "ephemeral port, not 3 s old yet");
    } else if (key->protocol == PORT_UDP) {
        forward_when_aged(ret, age_ms, UDP_AGE_MS, "UDP port, not 1 s old yet");
    } else {
        set_decision(ret, POLICY_FORWARD, "forward");
    }
}

void policy_decide(const struct policy_context *context, const struct port_fact *fact, uint64_t age_ms,
                   struct policy_decision *ret)
{
    *ret = (struct policy_decision){.origin = POLICY_BY_GUEST_RULE};
    const struct policy_rule *rule = first_match(context->guest_rules, fact);
    if (rule == NULL) {
        ret->origin = POLICY_BY_CONFIG_RULE;
        rule = first_match(context->config_rules, fact);
    }
    if (rule == NULL) {
        ret->origin = POLICY_BY_DEFAULT;
        decide_by_default(context, fact, age_ms, ret);
        return;
    }
    ret->action = rule->action;
    char selector[sizeof(*rule) + 64]; /* all conditions, their names and numbers */
    policy_selector_format(rule, selector, sizeof(selector));
    reason_format(ret->reason, "%s → %s", selector, policy_action_name(rule->action));
}
