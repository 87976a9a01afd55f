/* SPDX-License-Identifier: MIT */
/* Gives forwards their host sockets. The queue is worked off in slices: a guest that opens thousands of ports
 * which are all taken must not hold up the others. What should be open is decided elsewhere. */
#include "host-bridge/features/forwards/forwards_private.h"
#include "host-bridge/features/forwards/port_choice.h"
#include "services/config/reason.h"

#include <string.h>

void forward_want_open(struct forward_entry *entry)
{
    if (entry->opening)
        return;
    entry->opening = true;
    entry->owner->opening_count++;
}

void forward_forget_open(struct forward_entry *entry)
{
    if (!entry->opening)
        return;
    entry->opening = false;
    entry->owner->opening_count--;
}

static struct port_wish make_wish(const struct forward_entry *entry)
{
    const struct forward *forward = &entry->forward;
    struct port_wish wish = {.wanted = entry->wanted_port, .allow_fallback = forward->allow_fallback};
    host_bind_init(&wish.bind, forward->protocol);
    if (!forward->bind_both_loopbacks) {
        wish.bind.address_count = 1;
        wish.bind.addresses[0] = forward->bind;
    }
    if (forward->kind == FORWARD_AUTO)
        wish.remembered = remembered_ports_find(&entry->owner->remembered, forward_group(entry));
    return wish;
}

/* Only numbers that differ need remembering: the guest's own is tried in any case. */
static void remember(struct forward_entry *entry)
{
    struct forwards *forwards = entry->owner;
    uint32_t group = forward_group(entry);
    if (entry->forward.kind != FORWARD_AUTO)
        return;
    bool changed = entry->forward.host_port == entry->forward.guest_port
                       ? remembered_ports_drop(&forwards->remembered, group)
                       : remembered_ports_put(&forwards->remembered, group, entry->forward.host_port);
    if (changed)
        forwards->io.on_dirty(forwards->io.ctx);
}

static void explain_success(struct forward_entry *entry, const struct port_choice *choice)
{
    struct forward *forward = &entry->forward;
    if (choice->refused_status != 0)
        forward_explain(entry, choice->refused_port, choice->refused_status, true, forward->reason);
    else if (forward->host_port != entry->wanted_port)
        reason_format(forward->reason, "the same host port as before");
    else
        forward->reason[0] = '\0';
}

static void fail(struct forward_entry *entry, uint16_t port, int status)
{
    struct forwards *forwards = entry->owner;
    struct forward *forward = &entry->forward;
    char before[sizeof(forward->reason)];
    bool failed_before = entry->announced && forward->state == FORWARD_FAILED;
    memcpy(before, forward->reason, sizeof(before));
    forward_explain(entry, port, status, false, forward->reason);
    forward->state = FORWARD_FAILED;
    forward->host_port = 0;
    if (forwards->retry_at_ms == 0) {
        forwards->retry_at_ms = forwards_now(forwards) + forwards->timing.retry_ms;
        forwards_due(forwards, forwards->retry_at_ms);
    }
    if (!failed_before || strcmp(before, forward->reason) != 0)
        forward_tell(entry);
}

/* How many ports were tried; *ret_status says how it went. */
static unsigned open_entry(struct forward_entry *entry, int *ret_status)
{
    struct forward *forward = &entry->forward;
    struct port_wish wish = make_wish(entry);
    struct port_choice choice;
    forward_forget_open(entry);
    forward->requested_host_port = wish.remembered != 0 ? wish.remembered : wish.wanted;
    *ret_status = port_choice_open(&wish, &choice);
    uint16_t port = *ret_status == 0 ? choice.sockets.port : choice.refused_port;
    if (*ret_status == 0)
        *ret_status = forward_serve(entry, &choice.sockets);
    if (*ret_status < 0) {
        fail(entry, port, *ret_status);
        return choice.tries;
    }
    forward->host_port = port;
    explain_success(entry, &choice);
    forward->state = FORWARD_ACTIVE;
    remember(entry);
    forward_tell(entry);
    return choice.tries;
}

void forward_open_now(struct forward_entry *entry)
{
    int status;
    open_entry(entry, &status);
}

void forwards_open_pending(struct forwards *forwards)
{
    unsigned tries = 0;
    bool exhausted = false;
    for (size_t i = 0; i < forwards->count && forwards->opening_count > 0; i++) {
        struct forward_entry *entry = forwards->entries[i];
        int status = UV_EMFILE;
        if (!entry->opening)
            continue;
        if (tries >= FORWARDS_TRIES_A_SLICE) {
            forwards_due_now(forwards);
            return;
        }
        if (exhausted) { /* the others will not find a descriptor either */
            forward_forget_open(entry);
            fail(entry, entry->wanted_port, status);
            continue;
        }
        tries += open_entry(entry, &status);
        exhausted = status == UV_EMFILE || status == UV_ENFILE;
    }
}

void forwards_retry_due(struct forwards *forwards)
{
    forwards->retry_at_ms = 0;
    for (size_t i = 0; i < forwards->count; i++) {
        struct forward_entry *entry = forwards->entries[i];
        if (entry->forward.state == FORWARD_FAILED && entry->enabled && !entry->parked)
            forward_want_open(entry);
    }
}

void forwards_retry_failed(struct forwards *forwards)
{
    if (forwards->retry_at_ms == 0 || forwards->closing)
        return;
    forwards->retry_at_ms = forwards_now(forwards);
    forwards_due_now(forwards);
}
