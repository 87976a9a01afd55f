/* SPDX-License-Identifier: MIT */
/* The bridge's end of one link: dials, says hello on control and events, keeps the heartbeat, and dials again
 * after every kind of loss until it is closed. */
#ifndef HOSPES_SESSION_H
#define HOSPES_SESSION_H

#include "protocol/link/endpoint.h"
#include "protocol/link/request.h"

struct session; /* opaque */

struct session_handler {
    /* Control and events are both there. Unless the events were resumed a snapshot follows. */
    void (*on_up)(void *ctx, const struct welcome_message *agent, bool resumed);
    /* It was up and is lost; redialling has begun. */
    void (*on_down)(void *ctx, int status, const char *text);
    /* A try to connect failed; the next is scheduled, unless status is STATUS_NEEDS_AUTHENTICATION. */
    void (*on_try_failed)(void *ctx, int status, const char *text);
    /* An event, in order, none twice and none missing. Valid until return. */
    void (*on_event)(void *ctx, const struct message *event);
};

/* `software` is borrowed for the whole life ("hospes-bridge 0.1.0"). UV_ENOMEM. */
int session_create(struct link_loop *loop, const struct link_spec *spec, const char *software,
                   const struct session_handler *handler, void *ctx, struct session **ret);
void session_start(struct session *session); /* the first try happens on the loop */
/* No callback but the requests' (STATUS_GONE, before return) and on_closed follows. */
void session_close(struct session *session, void (*on_closed)(void *ctx), void *ctx);

bool session_is_up(const struct session *session);
/* Asks the agent: a message of `kind` with an empty body. STATUS_NOT_CONNECTED, STATUS_LIMIT, UV_ENOBUFS,
 * UV_ENOMEM: not asked. */
int session_request(struct session *session, enum message_kind kind, uint64_t timeout_ms,
                    request_done on_done, void *ctx);
/* A stream that starts with CHANNEL_OPEN for `target`: give it a handler before returning to the loop. Data
 * may be sent at once. STATUS_NOT_CONNECTED, errors of endpoint_open. */
int session_open_channel(struct session *session, const struct dial_target *target, struct stream **ret);

uint64_t session_rtt_us(const struct session *session);       /* median of the last heartbeats; 0 = none */
uint64_t session_heard_ms_ago(const struct session *session); /* while up */
bool session_is_silent(const struct session *session);        /* up, but a heartbeat is overdue */
const struct requests *session_requests(const struct session *session);

#endif
