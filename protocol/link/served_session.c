/* SPDX-License-Identifier: MIT */
/* Answers heartbeats, hands requests on, and ends when the link is lost or the bridge has been silent for
 * HEARTBEAT_WATCHDOG_MS. Each PING moves the watchdog, so that nothing wakes up in between. */
#include "protocol/link/served_session.h"

#include <stdlib.h>

#include "protocol/base/status.h"
#include "protocol/link/seal_stream.h"

struct served_session {
    struct link_loop *loop;
    struct stream *control;
    struct session_id id;
    uint16_t version;          /* in force: what its feed says, too */
    struct session_keys *keys; /* locked memory */
    struct connection_window connections;
    uv_timer_t watchdog;
    const struct served_session_handler *handler;
    void *ctx;
    void *owner;
    struct subscriber *subscriber; /* NULL: none */
    bool over;
};

static void end(struct served_session *session, int status, const char *text)
{
    if (session->over)
        return;
    session->over = true;
    session->handler->on_end(session->ctx, session, status, text);
}

static void handle_watchdog(uv_timer_t *timer)
{
    end(timer->data, STATUS_SILENT, "");
}

static void move_watchdog(struct served_session *session)
{
    uv_timer_start(&session->watchdog, handle_watchdog, HEARTBEAT_WATCHDOG_MS, 0);
}

static void answer_ping(struct served_session *session, uint64_t id)
{
    struct message pong = {.kind = MESSAGE_PONG, .id = id};
    stream_send_message(session->control, &pong);
    move_watchdog(session);
    session->handler->on_heartbeat(session->ctx, session);
}

static void refuse_unknown(struct served_session *session, const struct message_head *head)
{
    struct message error = {.kind = MESSAGE_ERROR, .id = head->id};
    error.body.failure.status = STATUS_NOT_SUPPORTED;
    stream_send_message(session->control, &error);
}

static void handle_frame(void *ctx, enum frame_type type, struct span payload)
{
    struct served_session *session = ctx;
    if (type != FRAME_MESSAGE) {
        end(session, type == FRAME_RST || type == FRAME_FIN ? UV_EOF : STATUS_UNEXPECTED, "");
        return;
    }
    struct message message;
    struct message_head head = {0};
    int status = message_decode(payload, &message, &head);
    if (status == STATUS_NOT_SUPPORTED) {
        refuse_unknown(session, &head);
        return;
    }
    if (status < 0) {
        end(session, status, "");
        return;
    }
    if (message.kind == MESSAGE_PING)
        answer_ping(session, message.id);
    else
        session->handler->on_request(session->ctx, session->control, &message);
    message_finish(&message);
}

static void handle_end(void *ctx, int status, const char *text)
{
    end(ctx, status, text);
}

static const struct stream_handler HANDLER = {.on_frame = handle_frame, .on_end = handle_end};

static int send_welcome(struct served_session *session, const struct welcome_message *welcome)
{
    int status = uv_random(NULL, NULL, session->id.bytes, sizeof(session->id.bytes), 0, NULL);
    if (status < 0)
        return status;
    struct message message = {.kind = MESSAGE_WELCOME};
    message.body.welcome = *welcome;
    message.body.welcome.session = session->id;
    return stream_send_message(session->control, &message);
}

int served_session_create(struct link_loop *loop, struct stream *control, const struct session_keys *keys,
                          const struct welcome_message *welcome, const struct served_session_handler *handler,
                          void *ctx, struct served_session **ret)
{
    struct served_session *session = calloc(1, sizeof(*session));
    if (session == NULL)
        return UV_ENOMEM;
    session->loop = loop;
    session->version = welcome->version;
    session->control = control;
    session->handler = handler;
    session->ctx = ctx;
    session->keys = secret_take(loop->secrets, sizeof(*session->keys));
    int status = session->keys == NULL ? UV_ENOMEM : 0;
    if (status == 0) {
        *session->keys = *keys;
        status = send_welcome(session, welcome);
    }
    if (status < 0) {
        secret_release(loop->secrets, session->keys, sizeof(*session->keys));
        free(session);
        return status;
    }
    stream_set_handler(control, &HANDLER, session);
    uv_timer_init(loop->uv, &session->watchdog);
    session->watchdog.data = session;
    move_watchdog(session);
    *ret = session;
    return 0;
}

static void handle_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void served_session_close(struct served_session *session)
{
    session->over = true;
    feed_unsubscribe(session->subscriber);
    session->subscriber = NULL;
    stream_close(session->control);
    secret_release(session->loop->secrets, session->keys, sizeof(*session->keys));
    session->keys = NULL;
    uv_close((uv_handle_t *)&session->watchdog, handle_closed);
}

const struct session_keys *served_session_keys(const struct served_session *session)
{
    return session->keys;
}

int served_session_join(struct served_session *session, const struct join_message *join,
                        struct stream *stream, struct stream **ret)
{
    if (!session_keys_check(session->keys, &session->id, join->connection, join->proof) ||
        !connection_window_take(&session->connections, join->connection))
        return STATUS_AUTHENTICATION_FAILED;
    *ret = stream;
    return session->keys->cipher == 0
               ? 0
               : seal_stream_create(session->loop, stream, session->keys, join->connection, false, ret);
}

const struct session_id *served_session_id(const struct served_session *session)
{
    return &session->id;
}

void served_session_set_owner(struct served_session *session, void *owner)
{
    session->owner = owner;
}

void *served_session_owner(const struct served_session *session)
{
    return session->owner;
}

/* The events connection broke: the bridge tears the whole link down and dials again, and so do we. */
static void handle_subscription_end(void *ctx)
{
    end(ctx, UV_EOF, "the events connection ended");
}

int served_session_subscribe(struct served_session *session, struct feed *feed, struct stream *stream,
                             struct event_cursor cursor, const struct welcome_message *welcome)
{
    feed_unsubscribe(session->subscriber);
    session->subscriber = NULL;
    struct welcome_message own = *welcome;
    own.version = session->version;
    own.session = session->id;
    return feed_subscribe(feed, stream, cursor, &own, handle_subscription_end, session, &session->subscriber);
}
