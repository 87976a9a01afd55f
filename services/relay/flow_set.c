/* SPDX-License-Identifier: MIT */
/* Membership and counting; ending flows is their own business (flow_member.abort). */
#include "services/relay/flow_set.h"

#include <assert.h>

void flow_set_init(struct flow_set *set)
{
    *set = (struct flow_set){0};
}

void flow_set_add(struct flow_set *set, struct flow_member *member)
{
    assert(member->set == NULL && !set->closing);
    member->set = set;
    member->previous = NULL;
    member->next = set->first;
    if (set->first != NULL)
        set->first->previous = member;
    set->first = member;
    set->active++;
    set->total++;
}

static void report_empty(struct flow_set *set)
{
    void (*on_empty)(void *ctx) = set->on_empty;
    set->on_empty = NULL;
    if (on_empty != NULL)
        on_empty(set->ctx);
}

void flow_set_remove(struct flow_member *member)
{
    struct flow_set *set = member->set;
    if (set == NULL)
        return;
    if (member->previous != NULL)
        member->previous->next = member->next;
    else
        set->first = member->next;
    if (member->next != NULL)
        member->next->previous = member->previous;
    member->set = NULL;
    member->previous = member->next = NULL;
    set->active--;
    if (set->closing && set->first == NULL)
        report_empty(set);
}

void flow_set_abort_all(struct flow_set *set, int status)
{
    for (struct flow_member *member = set->first, *next; member != NULL; member = next) {
        next = member->next; /* abort() takes at most this member out */
        member->abort(member, status);
    }
}

void flow_set_close(struct flow_set *set, int status, void (*on_empty)(void *ctx), void *ctx)
{
    assert(!set->closing);
    set->closing = true;
    set->on_empty = on_empty;
    set->ctx = ctx;
    if (set->first == NULL)
        report_empty(set);
    else
        flow_set_abort_all(set, status);
}

void flow_set_drain(struct flow_set *set, void (*on_empty)(void *ctx), void *ctx)
{
    assert(!set->closing);
    set->closing = true;
    set->on_empty = on_empty;
    set->ctx = ctx;
    if (set->first == NULL)
        report_empty(set);
}
