/* SPDX-License-Identifier: MIT */
/* The guest's listeners as the host knows them, sorted by port, protocol, address. At most PORTS_MAX; grows
 * with its use. */
#ifndef HOSPES_PORT_BOOK_H
#define HOSPES_PORT_BOOK_H

#include "host-bridge/features/forwards/forwards.h"

enum port_news { PORT_NEWS_NONE, PORT_NEWS_OPENED, PORT_NEWS_CHANGED };

struct port_entry {
    struct known_port port; /* first: a known port is its entry */
    enum port_news news;    /* not told yet */
    bool undecided;         /* the decision is older than the facts, the rules or the age it waited for */
};

/* All zero is an empty book. */
struct port_book {
    struct port_entry **entries;
    size_t count, capacity;
};

/* One (port, protocol): the listeners of a group share a forward. Sorts as the book does. */
uint32_t port_group(uint16_t port, uint8_t protocol);
uint16_t port_group_port(uint32_t group);
uint8_t port_group_protocol(uint32_t group);

void port_book_finish(struct port_book *book);
struct port_entry *port_book_find(const struct port_book *book, const struct port_key *key); /* NULL */
/* Finds or makes the entry of fact->key. A new one has news OPENED, first_seen_ms by `now_ms` and the fact's
 * age; a known one takes the facts over, with news CHANGED if they differ (its first_seen_ms stays). The
 * decision is the caller's. STATUS_LIMIT at PORTS_MAX, UV_ENOMEM. */
int port_book_put(struct port_book *book, const struct port_fact *fact, uint64_t now_ms);
void port_book_remove(struct port_book *book, const struct port_key *key); /* no-op when absent */
/* First index whose group is >= `group`; count when there is none. O(log n). */
size_t port_book_lower_bound(const struct port_book *book, uint32_t group);

/* `fresh`, a gathered snapshot, takes over from `known` what is known of the same listeners (first seen,
 * decision, forward), and news becomes NONE, CHANGED or OPENED accordingly. O(n log n). */
void port_book_inherit(struct port_book *fresh, const struct port_book *known);

#endif
