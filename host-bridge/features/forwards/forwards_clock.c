/* SPDX-License-Identifier: MIT */
/* What time brings: graces that end, ports that come of age, retries, the link's grace. One one-shot timer is
 * set for the earliest of them; an idle guest has none running. */
#include "host-bridge/features/forwards/forwards_private.h"

#define TICK_SPACING_MS 10 /* a storm of deadlines costs at most a hundred ticks a second */

uint64_t forwards_now(const struct forwards *forwards)
{
    return forwards->timing.now_ms();
}

void forwards_due(struct forwards *forwards, uint64_t at_ms)
{
    if (forwards->closing)
        return;
    if (at_ms < forwards->last_tick_ms + TICK_SPACING_MS)
        at_ms = forwards->last_tick_ms + TICK_SPACING_MS;
    if (forwards->due_ms != 0 && forwards->due_ms <= at_ms)
        return;
    uint64_t now = forwards_now(forwards);
    forwards->due_ms = at_ms;
    uv_timer_start(&forwards->timer, forwards_timer_fired, at_ms > now ? at_ms - now : 0, 0);
}

void forwards_due_now(struct forwards *forwards)
{
    forwards_due(forwards, forwards_now(forwards));
}

void forwards_check_link(struct forwards *forwards)
{
    if (!forwards->link_up && !forwards->suspended && forwards_now(forwards) >= forwards->suspend_at_ms) {
        forwards->suspended = true;
        forwards_evaluate_all(forwards);
    }
}

static void end_graces(struct forwards *forwards, uint64_t now)
{
    for (size_t i = 0; i < forwards->count;) {
        struct forward_entry *entry = forwards->entries[i];
        if (entry->grace_until_ms != 0 && entry->grace_until_ms <= now)
            forward_table_retire(entry, false);
        else
            i++;
    }
}

static uint64_t of_age_ms(const struct port_entry *entry)
{
    const struct known_port *port = &entry->port;
    return entry->undecided || port->decision.again_at_age_ms == 0
               ? UINT64_MAX
               : port->first_seen_ms + port->decision.again_at_age_ms;
}

static void admit_aged(struct forwards *forwards, uint64_t now)
{
    bool dirty = false;
    for (size_t i = 0; i < forwards->known.count; i++) {
        struct port_entry *entry = forwards->known.entries[i];
        const struct port_key *key = &entry->port.fact.key;
        uint32_t group = port_group(key->port, key->protocol);
        if (of_age_ms(entry) <= now)
            dirty = entry->undecided = true;
        const struct port_key *next =
            i + 1 < forwards->known.count ? &forwards->known.entries[i + 1]->port.fact.key : NULL;
        if (dirty && (next == NULL || port_group(next->port, next->protocol) != group)) {
            forwards_evaluate(forwards, group);
            dirty = false;
        }
    }
}

static void resume_listeners(struct forwards *forwards)
{
    forwards->resume_at_ms = 0;
    for (size_t i = 0; i < forwards->count; i++) {
        if (forwards->entries[i]->listener != NULL)
            host_listener_resume(forwards->entries[i]->listener);
    }
}

static void due_if_set(struct forwards *forwards, uint64_t at_ms)
{
    if (at_ms != 0 && at_ms != UINT64_MAX)
        forwards_due(forwards, at_ms);
}

static void schedule_next(struct forwards *forwards)
{
    due_if_set(forwards, forwards->retry_at_ms);
    due_if_set(forwards, forwards->resume_at_ms);
    if (!forwards->link_up && !forwards->suspended && forwards->count > 0)
        forwards_due(forwards, forwards->suspend_at_ms);
    for (size_t i = 0; i < forwards->count; i++)
        due_if_set(forwards, forwards->entries[i]->grace_until_ms);
    for (size_t i = 0; i < forwards->known.count; i++)
        due_if_set(forwards, of_age_ms(forwards->known.entries[i]));
}

void forwards_tick(struct forwards *forwards)
{
    uint64_t now = forwards_now(forwards);
    forwards->due_ms = 0;
    forwards->last_tick_ms = now;
    forwards_check_link(forwards);
    end_graces(forwards, now);
    admit_aged(forwards, now);
    if (forwards->starved) {
        forwards->starved = false;
        forwards_evaluate_all(forwards);
    }
    if (forwards->retry_at_ms != 0 && forwards->retry_at_ms <= now)
        forwards_retry_due(forwards);
    if (forwards->resume_at_ms != 0 && forwards->resume_at_ms <= now)
        resume_listeners(forwards);
    forwards_open_pending(forwards);
    forwards_tell_ports(forwards, 0, FORWARDS_LAST_GROUP);
    schedule_next(forwards);
}

void forwards_timer_fired(uv_timer_t *timer)
{
    forwards_tick(timer->data);
}
