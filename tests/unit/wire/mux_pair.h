/* SPDX-License-Identifier: MIT */
/* A dialer's and a listener's mux back to back over a lossless pipe, with owners that write down what they
 * are told. Used by the mux tests. */
#ifndef HOSPES_MUX_PAIR_H
#define HOSPES_MUX_PAIR_H

#include "protocol/wire/mux.h"
#include "protocol/wire/mux_marker.h"

/* An owner of one channel of one end. Stays after the channel ended. */
struct owner {
    struct mux_end *end;
    uint32_t channel;
    struct buffer received; /* payloads of DATA, MESSAGE and DATAGRAM, one after the other */
    size_t untaken;         /* bytes received and not yet given to mux_taken */
    bool slow;              /* takes nothing by itself */
    size_t messages, datagrams, writable;
    bool fin, reset;
    int reset_status;
    char reset_text[TEXT_REASON_MAX + 1];
    struct owner *next;
};

struct mux_end {
    struct mux *mux;
    struct buffer wire; /* produced, not yet fed to the other end */
    struct marker_scan scans[2];
    size_t markers[2];    /* MUX_MARKER, MUX_MARKER_ANSWER in all that was produced */
    size_t synced;        /* calls of on_synced */
    bool refuses, slow;   /* new channels are refused; their owners are slow */
    struct owner *owners; /* newest first */
};

struct mux_pair {
    struct mux_end dialer, listener;
    uint64_t random;
};

void mux_pair_init(struct mux_pair *pair);
void mux_pair_finish(struct mux_pair *pair);
/* Syncs the two and asserts that they are. */
void mux_pair_sync(struct mux_pair *pair);
/* Moves bytes in pieces of random size until neither side has more. */
void mux_pair_pump(struct mux_pair *pair);
uint64_t mux_pair_random(struct mux_pair *pair, uint64_t below);

/* Lets `end` put up to `size` bytes on its wire, and feeds up to `size` bytes of its wire to `other`. Both
 * return the number of bytes; a feed asserts success. */
size_t mux_end_produce(struct mux_end *end, size_t size);
size_t mux_end_deliver(struct mux_end *end, struct mux_end *other, size_t size);

/* mux_open with an owner; asserts success. */
struct owner *mux_end_open(struct mux_end *end);
/* Newest owner of the number; NULL when there was none. */
struct owner *mux_end_owner(struct mux_end *end, uint32_t channel);
/* Sends all of it; asserts that it was taken whole. */
void owner_send(struct owner *owner, enum frame_type type, const void *data, size_t size);
void owner_take(struct owner *owner);
void owner_close(struct owner *owner, int status, const char *text);
bool owner_received(const struct owner *owner, struct span bytes);

#endif
