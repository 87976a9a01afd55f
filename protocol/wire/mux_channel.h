/* SPDX-License-Identifier: MIT */
/* One channel of a mux and the table of them by number. Private to protocol/wire. */
#ifndef HOSPES_MUX_CHANNEL_H
#define HOSPES_MUX_CHANNEL_H

#include "protocol/base/buffer.h"

struct mux_channel;

/* A place in a list; set `channel` once. */
struct mux_link {
    struct mux_channel *channel;
    struct mux_link *next, *previous;
    bool linked;
};

struct mux_list {
    struct mux_link *first, *last;
};

enum mux_channel_state {
    MUX_CHANNEL_OPEN,     /* has an owner */
    MUX_CHANNEL_DRAINING, /* closed cleanly by its owner; queued frames are still to be sent */
    MUX_CHANNEL_RESETTING /* closed by its owner or refused; only its RST is still to be sent */
};

struct mux_channel {
    uint32_t number;
    enum mux_channel_state state;
    void *owner; /* MUX_CHANNEL_OPEN only */

    /* sending */
    struct buffer queue;  /* whole frames; the first may be sent in part (mux.current) */
    uint32_t send_credit; /* payload bytes that the peer still allows */
    bool announced;       /* a frame of it has been started: the peer knows the number */
    bool fin_wanted;      /* FIN follows the queue */
    bool fin_sent;
    bool wants_writable; /* the owner was told UV_EAGAIN */

    /* receiving */
    uint32_t received; /* payload bytes not yet given back as credit, `taken` included */
    uint32_t taken;    /* of these, used by the owner */
    bool fin_received;

    /* MUX_CHANNEL_RESETTING */
    int reset_status;
    char *reset_text; /* can be NULL */

    struct mux_channel *same_bucket;
    struct mux_link urgent; /* in mux.urgent: an RST or CREDIT is due */
    struct mux_link ready;  /* in mux.ready: a frame may go */
};

/* Both allow a link that is in the list already (it stays where it is), or is in none. */
void mux_list_add(struct mux_list *list, struct mux_link *link, bool in_front);
void mux_list_remove(struct mux_list *list, struct mux_link *link);

/* All numbers in use on one mux. Grows by itself; the first buckets are inline, so that nothing fails. */
#define MUX_TABLE_INLINE 8
struct mux_table {
    struct mux_channel *first_buckets[MUX_TABLE_INLINE];
    struct mux_channel **buckets; /* first_buckets or owned */
    size_t bucket_count;          /* a power of two */
    size_t count;
};

void mux_table_init(struct mux_table *table);
void mux_table_finish(struct mux_table *table); /* the channels are the owner's to free */
struct mux_channel *mux_table_find(const struct mux_table *table, uint32_t number);
void mux_table_insert(struct mux_table *table, struct mux_channel *channel);
void mux_table_remove(struct mux_table *table, struct mux_channel *channel);
/* Any channel; NULL when empty. */
struct mux_channel *mux_table_any(const struct mux_table *table);

#endif
