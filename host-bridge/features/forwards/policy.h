/* SPDX-License-Identifier: MIT */
/* Port facts → decision. Pure: no loop, no files, no clock. */
#ifndef HOSPES_POLICY_H
#define HOSPES_POLICY_H

#include "protocol/wire/message.h"

enum policy_action { POLICY_FORWARD = 1, POLICY_ASK, POLICY_IGNORE, POLICY_BLOCK };

/* A rule matches when every field that is set matches. First match wins: the guest's own rules (newest
 * first), then the rules of the configuration for every guest, then the defaults of facts that this file's
 * source lists. */
struct policy_rule {
    uint16_t port_low, port_high;       /* 0,0 = any; inclusive */
    uint8_t protocol;                   /* enum port_protocol; 0 = any */
    int64_t uid;                        /* -1 = any */
    char process[TEXT_NAME_MAX + 1];    /* glob over the process name; empty = any */
    char command[TEXT_COMMAND_MAX + 1]; /* glob over the command line; empty = any */
    char unit[TEXT_UNIT_MAX + 1];       /* glob over unit or container; empty = any */
    enum policy_action action;
};

#define POLICY_RULES_MAX 256 /* a guest's rules: enough for a person, cheap to walk for each port */

struct policy_set {
    size_t count;
    struct policy_rule *rules; /* owned; rules[0] is tried first */
};

/* What decided, for `hospes ports` and the API. */
enum policy_origin { POLICY_BY_GUEST_RULE = 1, POLICY_BY_CONFIG_RULE, POLICY_BY_DEFAULT };

struct policy_decision {
    enum policy_action action;
    enum policy_origin origin;
    char reason[TEXT_REASON_MAX + 1]; /* "process:vite → forward", "default: ephemeral port", … */
    /* FORWARD only once the port has lived so long: 0, 1000 (UDP) or 3000 (ephemeral range). The action is
     * IGNORE with this set until then; ask again when age_ms reaches it. */
    uint32_t again_at_age_ms;
};

struct policy_context {
    uint16_t ephemeral_low, ephemeral_high; /* of the guest; 0 = assume 32768 … 60999 */
    const struct policy_set *guest_rules;   /* can be NULL */
    const struct policy_set *config_rules;  /* can be NULL */
};

void policy_decide(const struct policy_context *context, const struct port_fact *fact, uint64_t age_ms,
                   struct policy_decision *ret);

/* The contract's SELECTOR: "8080", "3000-3999", "process:GLOB", and ours: "command:GLOB", "uid:N",
 * "unit:GLOB", "*" (every port), each with an optional suffix "/tcp" or "/udp". A glob knows '*' and '?'.
 * *ret's action is left unset. STATUS_INVALID with a sentence in `ret_problem`. */
int policy_selector_parse(const char *text, struct policy_rule *ret,
                          char ret_problem[static TEXT_REASON_MAX + 1]);
/* The selector text of a rule; the inverse of parse for rules with one condition, several are joined by
 * spaces. Cut at size - 1 bytes. */
void policy_selector_format(const struct policy_rule *rule, char *out, size_t size);
bool policy_action_parse(const char *text, enum policy_action *ret);
const char *policy_action_name(enum policy_action action); /* "forward" */

void policy_set_finish(struct policy_set *set);
/* Puts the rule first and drops an older one with the same conditions. STATUS_LIMIT, UV_ENOMEM. */
int policy_set_put(struct policy_set *set, const struct policy_rule *rule);
/* Drops the rule with the same conditions; false when there is none. */
bool policy_set_drop(struct policy_set *set, const struct policy_rule *rule);

#endif
