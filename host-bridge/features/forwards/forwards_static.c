/* SPDX-License-Identifier: MIT */
/* Static forwards: adding, finding, removing. What becomes of one later is forwards_evaluate.c. */
#include "host-bridge/features/forwards/forwards_private.h"
#include "protocol/base/status.h"
#include "services/config/reason.h"

/* Addresses that a listener can be bound to; whether this host has it is for bind(2) to say. */
static bool may_bind(const struct ip_address *address)
{
    if (address->family == 4)
        return address->bytes[0] < 224; /* no multicast, nothing reserved, no broadcast */
    return address->bytes[0] != 0xff && !ip_address_is_link_local(address); /* link-local needs a scope */
}

int forward_request_check(const struct forward_request *request, char ret_problem[static TEXT_REASON_MAX + 1])
{
    const struct ip_address *bind = &request->bind;
    if (request->protocol != PORT_TCP && request->protocol != PORT_UDP)
        reason_format(ret_problem, "the protocol must be tcp or udp");
    else if (request->guest_port == 0)
        reason_format(ret_problem, "the guest port must be from 1 to 65535");
    else if (bind->family != 0 && bind->family != 4 && bind->family != 6)
        reason_format(ret_problem, "the bind address must be an IPv4 or IPv6 address");
    else if (bind->family != 0 && !may_bind(bind))
        reason_format(ret_problem, "nothing can listen on this bind address");
    else
        return 0;
    return STATUS_INVALID;
}

static uint16_t wanted_port(const struct forward_request *request)
{
    return request->host_port != 0 ? request->host_port : request->guest_port;
}

static bool same_bind(const struct forward *forward, const struct forward_request *request)
{
    if (request->bind.family == 0)
        return forward->bind_both_loopbacks;
    return !forward->bind_both_loopbacks && ip_address_equals(&forward->bind, &request->bind);
}

struct forward_entry *forwards_static_find(const struct forwards *forwards,
                                           const struct forward_request *request)
{
    uint32_t group = port_group(request->guest_port, request->protocol);
    for (size_t i = forward_table_lower_bound(forwards, group); i < forwards->count; i++) {
        struct forward_entry *entry = forwards->entries[i];
        if (forward_group(entry) != group)
            return NULL;
        if (entry->forward.kind == FORWARD_STATIC && entry->wanted_port == wanted_port(request) &&
            same_bind(&entry->forward, request))
            return entry;
    }
    return NULL;
}

static void fill(struct forward_entry *entry, const struct forward_request *request)
{
    struct forward *forward = &entry->forward;
    forward->bind_both_loopbacks = request->bind.family == 0;
    forward->bind = request->bind;
    if (forward->bind_both_loopbacks)
        forward->bind = (struct ip_address){.family = 4, .bytes = {127, 0, 0, 1}};
    forward->allow_fallback = request->allow_fallback;
    entry->wanted_port = forward->requested_host_port = wanted_port(request);
    entry->enabled = request->enabled;
    forward->target = (struct dial_target){
        .protocol = request->protocol,
        .port = request->guest_port,
        .address_count = 2,
        .addresses = {{.family = 4, .bytes = {127, 0, 0, 1}}, {.family = 6, .bytes = {[15] = 1}}},
    };
    if (!request->enabled) {
        forward->state = FORWARD_DISABLED;
        reason_format(forward->reason, "switched off");
    }
}

int forwards_static_insert(struct forwards *forwards, const struct forward_request *request, uint32_t number,
                           struct forward_entry **ret, char ret_problem[static TEXT_REASON_MAX + 1])
{
    const struct forward_entry *same = forwards_static_find(forwards, request);
    if (same != NULL) {
        reason_format(ret_problem, "the same forward exists already: %s", same->forward.id);
        return STATUS_CONFLICT;
    }
    if (number == 0)
        number = forwards->next_static;
    struct forward_entry *entry = NULL;
    if (forwards->static_count < FORWARDS_STATIC_MAX && number <= FORWARD_NUMBER_MAX)
        entry = forward_table_add(forwards, FORWARD_STATIC,
                                  port_group(request->guest_port, request->protocol), number);
    if (entry == NULL) {
        reason_format(ret_problem, "this guest has %zu forwards, and room for no more", forwards->count);
        return STATUS_LIMIT;
    }
    if (number >= forwards->next_static)
        forwards->next_static = number + 1;
    fill(entry, request);
    *ret = entry;
    return 0;
}

int forwards_add(struct forwards *forwards, const struct forward_request *request, const struct forward **ret,
                 char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct forward_entry *entry;
    uint32_t group = port_group(request->guest_port, request->protocol);
    int status = forward_request_check(request, ret_problem);
    if (status == 0)
        status = forwards_static_insert(forwards, request, 0, &entry, ret_problem);
    if (status < 0)
        return status;
    forwards_check_link(forwards);
    forwards_evaluate(forwards, group);
    if (entry->opening)
        forward_open_now(entry);
    if (!entry->announced)
        forward_tell(entry); /* switched off */
    forwards_open_pending(forwards);
    forwards_tell_ports(forwards, group, group);
    if (!forwards->link_up && !forwards->suspended)
        forwards_due(forwards, forwards->suspend_at_ms);
    forwards->io.on_dirty(forwards->io.ctx);
    *ret = &entry->forward;
    return 0;
}

/* The rule keeps the automatic forward away. */
static int end_automatic(struct forwards *forwards, const struct forward *forward)
{
    struct policy_rule rule = {
        .port_low = forward->guest_port,
        .port_high = forward->guest_port,
        .protocol = forward->protocol,
        .uid = -1,
        .action = POLICY_IGNORE,
    };
    return forwards_put_rule(forwards, &rule);
}

int forwards_remove(struct forwards *forwards, const char *id)
{
    const struct forward *forward = forwards_find(forwards, id);
    if (forward == NULL)
        return STATUS_NOT_FOUND;
    if (forward->kind == FORWARD_AUTO)
        return end_automatic(forwards, forward);
    uint32_t group = port_group(forward->guest_port, forward->protocol);
    forward_table_retire((struct forward_entry *)forward, true);
    forwards_evaluate(forwards, group);
    forwards_open_pending(forwards);
    forwards_tell_ports(forwards, group, group);
    forwards->io.on_dirty(forwards->io.ctx);
    return 0;
}
