/* SPDX-License-Identifier: MIT */
/* A sorted array of pointers: look-ups are binary searches, and an insertion moves 32 KiB at the worst. What
 * follows from a port is forwards_evaluate.c. */
#include "host-bridge/features/forwards/port_book.h"

#include "protocol/base/status.h"

#include <stdlib.h>
#include <string.h>

uint32_t port_group(uint16_t port, uint8_t protocol)
{
    return (uint32_t)port << 8 | protocol;
}

uint16_t port_group_port(uint32_t group)
{
    return (uint16_t)(group >> 8);
}

uint8_t port_group_protocol(uint32_t group)
{
    return (uint8_t)(group & 0xff);
}

static int compare(const struct port_key *a, const struct port_key *b)
{
    uint32_t group_a = port_group(a->port, a->protocol), group_b = port_group(b->port, b->protocol);
    if (group_a != group_b)
        return group_a < group_b ? -1 : 1;
    if (a->address.family != b->address.family)
        return a->address.family < b->address.family ? -1 : 1;
    return memcmp(a->address.bytes, b->address.bytes, a->address.family == 4 ? 4 : 16);
}

/* First index whose key is >= `key`. */
static size_t search(const struct port_book *book, const struct port_key *key)
{
    size_t low = 0, high = book->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&book->entries[middle]->port.fact.key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct port_book *book, size_t index, const struct port_key *key)
{
    return index < book->count && compare(&book->entries[index]->port.fact.key, key) == 0;
}

void port_book_finish(struct port_book *book)
{
    for (size_t i = 0; i < book->count; i++)
        free(book->entries[i]);
    free(book->entries);
    *book = (struct port_book){0};
}

struct port_entry *port_book_find(const struct port_book *book, const struct port_key *key)
{
    size_t index = search(book, key);
    return is_at(book, index, key) ? book->entries[index] : NULL;
}

static bool facts_equal(const struct port_fact *a, const struct port_fact *b)
{
    return a->v6only == b->v6only && a->uid == b->uid && a->pid == b->pid && strcmp(a->name, b->name) == 0 &&
           strcmp(a->command, b->command) == 0 && strcmp(a->unit, b->unit) == 0 &&
           strcmp(a->container, b->container) == 0;
}

static int make_room(struct port_book *book)
{
    if (book->count == PORTS_MAX)
        return STATUS_LIMIT;
    if (book->count < book->capacity)
        return 0;
    size_t capacity = book->capacity == 0 ? 8 : book->capacity * 2;
    struct port_entry **entries = realloc(book->entries, capacity * sizeof(struct port_entry *));
    if (entries == NULL)
        return UV_ENOMEM;
    book->entries = entries;
    book->capacity = capacity;
    return 0;
}

static void take_facts(struct port_entry *entry, const struct port_fact *fact)
{
    if (facts_equal(&entry->port.fact, fact))
        return;
    entry->port.fact = *fact;
    entry->undecided = true;
    if (entry->news == PORT_NEWS_NONE)
        entry->news = PORT_NEWS_CHANGED;
}

int port_book_put(struct port_book *book, const struct port_fact *fact, uint64_t now_ms)
{
    size_t index = search(book, &fact->key);
    if (is_at(book, index, &fact->key)) {
        take_facts(book->entries[index], fact);
        return 0;
    }
    int status = make_room(book);
    if (status < 0)
        return status;
    struct port_entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL)
        return UV_ENOMEM;
    entry->port.fact = *fact;
    entry->port.first_seen_ms = now_ms - (fact->age_ms < now_ms ? fact->age_ms : now_ms);
    entry->news = PORT_NEWS_OPENED;
    entry->undecided = true;
    memmove(&book->entries[index + 1], &book->entries[index],
            (book->count - index) * sizeof(struct port_entry *));
    book->entries[index] = entry;
    book->count++;
    return 0;
}

void port_book_remove(struct port_book *book, const struct port_key *key)
{
    size_t index = search(book, key);
    if (!is_at(book, index, key))
        return;
    free(book->entries[index]);
    book->count--;
    memmove(&book->entries[index], &book->entries[index + 1],
            (book->count - index) * sizeof(struct port_entry *));
}

size_t port_book_lower_bound(const struct port_book *book, uint32_t group)
{
    /* address family 0 sorts before every real one */
    struct port_key key = {.protocol = port_group_protocol(group), .port = port_group_port(group)};
    return search(book, &key);
}

void port_book_inherit(struct port_book *fresh, const struct port_book *known)
{
    for (size_t i = 0; i < fresh->count; i++) {
        struct port_entry *entry = fresh->entries[i];
        const struct port_entry *old = port_book_find(known, &entry->port.fact.key);
        if (old == NULL)
            continue; /* OPENED, as port_book_put left it */
        bool same = facts_equal(&old->port.fact, &entry->port.fact);
        entry->port.first_seen_ms = old->port.first_seen_ms;
        entry->port.decision = old->port.decision;
        entry->port.forward = old->port.forward;
        entry->undecided = old->undecided || !same;
        entry->news = same ? PORT_NEWS_NONE : PORT_NEWS_CHANGED;
    }
}
