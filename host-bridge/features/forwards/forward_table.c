/* SPDX-License-Identifier: MIT */
/* The table of forwards and the life of an entry. When one begins and ends is forwards_evaluate.c and
 * forwards_static.c.
 *
 * An entry leaves the table at once when it is retired, so that its id and port are free for a successor; its
 * memory stays on the `ending` list until the last of its connections is gone. */
#include "host-bridge/features/forwards/forwards_private.h"

#include "protocol/base/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t forward_group(const struct forward_entry *entry)
{
    return port_group(entry->forward.guest_port, entry->forward.protocol);
}

static int compare(const struct forward_entry *entry, uint32_t group, int kind, uint32_t number)
{
    if (forward_group(entry) != group)
        return forward_group(entry) < group ? -1 : 1;
    if ((int)entry->forward.kind != kind)
        return (int)entry->forward.kind < kind ? -1 : 1;
    return entry->number < number ? -1 : entry->number > number;
}

static size_t search(const struct forwards *forwards, uint32_t group, int kind, uint32_t number)
{
    size_t low = 0, high = forwards->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(forwards->entries[middle], group, kind, number) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t forward_table_lower_bound(const struct forwards *forwards, uint32_t group)
{
    return search(forwards, group, 0, 0);
}

struct forward_entry *forward_table_find_auto(const struct forwards *forwards, uint32_t group)
{
    size_t index = search(forwards, group, FORWARD_AUTO, 0);
    if (index < forwards->count && compare(forwards->entries[index], group, FORWARD_AUTO, 0) == 0)
        return forwards->entries[index];
    return NULL;
}

static bool make_room(struct forwards *forwards)
{
    if (forwards->count == FORWARDS_MAX)
        return false;
    if (forwards->count < forwards->capacity)
        return true;
    size_t capacity = forwards->capacity == 0 ? 8 : forwards->capacity * 2;
    struct forward_entry **entries = realloc(forwards->entries, capacity * sizeof(struct forward_entry *));
    if (entries == NULL)
        return false;
    forwards->entries = entries;
    forwards->capacity = capacity;
    return true;
}

static void set_identity(struct forward_entry *entry, enum forward_kind kind, uint32_t group, uint32_t number)
{
    struct forward *forward = &entry->forward;
    forward->kind = kind;
    forward->state = FORWARD_FAILED;
    forward->protocol = port_group_protocol(group);
    forward->guest_port = port_group_port(group);
    entry->number = number;
    entry->enabled = true;
    if (kind == FORWARD_STATIC)
        snprintf(forward->id, sizeof(forward->id), "static-%u", number);
    else
        snprintf(forward->id, sizeof(forward->id), "%s-%u", forward->protocol == PORT_TCP ? "tcp" : "udp",
                 forward->guest_port);
}

struct forward_entry *forward_table_add(struct forwards *forwards, enum forward_kind kind, uint32_t group,
                                        uint32_t number)
{
    if (!make_room(forwards))
        return NULL;
    struct forward_entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL)
        return NULL;
    entry->owner = forwards;
    set_identity(entry, kind, group, number);
    flow_set_init(&entry->forward.flows);
    size_t index = search(forwards, group, kind, number);
    memmove(&forwards->entries[index + 1], &forwards->entries[index],
            (forwards->count - index) * sizeof(struct forward_entry *));
    forwards->entries[index] = entry;
    forwards->count++;
    forwards->static_count += kind == FORWARD_STATIC;
    return entry;
}

static void take_out(struct forward_entry *entry)
{
    struct forwards *forwards = entry->owner;
    size_t index = search(forwards, forward_group(entry), entry->forward.kind, entry->number);
    forwards->count--;
    memmove(&forwards->entries[index], &forwards->entries[index + 1],
            (forwards->count - index) * sizeof(struct forward_entry *));
    forwards->static_count -= entry->forward.kind == FORWARD_STATIC;
    if (forwards->starved)
        forwards_due_now(forwards);
}

static void unlink_ports(const struct forward_entry *entry)
{
    const struct port_book *book = &entry->owner->known;
    uint32_t group = forward_group(entry);
    size_t end = port_book_lower_bound(book, group + 1);
    for (size_t i = port_book_lower_bound(book, group); i < end; i++) {
        struct port_entry *port = book->entries[i];
        if (port->port.forward != &entry->forward)
            continue;
        port->port.forward = NULL;
        if (port->news == PORT_NEWS_NONE)
            port->news = PORT_NEWS_CHANGED;
    }
}

static void handle_connections_gone(void *ctx)
{
    struct forward_entry *entry = ctx;
    struct forwards *forwards = entry->owner;
    if (entry->previous != NULL)
        entry->previous->next = entry->next;
    else
        forwards->ending = entry->next;
    if (entry->next != NULL)
        entry->next->previous = entry->previous;
    free(entry);
    forwards_release(forwards);
}

void forward_table_retire(struct forward_entry *entry, bool abort_connections)
{
    struct forwards *forwards = entry->owner;
    forward_forget_open(entry);
    forward_stop(entry);
    unlink_ports(entry);
    take_out(entry);
    if (entry->announced && !forwards->closing)
        forwards->io.on_forward(forwards->io.ctx, &entry->forward, "closed");
    entry->next = forwards->ending;
    if (entry->next != NULL)
        entry->next->previous = entry;
    forwards->ending = entry;
    forwards->pending++;
    if (abort_connections)
        flow_set_close(&entry->forward.flows, STATUS_GONE, handle_connections_gone, entry);
    else
        flow_set_drain(&entry->forward.flows, handle_connections_gone, entry);
}

void forward_tell(struct forward_entry *entry)
{
    const char *what = entry->announced ? "changed" : "opened";
    entry->announced = true;
    entry->owner->io.on_forward(entry->owner->io.ctx, &entry->forward, what);
}
