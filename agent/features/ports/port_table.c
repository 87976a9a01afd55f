/* SPDX-License-Identifier: MIT */
/* Theory of operation
 *
 * Entries are sorted by key, as the sightings of a look are, so that one merge finds what opened, stayed and
 * closed. The merge builds the next array of pointers and marks what is to be told; only when it has
 * succeeded is the array exchanged and anything told. An unchanged listener costs a comparison of two
 * numbers.
 *
 * Looking is left to port_watch, meaning to the host's policy. */
#include "agent/features/ports/port_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "agent/platform/socket_list.h"

struct entry {
    struct port_fact fact;
    uint64_t socket;
    uint64_t version;
    uint64_t first_seen_ms;
    bool told;  /* the other side knows it */
    bool fresh; /* to be told; stays set when an update fails */
};

struct port_table {
    struct entry **entries; /* can be NULL */
    size_t count;
    size_t left_out;
    uint16_t ephemeral_low;
    uint16_t ephemeral_high;
};

/* One update under way. */
struct merge {
    struct port_table *table;
    struct entry **next;
    size_t count;
    struct port_key *closed;
    size_t closed_count;
    size_t dropped;  /* entries that are not in next, told or not */
    size_t new_room; /* how many unknown listeners still fit */
    size_t left_out;
    uint64_t now_ms;
    uint64_t due_ms;
    port_describe describe;
    void *describe_ctx;
};

int port_table_create(struct port_table **ret)
{
    struct port_table *table = calloc(1, sizeof(*table));
    if (table == NULL)
        return UV_ENOMEM;
    *ret = table;
    return 0;
}

void port_table_destroy(struct port_table *table)
{
    if (table == NULL)
        return;
    for (size_t i = 0; i < table->count; i++)
        free(table->entries[i]);
    free(table->entries);
    free(table);
}

void port_table_set_ephemeral(struct port_table *table, uint16_t low, uint16_t high)
{
    table->ephemeral_low = low;
    table->ephemeral_high = high;
}

size_t port_table_left_out(const struct port_table *table)
{
    return table->left_out;
}

size_t port_table_count(const struct port_table *table)
{
    size_t told = 0;
    for (size_t i = 0; i < table->count; i++)
        told += table->entries[i]->told;
    return told;
}

static bool same_fact(const struct port_fact *a, const struct port_fact *b)
{
    return a->v6only == b->v6only && a->uid == b->uid && a->pid == b->pid && strcmp(a->name, b->name) == 0 &&
           strcmp(a->command, b->command) == 0 && strcmp(a->unit, b->unit) == 0 &&
           strcmp(a->container, b->container) == 0;
}

static void hold_or_tell(struct merge *merge, struct entry *entry)
{
    const struct port_table *table = merge->table;
    const struct port_key *key = &entry->fact.key;
    uint64_t free_at_ms = entry->first_seen_ms + PORT_TABLE_UDP_HOLD_MS;
    bool held = key->protocol == PORT_UDP && table->ephemeral_low != 0 && key->port >= table->ephemeral_low &&
                key->port <= table->ephemeral_high && merge->now_ms < free_at_ms;
    entry->fresh = !held;
    if (held && (merge->due_ms == 0 || free_at_ms < merge->due_ms))
        merge->due_ms = free_at_ms;
}

static void describe_sighting(const struct merge *merge, const struct port_sighting *sighting,
                              struct port_fact *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->key = sighting->key;
    ret->v6only = sighting->v6only;
    ret->uid = sighting->uid;
    merge->describe(merge->describe_ctx, sighting, ret);
}

static int merge_new(struct merge *merge, const struct port_sighting *sighting)
{
    if (merge->new_room == 0) {
        merge->left_out++;
        return 0;
    }
    struct entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL)
        return UV_ENOMEM;
    describe_sighting(merge, sighting, &entry->fact);
    entry->socket = sighting->socket;
    entry->version = sighting->version;
    entry->first_seen_ms = merge->now_ms;
    hold_or_tell(merge, entry);
    merge->next[merge->count++] = entry;
    merge->new_room--;
    return 0;
}

static void merge_known(struct merge *merge, struct entry *entry, const struct port_sighting *sighting)
{
    bool other_socket = entry->socket != sighting->socket;
    merge->next[merge->count++] = entry;
    if (other_socket)
        entry->first_seen_ms = merge->now_ms;
    if (other_socket || entry->version != sighting->version || entry->fact.uid != sighting->uid ||
        entry->fact.v6only != sighting->v6only) {
        struct port_fact fact;
        describe_sighting(merge, sighting, &fact);
        /* Another socket under the same facts is a server that restarted: worth telling, its age is new. */
        entry->fresh |= other_socket || !same_fact(&fact, &entry->fact);
        entry->fact = fact;
        entry->socket = sighting->socket;
        entry->version = sighting->version;
    }
    if (!entry->told)
        hold_or_tell(merge, entry);
}

/* Splits what is known from what is not, so that a flood of new listeners can't push out known ones. */
static size_t count_known(const struct port_table *table, const struct port_sighting *sightings, size_t count)
{
    size_t known = 0;
    size_t old = 0;
    for (size_t i = 0; i < count && old < table->count; i++) {
        int order = -1;
        while (old < table->count &&
               (order = port_key_compare(&table->entries[old]->fact.key, &sightings[i].key)) < 0)
            old++;
        known += old < table->count && order == 0;
    }
    return known;
}

/* Fills merge->next; entries that closed are left in the table's array only and collected in merge->closed.
 */
static int merge_all(struct merge *merge, const struct port_sighting *sightings, size_t count)
{
    const struct port_table *table = merge->table;
    size_t old = 0;
    size_t new = 0;
    while (old < table->count || new < count) {
        int order = old == table->count ? 1
                    : new == count      ? -1
                                   : port_key_compare(&table->entries[old]->fact.key, &sightings[new].key);
        if (order < 0) {
            if (table->entries[old]->told)
                merge->closed[merge->closed_count++] = table->entries[old]->fact.key;
            merge->dropped++;
            old++;
        } else if (order == 0) {
            merge_known(merge, table->entries[old++], &sightings[new ++]);
        } else {
            int status = merge_new(merge, &sightings[new ++]);
            if (status < 0)
                return status;
        }
    }
    return 0;
}

static bool is_in(struct entry *const *entries, size_t count, const struct entry *wanted)
{
    size_t low = 0;
    while (low < count) {
        size_t middle = low + (count - low) / 2;
        int order = port_key_compare(&entries[middle]->fact.key, &wanted->fact.key);
        if (order == 0)
            return entries[middle] == wanted;
        if (order < 0)
            low = middle + 1;
        else
            count = middle;
    }
    return false;
}

static void free_missing(struct entry *const *from, size_t count, struct entry *const *kept,
                         size_t kept_count)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_in(kept, kept_count, from[i]))
            free(from[i]);
    }
}

/* Hands out messages of at most PORTS_A_MESSAGE_MAX keys and facts. */
struct writer {
    struct ports_message message;
    size_t capacity;
    uint64_t now_ms;
    port_emit emit;
    void *ctx;
};

static int writer_init(struct writer *writer, const struct port_table *table, size_t facts, uint64_t now_ms,
                       port_emit emit, void *ctx)
{
    *writer = (struct writer){
        .message = {.ephemeral_low = table->ephemeral_low, .ephemeral_high = table->ephemeral_high},
        .capacity = facts < PORTS_A_MESSAGE_MAX ? facts : PORTS_A_MESSAGE_MAX,
        .now_ms = now_ms,
        .emit = emit,
        .ctx = ctx,
    };
    if (facts == 0)
        return 0;
    writer->message.opened = malloc(writer->capacity * sizeof(*writer->message.opened));
    return writer->message.opened != NULL ? 0 : UV_ENOMEM;
}

static void writer_flush(struct writer *writer)
{
    writer->emit(writer->ctx, &writer->message);
    writer->message.opened_count = 0;
    writer->message.closed_count = 0;
}

static void writer_add(struct writer *writer, const struct entry *entry)
{
    struct ports_message *message = &writer->message;
    if (message->opened_count + message->closed_count == PORTS_A_MESSAGE_MAX)
        writer_flush(writer);
    struct port_fact *fact = &message->opened[message->opened_count++];
    *fact = entry->fact;
    fact->age_ms = writer->now_ms > entry->first_seen_ms ? writer->now_ms - entry->first_seen_ms : 0;
}

static void tell_delta(struct writer *writer, const struct port_table *table, struct port_key *closed,
                       size_t closed_count)
{
    struct ports_message *message = &writer->message;
    for (size_t at = 0; at < closed_count; at += message->closed_count) {
        if (message->closed_count > 0)
            writer_flush(writer);
        size_t rest = closed_count - at;
        message->closed = closed + at;
        message->closed_count = rest < PORTS_A_MESSAGE_MAX ? rest : PORTS_A_MESSAGE_MAX;
    }
    for (size_t i = 0; i < table->count; i++) {
        if (table->entries[i]->fresh)
            writer_add(writer, table->entries[i]);
    }
    if (message->opened_count + message->closed_count > 0)
        writer_flush(writer);
}

static void commit(struct merge *merge)
{
    struct port_table *table = merge->table;
    if (merge->dropped > 0)
        free_missing(table->entries, table->count, merge->next, merge->count);
    free(table->entries);
    table->entries = merge->next;
    table->count = merge->count;
    table->left_out = merge->left_out;
}

int port_table_update(struct port_table *table, const struct port_sighting *sightings, size_t count,
                      uint64_t now_ms, port_describe describe, void *describe_ctx, port_emit emit,
                      void *emit_ctx, uint64_t *ret_due_ms)
{
    size_t known = count_known(table, sightings, count);
    assert(known <= PORTS_MAX);
    struct merge merge = {
        .table = table,
        .new_room = PORTS_MAX - known,
        .now_ms = now_ms,
        .describe = describe,
        .describe_ctx = describe_ctx,
    };
    size_t room = known + (count - known < merge.new_room ? count - known : merge.new_room);
    struct writer writer = {.capacity = 0};
    int status = UV_ENOMEM;
    merge.next = malloc((room + 1) * sizeof(struct entry *));
    merge.closed = malloc((table->count + 1) * sizeof(*merge.closed));
    if (merge.next == NULL || merge.closed == NULL)
        goto fail;
    status = merge_all(&merge, sightings, count);
    if (status < 0)
        goto fail;
    size_t fresh = 0;
    for (size_t i = 0; i < merge.count; i++)
        fresh += merge.next[i]->fresh;
    status = writer_init(&writer, table, emit != NULL ? fresh : 0, now_ms, emit, emit_ctx);
    if (status < 0)
        goto fail;
    for (size_t i = 0; i < merge.count; i++)
        merge.next[i]->told |= merge.next[i]->fresh;
    commit(&merge);
    *ret_due_ms = merge.due_ms;
    if (emit != NULL)
        tell_delta(&writer, table, merge.closed, merge.closed_count);
    for (size_t i = 0; i < table->count; i++)
        table->entries[i]->fresh = false;
    free(writer.message.opened);
    free(merge.closed);
    return 0;
fail:
    if (merge.next != NULL)
        free_missing(merge.next, merge.count, table->entries, table->count);
    free(merge.next);
    free(merge.closed);
    return status;
}

int port_table_snapshot(const struct port_table *table, uint64_t now_ms, port_emit emit, void *ctx)
{
    struct writer writer;
    size_t left = port_table_count(table);
    int status = writer_init(&writer, table, left, now_ms, emit, ctx);
    if (status < 0)
        return status;
    writer.message.snapshot = true;
    for (size_t i = 0; i < table->count; i++) {
        if (!table->entries[i]->told)
            continue;
        writer.message.more = true; /* writer_add flushes only when another fact follows */
        writer_add(&writer, table->entries[i]);
    }
    writer.message.more = false;
    writer_flush(&writer);
    free(writer.message.opened);
    return 0;
}
