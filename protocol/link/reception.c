/* SPDX-License-Identifier: MIT */
/* Decodes the first messages of each stream and hands them on; knows nothing of sessions and keys. */
#include "protocol/link/reception.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"

struct visitor {
    struct deadline deadline; /* first: found back by a cast */
    struct visitor *previous, *next;
    struct reception *reception;
    struct stream *stream;
    struct listener_peer peer;
    bool joined; /* it has proved to belong to `session` */
    struct session_id session;
    uint64_t connection; /* its number in the session */
};

static void forget(struct visitor *visitor)
{
    struct reception *reception = visitor->reception;
    deadline_stop(&visitor->deadline);
    if (visitor->previous != NULL)
        visitor->previous->next = visitor->next;
    else
        reception->oldest = visitor->next;
    if (visitor->next != NULL)
        visitor->next->previous = visitor->previous;
    else
        reception->newest = visitor->previous;
    reception->count--;
    free(visitor);
}

void reception_refuse(struct stream *stream, int status, const char *text)
{
    struct message refuse = {.kind = MESSAGE_REFUSE};
    refuse.body.failure.status = status;
    snprintf(refuse.body.failure.text, sizeof(refuse.body.failure.text), "%s", text);
    stream_send_message(stream, &refuse);
    stream_abort(stream, status, text); /* on a mux the RST takes the place of what is queued */
}

static void turn_away(struct visitor *visitor, int status)
{
    struct reception *reception = visitor->reception;
    struct stream *stream = visitor->stream;
    struct listener_peer peer = visitor->peer;
    forget(visitor);
    stream_close(stream);
    reception->handler->on_refused(reception->ctx, &peer, status);
}

/* What it said is not expected here: says so. */
static void refuse(struct visitor *visitor, int status)
{
    struct reception *reception = visitor->reception;
    struct stream *stream = visitor->stream;
    struct listener_peer peer = visitor->peer;
    forget(visitor);
    reception_refuse(stream, status, "");
    reception->handler->on_refused(reception->ctx, &peer, status);
}

static void handle_due(struct deadline *deadline)
{
    turn_away((struct visitor *)deadline, STATUS_NO_GREETING);
}

static const struct stream_handler HANDLER;

static void join(struct visitor *visitor, const struct join_message *message)
{
    struct reception *reception = visitor->reception;
    struct stream *stream = NULL;
    int status = reception->handler->on_join(reception->ctx, visitor->stream, message, &stream);
    if (status < 0) {
        refuse(visitor, status);
        return;
    }
    visitor->stream = stream;
    visitor->joined = true;
    visitor->session = message->session;
    visitor->connection = message->connection;
    stream_set_handler(stream, &HANDLER, visitor);
}

static bool is_of_its_session(const struct visitor *visitor, const struct session_id *named)
{
    return memcmp(visitor->session.bytes, named->bytes, SESSION_ID_SIZE) == 0;
}

static void handle_first_message(struct visitor *visitor, const struct message *message, struct span payload)
{
    if (message->kind == MESSAGE_JOIN) {
        join(visitor, &message->body.join);
    } else if (message->kind == MESSAGE_HELLO && message->body.hello.role == ROLE_CONTROL) {
        struct reception *reception = visitor->reception;
        struct stream *stream = visitor->stream;
        struct listener_peer peer = visitor->peer;
        forget(visitor);
        reception->handler->on_hello(reception->ctx, stream, &peer, &message->body.hello, payload);
    } else {
        bool expected = message->kind == MESSAGE_HELLO || message->kind == MESSAGE_CHANNEL_OPEN ||
                        message->kind == MESSAGE_FILES_OPEN;
        refuse(visitor, expected ? STATUS_NEEDS_AUTHENTICATION : STATUS_UNEXPECTED);
    }
}

/* The session that a message names; NULL for one that begins no connection. */
static const struct session_id *named_session(const struct message *message)
{
    if (message->kind == MESSAGE_HELLO && message->body.hello.role == ROLE_EVENTS)
        return &message->body.hello.session;
    if (message->kind == MESSAGE_CHANNEL_OPEN)
        return &message->body.channel_open.session;
    return message->kind == MESSAGE_FILES_OPEN ? &message->body.files_open.session : NULL;
}

static void handle_joined_message(struct visitor *visitor, const struct message *message)
{
    struct reception *reception = visitor->reception;
    struct stream *stream = visitor->stream;
    uint64_t connection = visitor->connection;
    const struct session_id *named = named_session(message);
    if (named == NULL || !is_of_its_session(visitor, named)) {
        refuse(visitor, named == NULL ? STATUS_UNEXPECTED : STATUS_UNKNOWN_SESSION);
        return;
    }
    forget(visitor);
    if (message->kind == MESSAGE_HELLO)
        reception->handler->on_events(reception->ctx, stream, &message->body.hello);
    else if (message->kind == MESSAGE_CHANNEL_OPEN)
        reception->handler->on_channel(reception->ctx, stream, &message->body.channel_open);
    else
        reception->handler->on_files(reception->ctx, stream, connection, &message->body.files_open);
}

static void handle_frame(void *ctx, enum frame_type type, struct span payload)
{
    struct visitor *visitor = ctx;
    if (type == FRAME_RST || type == FRAME_FIN) {
        turn_away(visitor, UV_EOF);
        return;
    }
    if (type != FRAME_MESSAGE) {
        refuse(visitor, STATUS_UNEXPECTED);
        return;
    }
    struct message message;
    struct message_head head;
    int status = message_decode(payload, &message, &head);
    if (status < 0) {
        refuse(visitor, status);
        return;
    }
    if (visitor->joined)
        handle_joined_message(visitor, &message);
    else
        handle_first_message(visitor, &message, payload);
    message_finish(&message);
}

static size_t handle_data(void *ctx, struct span bytes)
{
    refuse(ctx, STATUS_UNEXPECTED);
    return bytes.size;
}

static void handle_end(void *ctx, int status, const char *text)
{
    turn_away(ctx, status);
}

static const struct stream_handler HANDLER = {
    .on_frame = handle_frame, .on_data = handle_data, .on_end = handle_end};

void reception_init(struct reception *reception, uv_loop_t *uv, const struct reception_handler *handler,
                    void *ctx)
{
    *reception = (struct reception){.handler = handler, .ctx = ctx};
    deadlines_init(&reception->deadlines, uv, HELLO_TIMEOUT_MS);
}

void reception_close(struct reception *reception, void (*on_closed)(void *ctx), void *ctx)
{
    while (reception->oldest != NULL) {
        stream_close(reception->oldest->stream);
        forget(reception->oldest);
    }
    deadlines_close(&reception->deadlines, on_closed, ctx);
}

void reception_add(struct reception *reception, struct stream *stream, const struct listener_peer *peer)
{
    if (reception->count >= PENDING_HELLO_MAX)
        turn_away(reception->oldest, STATUS_LIMIT);
    struct visitor *visitor = calloc(1, sizeof(*visitor));
    if (visitor == NULL) {
        stream_close(stream);
        return;
    }
    visitor->reception = reception;
    visitor->stream = stream;
    visitor->peer = *peer;
    visitor->previous = reception->newest;
    if (reception->newest != NULL)
        reception->newest->next = visitor;
    else
        reception->oldest = visitor;
    reception->newest = visitor;
    reception->count++;
    deadline_start(&reception->deadlines, &visitor->deadline, handle_due);
    stream_set_handler(stream, &HANDLER, visitor);
}
