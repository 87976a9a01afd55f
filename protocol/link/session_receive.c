/* SPDX-License-Identifier: MIT */
/* What the agent says in a session: answers, pongs, and events, whose order is checked here. */
#include "protocol/base/clock.h"
#include "protocol/base/status.h"
#include "protocol/link/session_internal.h"

/* OFFERS' parts of a snapshot come before those of PORTS, whose last one ends it. */
static bool is_in_order(const struct session *session, const struct message *event)
{
    bool offers = event->kind == MESSAGE_OFFERS && event->body.offers.snapshot;
    bool ports = event->kind == MESSAGE_PORTS && event->body.ports.snapshot;
    if (!offers && !ports)
        return !session->snapshot_due && event->id == session->cursor.sequence + 1;
    if (!session->snapshot_begun)
        return event->id >= session->cursor.sequence;
    return event->id == session->snapshot_sequence && !(offers && session->snapshot_has_ports);
}

/* A part of a snapshot behind which more must come. */
static bool is_part(const struct message *event)
{
    if (event->kind == MESSAGE_OFFERS)
        return event->body.offers.snapshot;
    return event->kind == MESSAGE_PORTS && event->body.ports.snapshot && event->body.ports.more;
}

static void handle_event(struct session *session, const struct message *event)
{
    if (!is_in_order(session, event)) {
        session->cursor = (struct event_cursor){0};
        session_lose(session, STATUS_MALFORMED, "an event is missing or came twice");
        return;
    }
    session->snapshot_begun = session->snapshot_due = is_part(event);
    session->snapshot_has_ports = event->kind == MESSAGE_PORTS;
    session->snapshot_sequence = event->id;
    if (!session->snapshot_begun)
        session->cursor.sequence = event->id;
    session->handler->on_event(session->ctx, event);
}

static void handle_control_message(struct session *session, const struct message *message)
{
    switch (message->kind) {
    case MESSAGE_REFUSE:
        session_lose(session, message->body.failure.status, message->body.failure.text);
        break;
    case MESSAGE_PONG:
        heartbeat_pong(&session->heartbeat, message->id, uv_hrtime());
        break;
    case MESSAGE_HEALTH:
    case MESSAGE_ERROR:
        requests_answer(&session->requests, message);
        break;
    default:
        session_lose(session, STATUS_UNEXPECTED, message_kind_name(message->kind));
    }
}

static void handle_events_message(struct session *session, const struct message *message)
{
    bool event = message->kind == MESSAGE_PORTS || message->kind == MESSAGE_REFUSALS ||
                 message->kind == MESSAGE_OFFERS;
    if (message->kind == MESSAGE_WELCOME && session->phase == SESSION_EVENTS)
        session_events_welcome(session, &message->body.welcome);
    else if (message->kind == MESSAGE_REFUSE)
        session_lose(session, message->body.failure.status, message->body.failure.text);
    else if (event && session->phase == SESSION_UP)
        handle_event(session, message);
    else
        session_lose(session, STATUS_UNEXPECTED, message_kind_name(message->kind));
}

static void handle_frame(struct session *session, enum frame_type type, struct span payload,
                         void (*handle_message)(struct session *session, const struct message *message))
{
    heartbeat_heard(&session->heartbeat, clock_monotonic_ms());
    if (type == FRAME_RST) {
        int status = UV_ECONNRESET;
        char text[TEXT_REASON_MAX + 1] = "";
        frame_rst_decode(payload, &status, text);
        session_lose(session, status, text);
        return;
    }
    if (type != FRAME_MESSAGE) {
        session_lose(session, STATUS_UNEXPECTED, "a frame that belongs to channels");
        return;
    }
    struct message message;
    struct message_head head;
    int status = message_decode(payload, &message, &head);
    if (status == STATUS_NOT_SUPPORTED)
        return; /* a newer agent's news: what this side does not know it does not need */
    if (status < 0) {
        session_lose(session, status, "");
        return;
    }
    handle_message(session, &message);
    message_finish(&message);
}

static void control_on_frame(void *ctx, enum frame_type type, struct span payload)
{
    handle_frame(ctx, type, payload, handle_control_message);
}

static void events_on_frame(void *ctx, enum frame_type type, struct span payload)
{
    handle_frame(ctx, type, payload, handle_events_message);
}

static void control_on_end(void *ctx, int status, const char *text)
{
    session_lose(ctx, status, text);
}

static void events_on_end(void *ctx, int status, const char *text)
{
    session_events_failed(ctx, status, text);
}

const struct stream_handler SESSION_CONTROL_HANDLER = {.on_frame = control_on_frame,
                                                       .on_end = control_on_end};
const struct stream_handler SESSION_EVENTS_HANDLER = {.on_frame = events_on_frame, .on_end = events_on_end};
