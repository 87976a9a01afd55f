/* SPDX-License-Identifier: MIT */
/* The owner: its life, what the guest's feed and the link say, and the look-ups of the API. Decisions are
 * policy.c and forwards_evaluate.c; static forwards, rules and saved state have their own files. */
#include "host-bridge/features/forwards/forwards_private.h"
#include "protocol/base/clock.h"
#include "protocol/base/status.h"

#include <stdlib.h>
#include <string.h>

int forwards_create(uv_loop_t *loop, const struct policy_set *config_rules, const struct forwards_io *io,
                    struct forwards **ret)
{
    struct forwards *forwards = calloc(1, sizeof(*forwards));
    if (forwards == NULL)
        return UV_ENOMEM;
    int status = uv_timer_init(loop, &forwards->timer);
    if (status < 0) {
        free(forwards);
        return status;
    }
    forwards->timer.data = forwards;
    forwards->pending = 1;
    forwards->loop = loop;
    forwards->config_rules = config_rules;
    forwards->io = *io;
    forwards->timing = (struct forwards_timing){
        .grace_ms = FORWARD_GRACE_MS,
        .link_grace_ms = FORWARD_LINK_GRACE_MS,
        .retry_ms = FORWARD_RETRY_MS,
        .now_ms = clock_monotonic_ms,
    };
    forwards->suspend_at_ms = forwards_now(forwards) + FORWARD_LINK_GRACE_MS;
    forwards->next_static = 1;
    fd_reserve_init(&forwards->reserve);
    *ret = forwards;
    return 0;
}

void forwards_release(struct forwards *forwards)
{
    if (--forwards->pending > 0)
        return;
    void (*on_closed)(void *ctx) = forwards->on_closed;
    void *ctx = forwards->closed_ctx;
    free(forwards->entries);
    policy_set_finish(&forwards->rules);
    port_book_finish(&forwards->known);
    port_book_finish(&forwards->staged);
    remembered_ports_finish(&forwards->remembered);
    fd_reserve_finish(&forwards->reserve);
    free(forwards);
    if (on_closed != NULL)
        on_closed(ctx);
}

static void handle_timer_closed(uv_handle_t *handle)
{
    forwards_release(handle->data);
}

static void abort_ending(struct forwards *forwards, int status)
{
    for (struct forward_entry *entry = forwards->ending, *next; entry != NULL; entry = next) {
        next = entry->next;
        flow_set_abort_all(&entry->forward.flows, status);
    }
}

void forwards_close(struct forwards *forwards, void (*on_closed)(void *ctx), void *ctx)
{
    forwards->closing = true;
    forwards->on_closed = on_closed;
    forwards->closed_ctx = ctx;
    abort_ending(forwards, STATUS_GONE);
    while (forwards->count > 0)
        forward_table_retire(forwards->entries[forwards->count - 1], true);
    uv_close((uv_handle_t *)&forwards->timer, handle_timer_closed);
}

/* The decoder has checked all this; a wrong key would break the tables' order. */
static bool key_is_valid(const struct port_key *key)
{
    return key->port != 0 && (key->protocol == PORT_TCP || key->protocol == PORT_UDP) &&
           (key->address.family == 4 || key->address.family == 6);
}

static void put_all(struct forwards *forwards, struct port_book *book, const struct ports_message *message)
{
    uint64_t now = forwards_now(forwards);
    for (size_t i = 0; i < message->opened_count; i++) {
        const struct port_fact *fact = &message->opened[i];
        if (!key_is_valid(&fact->key) || port_book_put(book, fact, now) < 0)
            forwards->dropped++;
    }
}

static void close_port(struct forwards *forwards, const struct port_key *key)
{
    struct port_entry *entry = key_is_valid(key) ? port_book_find(&forwards->known, key) : NULL;
    if (entry == NULL)
        return;
    forwards->io.on_port(forwards->io.ctx, &entry->port, "closed");
    port_book_remove(&forwards->known, key);
}

static void finish_snapshot(struct forwards *forwards)
{
    struct port_book old = forwards->known;
    forwards->staging = false;
    port_book_inherit(&forwards->staged, &old);
    forwards->known = forwards->staged;
    forwards->staged = (struct port_book){0};
    for (size_t i = 0; i < old.count; i++) {
        if (port_book_find(&forwards->known, &old.entries[i]->port.fact.key) == NULL)
            forwards->io.on_port(forwards->io.ctx, &old.entries[i]->port, "closed");
    }
    port_book_finish(&old);
    forwards->suspended = false;
    forwards_settle(forwards);
}

static void apply_snapshot_part(struct forwards *forwards, const struct ports_message *message)
{
    if (!forwards->staging || forwards->staged_sequence != message->sequence) {
        port_book_finish(&forwards->staged);
        forwards->staging = true;
        forwards->staged_sequence = message->sequence;
    }
    put_all(forwards, &forwards->staged, message);
    if (!message->more)
        finish_snapshot(forwards);
}

static int compare_groups(const void *a, const void *b)
{
    uint32_t group_a = *(const uint32_t *)a, group_b = *(const uint32_t *)b;
    return group_a < group_b ? -1 : group_a > group_b;
}

/* Evaluates each group of the message once. */
static void settle_touched(struct forwards *forwards, const struct ports_message *message)
{
    size_t count = 0;
    uint32_t *groups = calloc(message->opened_count + message->closed_count + 1, sizeof(*groups));
    if (groups == NULL) {
        forwards_settle(forwards);
        return;
    }
    for (size_t i = 0; i < message->opened_count; i++)
        groups[count++] = port_group(message->opened[i].key.port, message->opened[i].key.protocol);
    for (size_t i = 0; i < message->closed_count; i++)
        groups[count++] = port_group(message->closed[i].port, message->closed[i].protocol);
    qsort(groups, count, sizeof(*groups), compare_groups);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || groups[i] != groups[i - 1])
            forwards_evaluate(forwards, groups[i]);
    }
    forwards_open_pending(forwards);
    for (size_t i = 0; i < count; i++)
        forwards_tell_ports(forwards, groups[i], groups[i]);
    free(groups);
}

static void apply_delta(struct forwards *forwards, const struct ports_message *message)
{
    if (forwards->staging) { /* it speaks of what the snapshot will say */
        for (size_t i = 0; i < message->closed_count; i++)
            port_book_remove(&forwards->staged, &message->closed[i]);
        put_all(forwards, &forwards->staged, message);
        return;
    }
    for (size_t i = 0; i < message->closed_count; i++)
        close_port(forwards, &message->closed[i]);
    put_all(forwards, &forwards->known, message);
    settle_touched(forwards, message);
}

/* True when every decision has to be made again. */
static bool set_ephemeral_range(struct forwards *forwards, uint16_t low, uint16_t high)
{
    if (low == 0 || (low == forwards->ephemeral_low && high == forwards->ephemeral_high))
        return false;
    forwards->ephemeral_low = low;
    forwards->ephemeral_high = high;
    for (size_t i = 0; i < forwards->known.count; i++)
        forwards->known.entries[i]->undecided = true;
    return forwards->known.count > 0;
}

void forwards_apply(struct forwards *forwards, const struct ports_message *message)
{
    if (forwards->closing)
        return;
    bool redecide = set_ephemeral_range(forwards, message->ephemeral_low, message->ephemeral_high);
    if (message->snapshot) {
        forwards->link_up = true;
        apply_snapshot_part(forwards, message);
    } else {
        forwards_link_restored(forwards);
        apply_delta(forwards, message);
    }
    if (redecide)
        forwards_settle(forwards);
}

void forwards_link_lost(struct forwards *forwards)
{
    if (!forwards->link_up || forwards->closing)
        return;
    forwards->link_up = false;
    forwards->staging = false;
    port_book_finish(&forwards->staged);
    forwards->suspend_at_ms = forwards_now(forwards) + forwards->timing.link_grace_ms;
    for (size_t i = 0; i < forwards->count; i++)
        flow_set_abort_all(&forwards->entries[i]->forward.flows, STATUS_NOT_CONNECTED);
    abort_ending(forwards, STATUS_NOT_CONNECTED);
    if (forwards->count > 0)
        forwards_due(forwards, forwards->suspend_at_ms);
}

void forwards_link_restored(struct forwards *forwards)
{
    forwards->link_up = true;
    if (!forwards->suspended || forwards->closing)
        return;
    forwards->suspended = false;
    forwards_settle(forwards);
}

uint64_t forwards_dropped(const struct forwards *forwards)
{
    return forwards->dropped;
}

size_t forwards_port_count(const struct forwards *forwards)
{
    return forwards->known.count;
}

const struct known_port *forwards_port(const struct forwards *forwards, size_t index)
{
    return &forwards->known.entries[index]->port;
}

size_t forwards_count(const struct forwards *forwards)
{
    return forwards->count;
}

const struct forward *forwards_at(const struct forwards *forwards, size_t index)
{
    return &forwards->entries[index]->forward;
}

const struct forward *forwards_find(const struct forwards *forwards, const char *id)
{
    for (size_t i = 0; i < forwards->count; i++) {
        if (strcmp(forwards->entries[i]->forward.id, id) == 0)
            return &forwards->entries[i]->forward;
    }
    return NULL;
}

const struct forward *forwards_find_host_port(const struct forwards *forwards, uint8_t protocol,
                                              uint16_t host_port)
{
    const struct forward *asking = NULL;
    for (size_t i = 0; host_port != 0 && i < forwards->count; i++) {
        const struct forward *forward = &forwards->entries[i]->forward;
        if (protocol != 0 && protocol != forward->protocol)
            continue;
        if (forward->host_port == host_port)
            return forward;
        if (asking == NULL && forward->host_port == 0 && forward->requested_host_port == host_port)
            asking = forward;
    }
    return asking;
}
