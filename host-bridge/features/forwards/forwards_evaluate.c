/* SPDX-License-Identifier: MIT */
/* What the forwards of one (port, protocol) should be, given the listeners known there, the rules and the
 * link. It changes entries and queues openings; sockets are forwards_open.c.
 *
 * An automatic forward:
 *   some listener may be forwarded   active, dialling those listeners (never an address of a blocked one)
 *   else some listener is blocked    blocked: no listener, connections aborted
 *   no listener at all               an active one stays for the grace time, so that a restart does not flap
 *   only ask and ignore              none
 * A listener that waits for its age counts at once where a forward stands already: its server restarted.
 * An enabled static forward replaces the automatic one, and ignores "ask" and "ignore". */
#include "host-bridge/features/forwards/forward_target.h"
#include "host-bridge/features/forwards/forwards_private.h"
#include "protocol/base/status.h"
#include "services/config/reason.h"

struct group_view {
    uint32_t group;
    bool listening;            /* any listener is known */
    bool blocked;              /* one of them is, or the port by its number */
    bool ruled_out;            /* none is known, and a rule forbids forwarding the port */
    struct dial_target wish;   /* listeners that may be forwarded */
    struct dial_target other;  /* all that are not blocked */
    struct dial_target barred; /* the blocked ones */
};

static void decide(struct forwards *forwards, const struct port_fact *fact, uint64_t age_ms,
                   struct policy_decision *ret)
{
    struct policy_context context = {
        .ephemeral_low = forwards->ephemeral_low,
        .ephemeral_high = forwards->ephemeral_high,
        .guest_rules = &forwards->rules,
        .config_rules = forwards->config_rules,
    };
    policy_decide(&context, fact, age_ms, ret);
}

static void refresh_decision(struct forwards *forwards, struct port_entry *entry)
{
    if (!entry->undecided)
        return;
    struct known_port *port = &entry->port;
    enum policy_action before = port->decision.action;
    decide(forwards, &port->fact, forwards_now(forwards) - port->first_seen_ms, &port->decision);
    entry->undecided = false;
    if (port->decision.again_at_age_ms != 0)
        forwards_due(forwards, port->first_seen_ms + port->decision.again_at_age_ms);
    if (port->decision.action != before && entry->news == PORT_NEWS_NONE)
        entry->news = PORT_NEWS_CHANGED;
}

/* Nothing listens: rules that name the port alone still speak. */
static void view_by_number(struct forwards *forwards, struct group_view *view)
{
    struct port_fact fact = {
        .key = {.protocol = port_group_protocol(view->group), .port = port_group_port(view->group)},
    };
    struct policy_decision decision;
    fact.key.address = (struct ip_address){.family = 4, .bytes = {127, 0, 0, 1}};
    decide(forwards, &fact, UINT64_MAX, &decision);
    view->ruled_out = decision.origin != POLICY_BY_DEFAULT && decision.action != POLICY_FORWARD;
    view->blocked = decision.action == POLICY_BLOCK;
}

static void view_group(struct forwards *forwards, uint32_t group, struct group_view *ret)
{
    const struct forward_entry *entry = forward_table_find_auto(forwards, group);
    bool established = entry != NULL && entry->forward.state != FORWARD_BLOCKED;
    uint8_t protocol = port_group_protocol(group);
    uint16_t port = port_group_port(group);
    *ret = (struct group_view){.group = group};
    forward_target_init(&ret->barred, protocol, port);
    forward_target_init(&ret->wish, protocol, port);
    forward_target_init(&ret->other, protocol, port);
    size_t end = port_book_lower_bound(&forwards->known, group + 1);
    for (size_t i = port_book_lower_bound(&forwards->known, group); i < end; i++) {
        struct port_entry *known = forwards->known.entries[i];
        const struct port_fact *fact = &known->port.fact;
        refresh_decision(forwards, known);
        enum policy_action action = known->port.decision.action;
        ret->listening = true;
        if (action == POLICY_BLOCK) {
            ret->blocked = true;
            forward_target_add(&ret->barred, fact);
            continue;
        }
        forward_target_add(&ret->other, fact);
        if (action == POLICY_FORWARD || (established && known->port.decision.again_at_age_ms != 0))
            forward_target_add(&ret->wish, fact);
    }
    forward_target_subtract(&ret->wish, &ret->barred);
    forward_target_subtract(&ret->other, &ret->barred);
    if (!ret->listening)
        view_by_number(forwards, ret);
}

/* Not listening, for a reason that the user reads. Connections go with it. */
static void shut(struct forward_entry *entry, enum forward_state state, const char *reason)
{
    struct forward *forward = &entry->forward;
    forward_forget_open(entry);
    forward_stop(entry);
    flow_set_abort_all(&forward->flows, STATUS_NOT_ALLOWED);
    forward->state = state;
    forward->host_port = 0;
    reason_format(forward->reason, "%s", reason);
    forward_tell(entry);
}

static void block(struct forward_entry *entry)
{
    entry->grace_until_ms = 0;
    entry->parked = false;
    if (entry->forward.state != FORWARD_BLOCKED)
        shut(entry, FORWARD_BLOCKED, "blocked by a rule");
}

/* Back from blocked or parked, or new: queue it. FAILED ones wait for their retry. */
static void unshut(struct forward_entry *entry)
{
    if (forward_is_serving(entry) || entry->opening)
        return;
    if (entry->forward.state == FORWARD_FAILED && entry->announced && !entry->parked)
        return;
    entry->parked = false;
    entry->forward.state = FORWARD_FAILED;
    entry->forward.reason[0] = '\0';
    forward_want_open(entry);
}

static void set_facts(struct forward_entry *entry, const struct dial_target *target, bool listening)
{
    struct forward *forward = &entry->forward;
    bool same = forward->guest_listening == listening && forward_target_equals(&forward->target, target);
    forward->target = *target;
    forward->guest_listening = listening;
    if (!same && entry->announced && forward->state == FORWARD_ACTIVE)
        forward_tell(entry);
}

static void evaluate_static(struct forward_entry *entry, const struct group_view *view)
{
    struct dial_target target = view->other;
    if (target.address_count == 0)
        forward_target_set_loopbacks(&target);
    if (!entry->enabled)
        return;
    if (view->blocked && view->other.address_count == 0) {
        block(entry);
    } else if (entry->owner->suspended) {
        if (!entry->parked)
            shut(entry, FORWARD_FAILED, "the guest is not connected");
        entry->parked = true;
    } else {
        unshut(entry);
    }
    set_facts(entry, &target, view->listening);
}

static struct forward_entry *add_auto(struct forwards *forwards, uint32_t group)
{
    struct forward_entry *entry = forward_table_add(forwards, FORWARD_AUTO, group, 0);
    if (entry == NULL) {
        forwards->starved = true;
        return NULL;
    }
    struct forward *forward = &entry->forward;
    forward->bind = (struct ip_address){.family = 4, .bytes = {127, 0, 0, 1}};
    forward->bind_both_loopbacks = true;
    forward->allow_fallback = true;
    entry->wanted_port = forward->requested_host_port = forward->guest_port;
    return entry;
}

/* The guest's port is gone. */
static void begin_grace(struct forward_entry *entry)
{
    struct forwards *forwards = entry->owner;
    if (entry->forward.state != FORWARD_ACTIVE) {
        forward_table_retire(entry, true);
        return;
    }
    if (entry->grace_until_ms != 0)
        return;
    entry->grace_until_ms = forwards_now(forwards) + forwards->timing.grace_ms;
    forwards_due(forwards, entry->grace_until_ms);
    set_facts(entry, &entry->forward.target, false);
}

static void evaluate_auto(struct forwards *forwards, const struct group_view *view, bool replaced)
{
    struct forward_entry *entry = forward_table_find_auto(forwards, view->group);
    if (replaced || forwards->suspended) {
        if (entry != NULL)
            forward_table_retire(entry, false);
        return;
    }
    bool wanted = view->wish.address_count > 0;
    if (entry == NULL && (wanted || (view->listening && view->blocked)))
        entry = add_auto(forwards, view->group);
    if (entry == NULL)
        return;
    if (wanted) {
        entry->grace_until_ms = 0;
        set_facts(entry, &view->wish, true);
        unshut(entry);
    } else if (view->listening && view->blocked) {
        entry->forward.target = view->barred; /* for display */
        entry->forward.guest_listening = true;
        block(entry);
    } else if (view->listening || view->ruled_out) {
        forward_table_retire(entry, true);
    } else {
        begin_grace(entry);
    }
}

static void link_ports(struct forwards *forwards, uint32_t group, const struct forward_entry *fixed)
{
    const struct forward_entry *automatic = forward_table_find_auto(forwards, group);
    bool blocked = automatic != NULL && automatic->forward.state == FORWARD_BLOCKED;
    size_t end = port_book_lower_bound(&forwards->known, group + 1);
    for (size_t i = port_book_lower_bound(&forwards->known, group); i < end; i++) {
        struct port_entry *known = forwards->known.entries[i];
        const struct policy_decision *decision = &known->port.decision;
        bool mine = blocked ? decision->action == POLICY_BLOCK
                            : decision->action == POLICY_FORWARD || decision->again_at_age_ms != 0;
        const struct forward *forward = NULL;
        if (fixed != NULL)
            forward = &fixed->forward;
        else if (automatic != NULL && mine)
            forward = &automatic->forward;
        if (known->port.forward != forward && known->news == PORT_NEWS_NONE)
            known->news = PORT_NEWS_CHANGED;
        known->port.forward = forward;
    }
}

void forwards_evaluate(struct forwards *forwards, uint32_t group)
{
    struct group_view view;
    struct forward_entry *fixed = NULL;
    view_group(forwards, group, &view);
    size_t end = forward_table_lower_bound(forwards, group + 1);
    for (size_t i = forward_table_lower_bound(forwards, group); i < end; i++) {
        struct forward_entry *entry = forwards->entries[i];
        if (entry->forward.kind != FORWARD_STATIC)
            continue;
        if (fixed == NULL && entry->enabled)
            fixed = entry;
        evaluate_static(entry, &view);
    }
    evaluate_auto(forwards, &view, fixed != NULL);
    link_ports(forwards, group, fixed);
}

/* The lowest group >= `from` that has a port or a forward. */
static bool next_group(const struct forwards *forwards, uint32_t from, uint32_t *ret)
{
    size_t port = port_book_lower_bound(&forwards->known, from);
    size_t entry = forward_table_lower_bound(forwards, from);
    uint32_t group = UINT32_MAX;
    if (port < forwards->known.count) {
        const struct port_key *key = &forwards->known.entries[port]->port.fact.key;
        group = port_group(key->port, key->protocol);
    }
    if (entry < forwards->count && forward_group(forwards->entries[entry]) < group)
        group = forward_group(forwards->entries[entry]);
    *ret = group;
    return group != UINT32_MAX;
}

void forwards_evaluate_all(struct forwards *forwards)
{
    uint32_t group;
    for (uint32_t from = 0; next_group(forwards, from, &group); from = group + 1)
        forwards_evaluate(forwards, group);
}

bool forwards_group_is_blocked(struct forwards *forwards, uint32_t group)
{
    struct group_view view;
    view_group(forwards, group, &view);
    return view.blocked && view.other.address_count == 0;
}

void forwards_tell_ports(struct forwards *forwards, uint32_t first_group, uint32_t last_group)
{
    for (size_t i = port_book_lower_bound(&forwards->known, first_group); i < forwards->known.count; i++) {
        struct port_entry *known = forwards->known.entries[i];
        const struct port_key *key = &known->port.fact.key;
        if (port_group(key->port, key->protocol) > last_group)
            return;
        if (known->news == PORT_NEWS_NONE)
            continue;
        const char *what = known->news == PORT_NEWS_OPENED ? "opened" : "changed";
        known->news = PORT_NEWS_NONE;
        forwards->io.on_port(forwards->io.ctx, &known->port, what);
    }
}

void forwards_settle(struct forwards *forwards)
{
    forwards_check_link(forwards);
    forwards_evaluate_all(forwards);
    forwards_open_pending(forwards);
    forwards_tell_ports(forwards, 0, FORWARDS_LAST_GROUP);
    if (!forwards->link_up && !forwards->suspended && forwards->count > 0)
        forwards_due(forwards, forwards->suspend_at_ms);
}

void forwards_redecide(struct forwards *forwards)
{
    for (size_t i = 0; i < forwards->known.count; i++)
        forwards->known.entries[i]->undecided = true;
    forwards_settle(forwards);
}
