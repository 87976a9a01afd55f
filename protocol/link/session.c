/* SPDX-License-Identifier: MIT */
/* Theory of operation
 *
 *   waiting ──timer──▶ control ──WELCOME──▶ events ──WELCOME──▶ up
 *      ▲                  │                    │                │
 *      └──────────────────┴── any loss ────────┴────────────────┘
 *
 * One timer serves all phases: the redial delay while waiting, the deadline for an answer in control and
 * events, the heartbeat while up. A loss tears down everything at once (both streams, the shared transport,
 * the requests) and is reported with its reason; the channels end by themselves, since the agent drops what
 * belongs to a session that is gone and their connections break. Where the events address refuses, events are
 * asked for over the control address before the try counts as failed. It leaves to others: what events mean
 * (guest), what a channel carries (relay).
 */
#include "protocol/link/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/base/status.h"
#include "protocol/link/backoff.h"
#include "protocol/link/heartbeat.h"

#define STABLE_AFTER_MS 2000 /* a session that lived so long starts the backoff over */

enum phase { PHASE_WAITING, PHASE_CONTROL, PHASE_EVENTS, PHASE_UP, PHASE_STOPPED, PHASE_CLOSED };

struct session {
    struct link_loop *loop;
    struct endpoint *endpoint;
    enum link_kind kind;
    const char *software;
    const struct session_handler *handler;
    void *ctx;
    uv_timer_t timer;
    enum phase phase;
    struct stream *control, *events; /* NULL when not open */
    bool events_over_control;        /* this try */
    struct session_id id;
    struct event_cursor cursor;
    bool snapshot_due;               /* the next event must be a snapshot, or go on with one */
    bool snapshot_begun;             /* parts of one came, and more follow with the same number */
    uint64_t snapshot_sequence;      /* of the one begun */
    struct welcome_message *welcome; /* of the present try */
    struct heartbeat heartbeat;
    struct backoff backoff;
    uint64_t up_since_ms;
    struct requests requests;
    int handles_left; /* until on_closed */
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

static void handle_timer(uv_timer_t *timer);

static void set_timer(struct session *session, uint64_t delay_ms)
{
    uv_timer_start(&session->timer, handle_timer, delay_ms, 0);
}

static void drop_streams(struct session *session)
{
    stream_close(session->control);
    stream_close(session->events);
    session->control = session->events = NULL;
    endpoint_reset(session->endpoint);
}

static uint32_t random_number(void)
{
    uint32_t value = 0;
    uv_random(NULL, NULL, &value, sizeof(value), 0, NULL);
    return value;
}

/* Whatever was there is gone; says why and waits for the next try. */
static void lose(struct session *session, int status, const char *text)
{
    if (session->phase == PHASE_CLOSED || session->phase == PHASE_WAITING || session->phase == PHASE_STOPPED)
        return;
    bool was_up = session->phase == PHASE_UP;
    if (was_up && clock_monotonic_ms() - session->up_since_ms >= STABLE_AFTER_MS)
        backoff_reset(&session->backoff);
    session->phase = status == STATUS_NEEDS_AUTHENTICATION ? PHASE_STOPPED : PHASE_WAITING;
    char reason[TEXT_REASON_MAX + 1]; /* `text` may belong to what is dropped now */
    snprintf(reason, sizeof(reason), "%s", text);
    drop_streams(session);
    if (session->phase == PHASE_WAITING)
        set_timer(session, backoff_next(&session->backoff, random_number()));
    else
        uv_timer_stop(&session->timer);
    requests_fail(&session->requests, STATUS_NOT_CONNECTED);
    if (session->phase == PHASE_CLOSED)
        return;
    if (was_up)
        session->handler->on_down(session->ctx, status, reason);
    else
        session->handler->on_try_failed(session->ctx, status, reason);
}

/* ---- hello ---- */

static const struct stream_handler CONTROL_HANDLER, EVENTS_HANDLER;

static int say_hello(struct session *session, struct stream *stream, enum hello_role role)
{
    struct message hello = {.kind = MESSAGE_HELLO};
    hello.body.hello.version = PROTOCOL_VERSION;
    hello.body.hello.version_min = PROTOCOL_VERSION_MIN;
    hello.body.hello.role = (uint8_t)role;
    snprintf(hello.body.hello.software, sizeof(hello.body.hello.software), "%s", session->software);
    snprintf(hello.body.hello.link, sizeof(hello.body.hello.link), "%s", link_kind_name(session->kind));
    capability_list_add(&hello.body.hello.capabilities, "ports");
    capability_list_add(&hello.body.hello.capabilities, "channels");
    capability_list_add(&hello.body.hello.capabilities, "health");
    if (role == ROLE_EVENTS) {
        if (session->snapshot_due)
            session->cursor =
                (struct event_cursor){0}; /* lost before or within a snapshot: nothing to go on from */
        hello.body.hello.session = session->id;
        hello.body.hello.cursor = session->cursor;
    }
    return stream_send_message(stream, &hello);
}

static int open_and_greet(struct session *session, enum endpoint_port port, enum hello_role role,
                          const struct stream_handler *handler, struct stream **ret)
{
    int status = endpoint_open(session->endpoint, port, ret);
    if (status < 0)
        return status;
    stream_set_handler(*ret, handler, session);
    return say_hello(session, *ret, role);
}

static void dial(struct session *session)
{
    session->phase = PHASE_CONTROL;
    session->events_over_control = false;
    set_timer(session, HELLO_TIMEOUT_MS);
    int status = open_and_greet(session, ENDPOINT_CONTROL, ROLE_CONTROL, &CONTROL_HANDLER, &session->control);
    if (status < 0)
        lose(session, status, "");
}

/* The control address takes events, too: one more way when their own address refuses. */
static bool may_fall_back(const struct session *session)
{
    return !session->events_over_control && endpoint_has_events_port(session->endpoint);
}

static void dial_events(struct session *session)
{
    session->phase = PHASE_EVENTS;
    set_timer(session, HELLO_TIMEOUT_MS);
    enum endpoint_port port = session->events_over_control ? ENDPOINT_CONTROL : ENDPOINT_EVENTS;
    int status = open_and_greet(session, port, ROLE_EVENTS, &EVENTS_HANDLER, &session->events);
    if (status < 0 && session->events == NULL && may_fall_back(session)) {
        session->events_over_control = true;
        dial_events(session);
    } else if (status < 0) {
        lose(session, status, "");
    }
}

static bool accept_welcome(struct session *session, const struct welcome_message *welcome)
{
    if (welcome->version < PROTOCOL_VERSION_MIN || welcome->version > PROTOCOL_VERSION) {
        lose(session, STATUS_VERSION, "");
        return false;
    }
    return true;
}

static void handle_control_welcome(struct session *session, const struct welcome_message *welcome)
{
    if (!accept_welcome(session, welcome))
        return;
    *session->welcome = *welcome;
    session->id = welcome->session;
    heartbeat_start(&session->heartbeat, clock_monotonic_ms(), clock_boot_ms());
    dial_events(session);
}

static void send_ping(struct session *session)
{
    struct message ping = {.kind = MESSAGE_PING, .id = heartbeat_ping(&session->heartbeat, uv_hrtime())};
    stream_send_message(session->control, &ping); /* a full queue: the silence will tell */
}

static void handle_events_welcome(struct session *session, const struct welcome_message *welcome)
{
    if (!accept_welcome(session, welcome))
        return;
    bool as_asked = session->cursor.epoch != 0 && welcome->cursor.epoch == session->cursor.epoch &&
                    welcome->cursor.sequence == session->cursor.sequence;
    if (welcome->resumed && !as_asked) {
        session->cursor = (struct event_cursor){0};
        lose(session, STATUS_MALFORMED, "events are resumed where nobody asked for it");
        return;
    }
    if (!welcome->resumed)
        session->cursor = (struct event_cursor){.epoch = welcome->cursor.epoch};
    session->snapshot_due = !welcome->resumed;
    session->snapshot_begun = false;
    session->phase = PHASE_UP;
    session->up_since_ms = clock_monotonic_ms();
    set_timer(session, HEARTBEAT_INTERVAL_MS);
    send_ping(session);
    session->handler->on_up(session->ctx, session->welcome, welcome->resumed);
}

/* ---- messages ---- */

static bool is_in_order(const struct session *session, const struct message *event)
{
    if (!event->body.ports.snapshot)
        return !session->snapshot_due && event->id == session->cursor.sequence + 1;
    return session->snapshot_begun ? event->id == session->snapshot_sequence
                                   : event->id >= session->cursor.sequence;
}

static void handle_event(struct session *session, const struct message *event)
{
    const struct ports_message *ports = &event->body.ports;
    if (!is_in_order(session, event)) {
        session->cursor = (struct event_cursor){0};
        lose(session, STATUS_MALFORMED, "an event is missing or came twice");
        return;
    }
    session->snapshot_begun = session->snapshot_due = ports->snapshot && ports->more;
    session->snapshot_sequence = event->id;
    if (!session->snapshot_begun)
        session->cursor.sequence = event->id;
    session->handler->on_event(session->ctx, event);
}

static void handle_control_message(struct session *session, const struct message *message)
{
    switch (message->kind) {
    case MESSAGE_WELCOME:
        if (session->phase == PHASE_CONTROL)
            handle_control_welcome(session, &message->body.welcome);
        else
            lose(session, STATUS_UNEXPECTED, "a second welcome");
        break;
    case MESSAGE_REFUSE:
        lose(session, message->body.failure.status, message->body.failure.text);
        break;
    case MESSAGE_PONG:
        heartbeat_pong(&session->heartbeat, message->id, uv_hrtime());
        break;
    case MESSAGE_HEALTH:
    case MESSAGE_ERROR:
        requests_answer(&session->requests, message);
        break;
    default:
        lose(session, STATUS_UNEXPECTED, message_kind_name(message->kind));
    }
}

static void handle_events_message(struct session *session, const struct message *message)
{
    if (message->kind == MESSAGE_WELCOME && session->phase == PHASE_EVENTS)
        handle_events_welcome(session, &message->body.welcome);
    else if (message->kind == MESSAGE_REFUSE)
        lose(session, message->body.failure.status, message->body.failure.text);
    else if (message->kind == MESSAGE_PORTS && session->phase == PHASE_UP)
        handle_event(session, message);
    else
        lose(session, STATUS_UNEXPECTED, message_kind_name(message->kind));
}

static void handle_frame(struct session *session, enum frame_type type, struct span payload,
                         void (*handle_message)(struct session *session, const struct message *message))
{
    heartbeat_heard(&session->heartbeat, clock_monotonic_ms());
    if (type == FRAME_RST) {
        int status = UV_ECONNRESET;
        char text[TEXT_REASON_MAX + 1] = "";
        frame_rst_decode(payload, &status, text);
        lose(session, status, text);
        return;
    }
    if (type != FRAME_MESSAGE) {
        lose(session, STATUS_UNEXPECTED, "a frame that belongs to channels");
        return;
    }
    struct message message;
    struct message_head head;
    int status = message_decode(payload, &message, &head);
    if (status == STATUS_NOT_SUPPORTED)
        return; /* a newer agent's news: what this side does not know it does not need */
    if (status < 0) {
        lose(session, status, "");
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
    lose(ctx, status, text);
}

static void events_on_end(void *ctx, int status, const char *text)
{
    struct session *session = ctx;
    if (session->phase != PHASE_EVENTS || !may_fall_back(session)) {
        lose(session, status, text);
        return;
    }
    stream_close(session->events);
    session->events = NULL;
    session->events_over_control = true;
    dial_events(session);
}

static const struct stream_handler CONTROL_HANDLER = {.on_frame = control_on_frame, .on_end = control_on_end};
static const struct stream_handler EVENTS_HANDLER = {.on_frame = events_on_frame, .on_end = events_on_end};

/* ---- time ---- */

static void handle_timer(uv_timer_t *timer)
{
    struct session *session = timer->data;
    switch (session->phase) {
    case PHASE_WAITING:
        dial(session);
        break;
    case PHASE_CONTROL:
    case PHASE_EVENTS:
        lose(session, STATUS_NO_GREETING, "");
        break;
    case PHASE_UP: {
        uint32_t delay = heartbeat_tick(&session->heartbeat, clock_monotonic_ms(), clock_boot_ms());
        if (delay == 0) {
            lose(session, STATUS_SILENT, "");
            break;
        }
        set_timer(session, delay);
        send_ping(session);
        break;
    }
    default:
        break;
    }
}

/* ---- life ---- */

static void handle_endpoint_lost(void *ctx, int status, const char *text)
{
    lose(ctx, status, text);
}

int session_create(struct link_loop *loop, const struct link_spec *spec, const char *software,
                   const struct session_handler *handler, void *ctx, struct session **ret)
{
    struct session *session = calloc(1, sizeof(*session));
    struct welcome_message *welcome = calloc(1, sizeof(*welcome));
    int status = session == NULL || welcome == NULL ? UV_ENOMEM : 0;
    if (status == 0)
        status = endpoint_create(loop, spec, handle_endpoint_lost, session, &session->endpoint);
    if (status < 0) {
        free(welcome);
        free(session);
        return status;
    }
    session->loop = loop;
    session->kind = spec->kind;
    session->software = software;
    session->handler = handler;
    session->ctx = ctx;
    session->welcome = welcome;
    session->phase = PHASE_WAITING;
    uv_timer_init(loop->uv, &session->timer);
    session->timer.data = session;
    requests_init(&session->requests, loop->uv);
    *ret = session;
    return 0;
}

void session_start(struct session *session)
{
    set_timer(session, 0);
}

static void maybe_finish(struct session *session)
{
    if (--session->handles_left > 0)
        return;
    void (*on_closed)(void *ctx) = session->on_closed;
    void *ctx = session->closed_ctx;
    free(session->welcome);
    free(session);
    on_closed(ctx);
}

static void handle_timer_closed(uv_handle_t *handle)
{
    maybe_finish(handle->data);
}

static void handle_part_closed(void *ctx)
{
    maybe_finish(ctx);
}

void session_close(struct session *session, void (*on_closed)(void *ctx), void *ctx)
{
    session->phase = PHASE_CLOSED;
    session->on_closed = on_closed;
    session->closed_ctx = ctx;
    session->handles_left = 3;
    drop_streams(session);
    uv_close((uv_handle_t *)&session->timer, handle_timer_closed);
    requests_close(&session->requests, handle_part_closed, session);
    endpoint_close(session->endpoint, handle_part_closed, session);
}

/* ---- use ---- */

bool session_is_up(const struct session *session)
{
    return session->phase == PHASE_UP;
}

int session_request(struct session *session, enum message_kind kind, uint64_t timeout_ms,
                    request_done on_done, void *ctx)
{
    if (session->phase != PHASE_UP)
        return STATUS_NOT_CONNECTED;
    struct message message = {.kind = kind};
    int status = requests_add(&session->requests, timeout_ms, on_done, ctx, &message.id);
    if (status < 0)
        return status;
    status = stream_send_message(session->control, &message);
    if (status < 0)
        requests_drop(&session->requests, message.id);
    return status;
}

int session_open_channel(struct session *session, const struct dial_target *target, struct stream **ret)
{
    if (session->phase != PHASE_UP)
        return STATUS_NOT_CONNECTED;
    int status = endpoint_open(session->endpoint, ENDPOINT_CONTROL, ret);
    if (status < 0)
        return status;
    struct message open = {.kind = MESSAGE_CHANNEL_OPEN};
    open.body.channel_open.session = session->id;
    open.body.channel_open.target = *target;
    status = stream_send_message(*ret, &open);
    if (status < 0)
        stream_close(*ret);
    return status;
}

uint64_t session_rtt_us(const struct session *session)
{
    return heartbeat_rtt_us(&session->heartbeat);
}

uint64_t session_heard_ms_ago(const struct session *session)
{
    return clock_monotonic_ms() - session->heartbeat.last_heard_ms;
}

bool session_is_silent(const struct session *session)
{
    return session->phase == PHASE_UP && session_heard_ms_ago(session) > 2 * HEARTBEAT_INTERVAL_MS;
}

const struct requests *session_requests(const struct session *session)
{
    return &session->requests;
}
