/* SPDX-License-Identifier: MIT */
/* From dialling to up: the transport is prepared, the control session introduces itself, then the event feed
 * joins. Where the events address refuses, events are asked for over the control address before the try
 * counts as failed. An agent that turns out to have another key than the pinned one is met anew in the next
 * try, only to learn its key and to refuse it by name. */
#include <stdio.h>

#include "protocol/base/clock.h"
#include "protocol/base/status.h"
#include "protocol/link/session_internal.h"

/* ---- control ---- */

static int handle_key(void *ctx, const uint8_t *key, bool psk_proved, bool *ret_compare)
{
    struct session *session = ctx;
    bool is_private = endpoint_is_private(session->endpoint);
    int status = session->handler->on_key(session->ctx, key, is_private, psk_proved);
    *ret_compare = status == STATUS_CODE_NEEDED && session_wants_code(session);
    return *ret_compare ? 0 : status;
}

static void handle_code(void *ctx, const char *code)
{
    struct session *session = ctx;
    session->phase = SESSION_COMPARING;
    session_set_timer(session, PAIRING_TIMEOUT_MS);
    session->handler->on_code(session->ctx, code);
}

static void dial_events(struct session *session);

static void handle_welcome(void *ctx, struct stream *stream, const struct session_keys *keys,
                           const struct welcome_message *welcome)
{
    struct session *session = ctx;
    bool compared = session->phase == SESSION_COMPARING;
    bool psk_proved = session->psk_used;
    session->introduction = NULL;
    session->control = stream;
    stream_set_handler(stream, &SESSION_CONTROL_HANDLER, session);
    session->keys = secret_take(session->loop->secrets, sizeof(*session->keys));
    if (session->keys == NULL) {
        session_lose(session, UV_ENOMEM, "");
        return;
    }
    *session->keys = *keys;
    *session->welcome = *welcome;
    session->id = welcome->session;
    session->connections = 0;
    session->meet_anew = false;
    session->want_code_until_ms = 0;
    session->handler->on_let_in(session->ctx, keys->peer, endpoint_is_private(session->endpoint), psk_proved,
                                compared);
    if (session->control != stream)
        return; /* closed or let go of within the call */
    heartbeat_start(&session->heartbeat, clock_monotonic_ms(), clock_boot_ms());
    dial_events(session);
}

static void handle_failed(void *ctx, int status, const char *text)
{
    struct session *session = ctx;
    session->introduction = NULL;
    if (status == STATUS_OTHER_KEY && !session->meet_anew)
        session->meet_anew = true;
    else
        session->meet_anew = false;
    session_lose(session, status, text);
}

static const struct introduction_handler INTRODUCTION_HANDLER = {
    .on_key = handle_key, .on_code = handle_code, .on_welcome = handle_welcome, .on_failed = handle_failed};

static void introduce(struct session *session, const struct session_credentials *credentials)
{
    struct stream *stream;
    int status = endpoint_open(session->endpoint, ENDPOINT_CONTROL, &stream);
    if (status < 0) {
        session_lose(session, status, "");
        return;
    }
    struct introduction_options options = {.software = session->software,
                                           .kind = session->kind,
                                           .port = endpoint_port(session->endpoint, ENDPOINT_CONTROL),
                                           .own = credentials->own,
                                           .peer = session->meet_anew ? NULL : credentials->peer,
                                           .psk = credentials->psk,
                                           .sealing = credentials->sealing};
    session->psk_used = credentials->psk != NULL;
    status = introduction_start(session->loop, stream, &options, &INTRODUCTION_HANDLER, session,
                                &session->introduction);
    if (status < 0) {
        stream_close(stream);
        session_lose(session, status, "");
    }
}

static void go_on_with_control(struct session *session)
{
    struct session_credentials credentials = {0};
    int status = session->handler->on_credentials(session->ctx, &credentials);
    if (status < 0)
        session_lose(session, status, "");
    else
        introduce(session, &credentials);
}

static void handle_prepared(void *ctx, int status, const char *text)
{
    struct session *session = ctx;
    session_set_timer(session, HELLO_TIMEOUT_MS);
    if (status < 0)
        session_lose(session, status, text);
    else
        go_on_with_control(session);
}

void session_dial(struct session *session)
{
    session->phase = SESSION_CONTROL;
    session->events_over_control = false;
    session_set_timer(session, HELLO_TIMEOUT_MS);
    int status = endpoint_prepare(session->endpoint, handle_prepared, session);
    if (status < 0)
        session_lose(session, status, "");
    else if (status > 0)
        go_on_with_control(session);
    else
        session_set_timer(session, ENDPOINT_PREPARE_MS + HELLO_TIMEOUT_MS); /* it keeps its own time */
}

/* ---- events ---- */

static int say_events_hello(struct session *session, struct stream *stream)
{
    struct message hello = {.kind = MESSAGE_HELLO};
    hello.body.hello.version = PROTOCOL_VERSION;
    hello.body.hello.version_min = PROTOCOL_VERSION_MIN;
    hello.body.hello.role = ROLE_EVENTS;
    snprintf(hello.body.hello.software, sizeof(hello.body.hello.software), "%s", session->software);
    snprintf(hello.body.hello.link, sizeof(hello.body.hello.link), "%s", link_kind_name(session->kind));
    capability_list_add(&hello.body.hello.capabilities, "ports");
    capability_list_add(&hello.body.hello.capabilities, "refusals");
    if (session->snapshot_due)
        session->cursor =
            (struct event_cursor){0}; /* lost before or within a snapshot: nothing to go on from */
    hello.body.hello.session = session->id;
    hello.body.hello.cursor = session->cursor;
    return stream_send_message(stream, &hello);
}

/* The control address takes events, too: one more way when their own address refuses. */
static bool may_fall_back(const struct session *session)
{
    return !session->events_over_control && endpoint_has_events_port(session->endpoint);
}

static int open_events(struct session *session)
{
    enum endpoint_port port = session->events_over_control ? ENDPOINT_CONTROL : ENDPOINT_EVENTS;
    int status = session_open_stream(session, port, &session->events);
    if (status < 0) {
        session->events = NULL;
        return status;
    }
    stream_set_handler(session->events, &SESSION_EVENTS_HANDLER, session);
    return say_events_hello(session, session->events);
}

static void dial_events(struct session *session)
{
    session->phase = SESSION_EVENTS;
    session_set_timer(session, HELLO_TIMEOUT_MS);
    int status = open_events(session);
    if (status < 0)
        session_events_failed(session, status, "");
}

void session_events_failed(struct session *session, int status, const char *text)
{
    if (session->phase != SESSION_EVENTS || !may_fall_back(session)) {
        session_lose(session, status, text);
        return;
    }
    stream_close(session->events);
    session->events = NULL;
    session->events_over_control = true;
    dial_events(session);
}

void session_events_welcome(struct session *session, const struct welcome_message *welcome)
{
    bool as_asked = session->cursor.epoch != 0 && welcome->cursor.epoch == session->cursor.epoch &&
                    welcome->cursor.sequence == session->cursor.sequence;
    if (welcome->version != session->welcome->version) {
        session_lose(session, STATUS_VERSION, "");
        return;
    }
    if (welcome->resumed && !as_asked) {
        session->cursor = (struct event_cursor){0};
        session_lose(session, STATUS_MALFORMED, "events are resumed where nobody asked for it");
        return;
    }
    if (!welcome->resumed)
        session->cursor = (struct event_cursor){.epoch = welcome->cursor.epoch};
    session->snapshot_due = !welcome->resumed;
    session->snapshot_begun = false;
    session->phase = SESSION_UP;
    session->up_since_ms = clock_monotonic_ms();
    session_set_timer(session, HEARTBEAT_INTERVAL_MS);
    session_send_ping(session);
    session->handler->on_up(session->ctx, session->welcome, welcome->resumed);
}
