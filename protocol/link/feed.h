/* SPDX-License-Identifier: MIT */
/* The agent's events: numbered, kept in a ring, sent to every subscriber in order. A subscriber whose cursor
 * the ring no longer reaches (or that falls behind it) gets a snapshot first. Nobody waits for a slow one,
 * and it costs the ring nothing. */
#ifndef HOSPES_FEED_H
#define HOSPES_FEED_H

#include "protocol/link/stream.h"

struct feed;       /* opaque */
struct subscriber; /* opaque */

/* Asked for when a snapshot is needed: calls emit for each part, in order, the last with more == false. */
typedef void (*feed_snapshot)(void *ctx, void (*emit)(void *emit_ctx, const struct ports_message *part),
                              void *emit_ctx);

/* The same for the parts that come before those: each with `more`. */
typedef void (*feed_offers)(void *ctx, void (*emit)(void *emit_ctx, const struct offers_message *part),
                            void *emit_ctx);

/* NULL when out of memory. The epoch is random. */
struct feed *feed_create(feed_snapshot snapshot, void *ctx);
void feed_set_offers(struct feed *feed, feed_offers offers); /* with the same ctx; until set there are none */
void feed_destroy(struct feed *feed);                        /* after its subscribers */

/* Numbers the event (its `id` is set) and sends it. UV_ENOMEM: the event is lost, and every subscriber gets a
 * snapshot instead. */
int feed_publish(struct feed *feed, struct message *event);

/* From now on `stream`'s handler is the feed's. Sends WELCOME (a copy of `welcome` with cursor and resumed
 * set) and what follows `cursor`. on_end fires once, never before return, when the stream is over, says what
 * it may not, or can't be given what it must have (also within feed_publish); then call feed_unsubscribe. */
int feed_subscribe(struct feed *feed, struct stream *stream, struct event_cursor cursor,
                   const struct welcome_message *welcome, void (*on_end)(void *ctx), void *ctx,
                   struct subscriber **ret);
/* Closes the stream too. */
void feed_unsubscribe(struct subscriber *subscriber);

#endif
