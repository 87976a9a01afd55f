/* SPDX-License-Identifier: MIT */
/* Theory of operation
 *
 *   waiting ──timer──▶ control ──WELCOME──▶ events ──WELCOME──▶ up
 *      ▲                │    └─ comparing ─┘  │                │
 *      └────────────────┴──────── any loss ───┴────────────────┘
 *
 * One timer serves all phases: the redial delay while waiting, the deadline for an answer in control and
 * events, people's time while they compare, the heartbeat while up. A loss tears down everything at once (the
 * streams, the shared transport, keys, requests) and is reported with its reason; the channels end by
 * themselves, since the agent drops what belongs to a session that is gone and their connections break. After
 * a refusal that only a person can undo the next try comes much later, or by session_retry. It leaves to
 * others: what events mean and whom to trust (guest), what a channel carries (relay).
 */
#include "protocol/link/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/base/status.h"
#include "protocol/link/seal_stream.h"
#include "protocol/link/session_internal.h"

#define STABLE_AFTER_MS 2000 /* a session that lived so long starts the backoff over */

static void handle_timer(uv_timer_t *timer);

void session_set_timer(struct session *session, uint64_t delay_ms)
{
    uv_timer_start(&session->timer, handle_timer, delay_ms, 0);
}

static void drop_streams(struct session *session)
{
    introduction_cancel(session->introduction);
    session->introduction = NULL;
    stream_close(session->events);
    if (session->control != NULL)
        stream_abort(session->control, STATUS_GONE, ""); /* so that a sealed one is no cut */
    session->control = session->events = NULL;
    secret_release(session->loop->secrets, session->keys, sizeof(*session->keys));
    session->keys = NULL;
    endpoint_reset(session->endpoint);
}

static uint32_t random_number(void)
{
    uint32_t value = 0;
    uv_random(NULL, NULL, &value, sizeof(value), 0, NULL);
    return value;
}

bool session_wants_code(const struct session *session)
{
    return session->want_code_until_ms > clock_monotonic_ms();
}

/* Only a person can change it. Where people are about to pair by code the other one may be ready soon. */
static bool needs_people(const struct session *session, int status)
{
    switch (status) {
    case STATUS_CODE_NEEDED:
    case STATUS_NOT_PAIRED:
        return !session_wants_code(session);
    case STATUS_KEY_CHANGED:
    case STATUS_DECLINED:
    case STATUS_NOT_ALLOWED:
        return true;
    default:
        return false;
    }
}

static uint64_t choose_delay(struct session *session, int status)
{
    uint64_t delay = backoff_next(&session->backoff, random_number());
    return needs_people(session, status) ? REDIAL_UNTRUSTED_MS : delay;
}

void session_lose(struct session *session, int status, const char *text)
{
    if (session->phase == SESSION_CLOSED || session->phase == SESSION_WAITING)
        return;
    bool was_up = session->phase == SESSION_UP;
    if (was_up && clock_monotonic_ms() - session->up_since_ms >= STABLE_AFTER_MS)
        backoff_reset(&session->backoff);
    session->phase = SESSION_WAITING;
    char reason[TEXT_REASON_MAX + 1]; /* `text` may belong to what is dropped now */
    snprintf(reason, sizeof(reason), "%s", text);
    drop_streams(session);
    if (status == STATUS_DECLINED)
        session->want_code_until_ms = 0;
    session_set_timer(session, choose_delay(session, status));
    requests_fail(&session->requests, STATUS_NOT_CONNECTED);
    if (session->phase == SESSION_CLOSED)
        return;
    if (was_up)
        session->handler->on_down(session->ctx, status, reason);
    else
        session->handler->on_try_failed(session->ctx, status, reason);
}

void session_send_ping(struct session *session)
{
    struct message ping = {.kind = MESSAGE_PING, .id = heartbeat_ping(&session->heartbeat, uv_hrtime())};
    stream_send_message(session->control, &ping); /* a full queue: the silence will tell */
}

/* ---- time ---- */

static void handle_heartbeat(struct session *session)
{
    uint32_t delay = heartbeat_tick(&session->heartbeat, clock_monotonic_ms(), clock_boot_ms());
    if (delay == 0) {
        session_lose(session, STATUS_SILENT, "");
        return;
    }
    session_set_timer(session, delay);
    session_send_ping(session);
}

static void handle_timer(uv_timer_t *timer)
{
    struct session *session = timer->data;
    switch (session->phase) {
    case SESSION_WAITING:
        session_dial(session);
        break;
    case SESSION_CONTROL:
    case SESSION_EVENTS:
        session_lose(session, STATUS_NO_GREETING, "");
        break;
    case SESSION_COMPARING:
        session_lose(session, STATUS_DECLINED, "nobody confirmed the code in time");
        break;
    case SESSION_UP:
        handle_heartbeat(session);
        break;
    case SESSION_CLOSED:
        break;
    }
}

/* ---- life ---- */

static void handle_endpoint_lost(void *ctx, int status, const char *text)
{
    session_lose(ctx, status, text);
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
    session->phase = SESSION_WAITING;
    uv_timer_init(loop->uv, &session->timer);
    session->timer.data = session;
    requests_init(&session->requests, loop->uv);
    *ret = session;
    return 0;
}

void session_start(struct session *session)
{
    session_set_timer(session, 0);
}

void session_retry(struct session *session, int status, bool want_code)
{
    if (session->phase == SESSION_CLOSED)
        return;
    session->want_code_until_ms = want_code ? clock_monotonic_ms() + PAIRING_TIMEOUT_MS : 0;
    session->meet_anew = false;
    session_lose(session, status, "");
    if (session->phase != SESSION_WAITING)
        return; /* closed within the call */
    backoff_reset(&session->backoff);
    session_set_timer(session, 0);
}

void session_punish(struct session *session, const char *text)
{
    session_lose(session, STATUS_LIMIT, text);
    if (session->phase == SESSION_WAITING)
        session_set_timer(session, REDIAL_UNTRUSTED_MS);
}

void session_answer_code(struct session *session, bool same)
{
    if (session->phase != SESSION_COMPARING)
        return;
    if (same)
        introduction_agree(session->introduction);
    else
        session_lose(session, STATUS_DECLINED, "the people of the host say that the code is another one");
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
    session->phase = SESSION_CLOSED;
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
    return session->phase == SESSION_UP;
}

int session_request(struct session *session, enum message_kind kind, uint64_t timeout_ms,
                    request_done on_done, void *ctx)
{
    if (session->phase != SESSION_UP)
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

int session_open_stream(struct session *session, enum endpoint_port port, struct stream **ret)
{
    struct stream *stream;
    int status = endpoint_open(session->endpoint, port, &stream);
    if (status < 0)
        return status;
    struct message join = {.kind = MESSAGE_JOIN};
    join.body.join.session = session->id;
    join.body.join.connection = ++session->connections;
    session_keys_prove(session->keys, &session->id, session->connections, join.body.join.proof);
    *ret = stream;
    status = stream_send_message(stream, &join);
    if (status == 0 && session->keys->cipher != 0)
        status = seal_stream_create(session->loop, stream, session->keys, session->connections, true, ret);
    if (status < 0)
        stream_close(stream);
    return status;
}

int session_open_channel(struct session *session, const struct dial_target *target, struct stream **ret)
{
    if (session->phase != SESSION_UP)
        return STATUS_NOT_CONNECTED;
    int status = session_open_stream(session, ENDPOINT_CONTROL, ret);
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

int session_open_files(struct session *session, const struct files_open_message *open, struct stream **ret,
                       struct files_keys *ret_keys)
{
    if (session->phase != SESSION_UP)
        return STATUS_NOT_CONNECTED;
    int status = session_open_stream(session, ENDPOINT_CONTROL, ret);
    if (status < 0)
        return status;
    session_keys_of_files(session->keys, session->connections, ret_keys);
    struct message message = {.kind = MESSAGE_FILES_OPEN};
    message.body.files_open = *open;
    message.body.files_open.session = session->id;
    status = stream_send_message(*ret, &message);
    if (status < 0) {
        files_keys_wipe(ret_keys);
        stream_close(*ret);
    }
    return status;
}

enum aead_cipher session_cipher(const struct session *session)
{
    return session->phase == SESSION_UP ? session->keys->cipher : 0;
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
    return session->phase == SESSION_UP && session_heard_ms_ago(session) > 2 * HEARTBEAT_INTERVAL_MS;
}

const struct requests *session_requests(const struct session *session)
{
    return &session->requests;
}
