/* SPDX-License-Identifier: MIT */
/* Where bridges knock: streams say what they are, new sessions prove who they are, the trust decides, and
 * what is refused is told. */
#ifndef HOSPES_DOOR_H
#define HOSPES_DOOR_H

#include "agent/features/refusals.h"
#include "agent/trust/trust.h"
#include "protocol/link/admission.h"
#include "protocol/link/reception.h"

struct door_handler {
    /* Each takes the stream before return; messages and keys are valid until then. */
    void (*on_admitted)(void *ctx, struct stream *stream, const struct hello_message *hello,
                        const struct session_keys *keys, uint16_t version);
    int (*on_join)(void *ctx, struct stream *stream, const struct join_message *join, struct stream **ret);
    void (*on_events)(void *ctx, struct stream *stream, const struct hello_message *hello);
    void (*on_channel)(void *ctx, struct stream *stream, const struct channel_open_message *open);
    void (*on_files)(void *ctx, struct stream *stream, uint64_t connection,
                     const struct files_open_message *open);
    /* News for the bridges that are in. */
    void (*on_refusals)(void *ctx, const struct refusals_message *refusals);
};

struct door {
    struct reception reception;
    struct admissions admissions;
    struct refusals refusals;
    struct trust *trust; /* borrowed */
    const struct door_handler *handler;
    void *ctx;
};

void door_init(struct door *door, struct link_loop *loop, struct trust *trust, enum sealing sealing,
               const struct door_handler *handler, void *ctx);
/* Everyone who waits is sent away. The memory must live until the loop has run out. */
void door_close(struct door *door);

void door_add(struct door *door, struct stream *stream, const struct listener_peer *peer);
/* A listener has refused a peer for what the kernel says of it. */
void door_refused_peer(struct door *door, enum link_kind kind, const char *who);

#endif
