/* SPDX-License-Identifier: MIT */
/* Each subscriber has a cursor into the ring and, while a snapshot is on its way, a queue of the snapshot's
 * encoded parts (bounded: at most PORTS_MAX ports). Events wait in the ring while a subscriber's stream is
 * full. */
#include "protocol/link/feed.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "protocol/wire/event_log.h"

#define SNAPSHOT_BYTES_MAX                                                                                   \
    (8 * 1024 * 1024) /* PORTS_MAX ports at their largest, 1 KiB each, and as much again */

struct subscriber {
    struct subscriber *previous, *next;
    struct feed *feed;
    struct stream *stream;
    uint64_t sent;          /* the last event that was queued on the stream */
    struct buffer snapshot; /* parts still to send: u32 size, payload */
    bool failed;            /* no memory, or the stream will never take it */
    bool ended;
    void (*on_end)(void *ctx);
    void *ctx;
};

struct feed {
    struct event_log *log;
    feed_snapshot snapshot;
    feed_offers offers; /* NULL: none */
    void *ctx;
    struct subscriber *first;
};

struct feed *feed_create(feed_snapshot snapshot, void *ctx)
{
    struct feed *feed = calloc(1, sizeof(*feed));
    uint64_t epoch = 0;
    uv_random(NULL, NULL, &epoch, sizeof(epoch), 0, NULL);
    struct event_log *log =
        feed == NULL ? NULL : event_log_create(epoch | 1, 1, EVENT_RING_COUNT_MAX, EVENT_RING_BYTES_MAX);
    if (log == NULL) {
        free(feed);
        return NULL;
    }
    feed->log = log;
    feed->snapshot = snapshot;
    feed->ctx = ctx;
    return feed;
}

void feed_set_offers(struct feed *feed, feed_offers offers)
{
    feed->offers = offers;
}

void feed_destroy(struct feed *feed)
{
    if (feed == NULL)
        return;
    event_log_destroy(feed->log);
    free(feed);
}

static void append_part(struct subscriber *subscriber, const struct message *message)
{
    struct buffer payload;
    buffer_init(&payload, FRAME_MESSAGE_MAX);
    int status = message_encode(message, &payload);
    uint32_t size = (uint32_t)buffer_size(&payload);
    if (status == 0)
        status = buffer_append(&subscriber->snapshot, &size, sizeof(size));
    if (status == 0)
        status = buffer_append(&subscriber->snapshot, buffer_span(&payload).data, size);
    if (status < 0)
        subscriber->failed = true;
    buffer_finish(&payload);
}

static void emit_part(void *emit_ctx, const struct ports_message *part)
{
    struct subscriber *subscriber = emit_ctx;
    struct message message = {.kind = MESSAGE_PORTS, .id = subscriber->sent};
    message.body.ports = *part;
    message.body.ports.sequence = subscriber->sent;
    append_part(subscriber, &message);
}

static void emit_offers(void *emit_ctx, const struct offers_message *part)
{
    struct subscriber *subscriber = emit_ctx;
    struct message message = {.kind = MESSAGE_OFFERS, .id = subscriber->sent};
    message.body.offers = *part;
    message.body.offers.sequence = subscriber->sent;
    append_part(subscriber, &message);
}

static void take_snapshot(struct subscriber *subscriber)
{
    subscriber->sent = event_log_last(subscriber->feed->log);
    if (subscriber->feed->offers != NULL)
        subscriber->feed->offers(subscriber->feed->ctx, emit_offers, subscriber);
    subscriber->feed->snapshot(subscriber->feed->ctx, emit_part, subscriber);
}

/* False when the stream is full (on_writable goes on), or can't ever send it: then failed is set. */
static bool send_payload(struct subscriber *subscriber, struct span payload)
{
    int status = stream_send(subscriber->stream, FRAME_MESSAGE, payload);
    if (status < 0 && status != UV_ENOBUFS)
        subscriber->failed = true;
    return status == 0;
}

/* As send_payload. */
static bool send_snapshot(struct subscriber *subscriber)
{
    while (buffer_size(&subscriber->snapshot) > 0 && !subscriber->failed) {
        struct span parts = buffer_span(&subscriber->snapshot);
        uint32_t size;
        memcpy(&size, parts.data, sizeof(size));
        if (!send_payload(subscriber, span_of(parts.data + sizeof(size), size)))
            return false;
        buffer_consume(&subscriber->snapshot, sizeof(size) + size);
    }
    return !subscriber->failed;
}

static void send_what_is_due(struct subscriber *subscriber)
{
    struct event_log *log = subscriber->feed->log;
    if (!send_snapshot(subscriber))
        return;
    while (subscriber->sent < event_log_last(log)) {
        struct span event;
        if (!event_log_get(log, subscriber->sent + 1, &event)) {
            take_snapshot(subscriber);
            if (!send_snapshot(subscriber))
                return;
            continue;
        }
        if (!send_payload(subscriber, event))
            return;
        subscriber->sent++;
    }
}

static void end(struct subscriber *subscriber)
{
    if (subscriber->ended)
        return;
    subscriber->ended = true;
    subscriber->on_end(subscriber->ctx);
}

/* A subscriber that can't be given what it must have is ended: without it, it would know nothing for ever. */
static void pump(struct subscriber *subscriber)
{
    if (subscriber->ended)
        return;
    send_what_is_due(subscriber);
    if (subscriber->failed)
        end(subscriber);
}

int feed_publish(struct feed *feed, struct message *event)
{
    event->id = event_log_next(feed->log);
    if (event->kind == MESSAGE_PORTS)
        event->body.ports.sequence = event->id;
    else if (event->kind == MESSAGE_OFFERS)
        event->body.offers.sequence = event->id;
    struct buffer payload;
    buffer_init(&payload, FRAME_MESSAGE_MAX);
    int status = message_encode(event, &payload);
    if (status == 0)
        status = event_log_append(feed->log, buffer_span(&payload), NULL);
    buffer_finish(&payload);
    for (struct subscriber *subscriber = feed->first, *next; subscriber != NULL; subscriber = next) {
        next = subscriber->next; /* its owner may unsubscribe it */
        if (status < 0)
            take_snapshot(subscriber);
        pump(subscriber);
    }
    return status;
}

/* ---- subscribers ---- */

static void handle_frame(void *ctx, enum frame_type type, struct span payload)
{
    end(ctx); /* nothing is said on an events connection after HELLO; an RST ends it anyway */
}

static void handle_writable(void *ctx)
{
    pump(ctx);
}

static void handle_end(void *ctx, int status, const char *text)
{
    end(ctx);
}

static const struct stream_handler HANDLER = {
    .on_frame = handle_frame, .on_writable = handle_writable, .on_end = handle_end};

static int send_welcome(struct subscriber *subscriber, struct event_cursor cursor,
                        const struct welcome_message *welcome)
{
    const struct event_log *log = subscriber->feed->log;
    bool resumed = cursor.epoch != 0 && event_log_reaches(log, cursor);
    subscriber->sent = resumed ? cursor.sequence : event_log_last(log);
    struct message message = {.kind = MESSAGE_WELCOME};
    message.body.welcome = *welcome;
    message.body.welcome.resumed = resumed;
    message.body.welcome.cursor = (struct event_cursor){event_log_epoch(log), subscriber->sent};
    int status = stream_send_message(subscriber->stream, &message);
    if (status == 0 && !resumed)
        take_snapshot(subscriber);
    return status;
}

int feed_subscribe(struct feed *feed, struct stream *stream, struct event_cursor cursor,
                   const struct welcome_message *welcome, void (*on_end)(void *ctx), void *ctx,
                   struct subscriber **ret)
{
    struct subscriber *subscriber = calloc(1, sizeof(*subscriber));
    if (subscriber == NULL)
        return UV_ENOMEM;
    subscriber->feed = feed;
    subscriber->stream = stream;
    subscriber->on_end = on_end;
    subscriber->ctx = ctx;
    buffer_init(&subscriber->snapshot, SNAPSHOT_BYTES_MAX);
    int status = send_welcome(subscriber, cursor, welcome);
    if (status == 0 && subscriber->failed)
        status = UV_ENOMEM;
    if (status < 0) {
        buffer_finish(&subscriber->snapshot);
        free(subscriber);
        return status;
    }
    stream_set_handler(stream, &HANDLER, subscriber);
    subscriber->next = feed->first;
    if (feed->first != NULL)
        feed->first->previous = subscriber;
    feed->first = subscriber;
    *ret = subscriber;
    send_what_is_due(
        subscriber); /* a failure is told by the first event or on_writable: never before return */
    return 0;
}

void feed_unsubscribe(struct subscriber *subscriber)
{
    if (subscriber == NULL)
        return;
    if (subscriber->previous != NULL)
        subscriber->previous->next = subscriber->next;
    else
        subscriber->feed->first = subscriber->next;
    if (subscriber->next != NULL)
        subscriber->next->previous = subscriber->previous;
    stream_close(subscriber->stream);
    buffer_finish(&subscriber->snapshot);
    free(subscriber);
}
