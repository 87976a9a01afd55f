/* SPDX-License-Identifier: MIT */
/* The agent's end of a control session, and what belongs to it: its event subscription and (by the owner's
 * pointer) its channels. */
#ifndef HOSPES_SERVED_SESSION_H
#define HOSPES_SERVED_SESSION_H

#include "protocol/link/feed.h"
#include "protocol/link/link_loop.h"
#include "protocol/wire/session_keys.h"

struct served_session; /* opaque */

struct served_session_handler {
    /* A request that the session does not answer by itself. Answer with stream_send_message(control, …) under
     * the same id, now or never. */
    void (*on_request)(void *ctx, struct stream *control, const struct message *request);
    void (*on_heartbeat)(void *ctx, struct served_session *session); /* a PING came and was answered */
    /* The session is over (link lost, watchdog, protocol error): served_session_close it. Never within a
     * call. */
    void (*on_end)(void *ctx, struct served_session *session, int status, const char *text);
};

/* Takes over the stream, which is sealed already if the session is, and sends `welcome` with a new random
 * session id. `keys` are copied. On failure the stream is still the caller's. */
int served_session_create(struct link_loop *loop, struct stream *control, const struct session_keys *keys,
                          const struct welcome_message *welcome, const struct served_session_handler *handler,
                          void *ctx, struct served_session **ret);
/* Ends its subscription and streams. Frees itself on the loop; no callback follows. */
void served_session_close(struct served_session *session);

const struct session_id *served_session_id(const struct served_session *session);
const struct session_keys *served_session_keys(const struct served_session *session);
/* A further connection says that it belongs here: checks its proof, which is good once. *ret is the stream
 * that carries it from now on. STATUS_AUTHENTICATION_FAILED, UV_ENOMEM: `stream` is still the caller's. */
int served_session_join(struct served_session *session, const struct join_message *join,
                        struct stream *stream, struct stream **ret);
/* The owner's pointer for what belongs to this session. */
void served_session_set_owner(struct served_session *session, void *owner);
void *served_session_owner(const struct served_session *session);
/* Its events go to `stream` from now on (an earlier subscription is closed). `welcome` is copied, with the
 * session's own id and version. */
int served_session_subscribe(struct served_session *session, struct feed *feed, struct stream *stream,
                             struct event_cursor cursor, const struct welcome_message *welcome);

#endif
