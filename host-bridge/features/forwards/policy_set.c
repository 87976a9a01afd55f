/* SPDX-License-Identifier: MIT */
/* A bounded list of rules, the newest first. It grows with its use, since most guests have none. */
#include "host-bridge/features/forwards/policy.h"

#include "protocol/base/status.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

static bool same_conditions(const struct policy_rule *a, const struct policy_rule *b)
{
    return a->port_low == b->port_low && a->port_high == b->port_high && a->protocol == b->protocol &&
           a->uid == b->uid && strcmp(a->process, b->process) == 0 && strcmp(a->command, b->command) == 0 &&
           strcmp(a->unit, b->unit) == 0;
}

void policy_set_finish(struct policy_set *set)
{
    free(set->rules);
    *set = (struct policy_set){0};
}

bool policy_set_drop(struct policy_set *set, const struct policy_rule *rule)
{
    for (size_t i = 0; i < set->count; i++) {
        if (!same_conditions(&set->rules[i], rule))
            continue;
        set->count--;
        memmove(&set->rules[i], &set->rules[i + 1], (set->count - i) * sizeof(set->rules[0]));
        return true;
    }
    return false;
}

int policy_set_put(struct policy_set *set, const struct policy_rule *rule)
{
    struct policy_rule added = *rule; /* `rule` may lie in the set itself */
    struct policy_rule *rules = realloc(set->rules, (set->count + 1) * sizeof(set->rules[0]));
    if (rules == NULL)
        return UV_ENOMEM;
    set->rules = rules;
    policy_set_drop(set, &added);
    if (set->count == POLICY_RULES_MAX)
        return STATUS_LIMIT;
    memmove(&set->rules[1], &set->rules[0], set->count * sizeof(set->rules[0]));
    set->rules[0] = added;
    set->count++;
    return 0;
}
