/* SPDX-License-Identifier: MIT */
/* The lists that channels wait in, and the table of them by number. Numbers come from the other side, but
 * their count is bounded by the mux, so chains are too. */
#include "protocol/wire/mux_channel.h"

#include <stdlib.h>
#include <string.h>

void mux_list_add(struct mux_list *list, struct mux_link *link, bool in_front)
{
    if (link->linked)
        return;
    link->linked = true;
    link->next = in_front ? list->first : NULL;
    link->previous = in_front ? NULL : list->last;
    *(link->previous != NULL ? &link->previous->next : &list->first) = link;
    *(link->next != NULL ? &link->next->previous : &list->last) = link;
}

void mux_list_remove(struct mux_list *list, struct mux_link *link)
{
    if (!link->linked)
        return;
    *(link->previous != NULL ? &link->previous->next : &list->first) = link->next;
    *(link->next != NULL ? &link->next->previous : &list->last) = link->previous;
    link->next = link->previous = NULL;
    link->linked = false;
}

void mux_table_init(struct mux_table *table)
{
    *table = (struct mux_table){.bucket_count = MUX_TABLE_INLINE};
    table->buckets = table->first_buckets;
}

void mux_table_finish(struct mux_table *table)
{
    if (table->buckets != table->first_buckets)
        free(table->buckets);
    mux_table_init(table);
}

static struct mux_channel **bucket_of(const struct mux_table *table, uint32_t number)
{
    return &table->buckets[number & (table->bucket_count - 1)];
}

struct mux_channel *mux_table_find(const struct mux_table *table, uint32_t number)
{
    struct mux_channel *channel = *bucket_of(table, number);
    while (channel != NULL && channel->number != number)
        channel = channel->same_bucket;
    return channel;
}

static void link_channel(struct mux_table *table, struct mux_channel *channel)
{
    struct mux_channel **bucket = bucket_of(table, channel->number);
    channel->same_bucket = *bucket;
    *bucket = channel;
}

/* Without memory the chains get longer instead. */
static void grow(struct mux_table *table)
{
    struct mux_table old = *table;
    struct mux_channel **buckets = calloc(old.bucket_count * 2, sizeof(*buckets));
    if (buckets == NULL)
        return;
    struct mux_channel **old_buckets = table->buckets;
    table->buckets = buckets;
    table->bucket_count = old.bucket_count * 2;
    for (size_t i = 0; i < old.bucket_count; i++) {
        struct mux_channel *channel = old_buckets[i];
        while (channel != NULL) {
            struct mux_channel *next = channel->same_bucket;
            link_channel(table, channel);
            channel = next;
        }
    }
    if (old_buckets != table->first_buckets)
        free(old_buckets);
}

void mux_table_insert(struct mux_table *table, struct mux_channel *channel)
{
    if (table->count == table->bucket_count)
        grow(table);
    link_channel(table, channel);
    table->count++;
}

void mux_table_remove(struct mux_table *table, struct mux_channel *channel)
{
    struct mux_channel **link = bucket_of(table, channel->number);
    while (*link != channel)
        link = &(*link)->same_bucket;
    *link = channel->same_bucket;
    table->count--;
    if (table->count == 0)
        mux_table_finish(table);
}

struct mux_channel *mux_table_any(const struct mux_table *table)
{
    for (size_t i = 0; table->count > 0 && i < table->bucket_count; i++) {
        if (table->buckets[i] != NULL)
            return table->buckets[i];
    }
    return NULL;
}
