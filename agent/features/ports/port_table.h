/* SPDX-License-Identifier: MIT */
/* The guest's ports as they are known, and what changes from one look to the next. Pure: no clock, no system.
 */
#ifndef HOSPES_PORT_TABLE_H
#define HOSPES_PORT_TABLE_H

#include "protocol/wire/message.h"

/* A UDP port of the ephemeral range is told only once it has lived so long: every name lookup opens one. */
#define PORT_TABLE_UDP_HOLD_MS 1000

/* One listener in one look. */
struct port_sighting {
    struct port_key key;
    bool v6only;
    uint32_t uid;
    uint64_t socket;  /* identity: another number, another socket under the same key */
    uint64_t version; /* of what is known of the owner: another number, ask describe again */
};

/* Fills pid, name, command, unit and container; the rest is filled already. Called for sightings that are new
 * or have another socket or version. */
typedef void (*port_describe)(void *ctx, const struct port_sighting *sighting, struct port_fact *ret_fact);

/* A part of a delta or of a snapshot; the message is borrowed. Its sequence is 0: the sender numbers it. */
typedef void (*port_emit)(void *ctx, const struct ports_message *message);

struct port_table;

int port_table_create(struct port_table **ret);
void port_table_destroy(struct port_table *table);

/* The guest's local port range, told in every message; 0 and 0 = not known. */
void port_table_set_ephemeral(struct port_table *table, uint16_t low, uint16_t high);

/* Takes a look's sightings, sorted by key (port_key_compare) without duplicates, as the new truth. Then tells
 * what changed, if anything: closed keys first, in messages of at most PORTS_A_MESSAGE_MAX keys and facts
 * together. The table is up to date when emit is called, and emit may take a snapshot but must not update.
 * emit NULL: nobody is told. Above PORTS_MAX, what is known stays known and what is new is left out.
 * UV_ENOMEM: nothing is told, the next update makes up for it. *ret_due_ms: when to update again for a port
 * that is held back, 0 = no need. */
int port_table_update(struct port_table *table, const struct port_sighting *sightings, size_t count,
                      uint64_t now_ms, port_describe describe, void *describe_ctx, port_emit emit,
                      void *emit_ctx, uint64_t *ret_due_ms);

/* Everything, in at least one part. UV_ENOMEM: nothing was emitted. */
int port_table_snapshot(const struct port_table *table, uint64_t now_ms, port_emit emit, void *ctx);

/* Listeners that the last update had no room for. */
size_t port_table_left_out(const struct port_table *table);
/* Listeners that are told. */
size_t port_table_count(const struct port_table *table);

#endif
