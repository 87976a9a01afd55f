/* SPDX-License-Identifier: MIT */
/* The session as its parts see it: session.c (phases, time, life), session_greet.c (from dialling to up) and
 * session_receive.c (what the agent says). */
#ifndef HOSPES_SESSION_INTERNAL_H
#define HOSPES_SESSION_INTERNAL_H

#include "protocol/link/backoff.h"
#include "protocol/link/heartbeat.h"
#include "protocol/link/introduction.h"
#include "protocol/link/session.h"

enum session_phase {
    SESSION_WAITING,   /* for the next try */
    SESSION_CONTROL,   /* dialling, handshake */
    SESSION_COMPARING, /* people look at a code */
    SESSION_EVENTS,    /* the feed is being opened */
    SESSION_UP,
    SESSION_CLOSED
};

struct session {
    struct link_loop *loop;
    struct endpoint *endpoint;
    enum link_kind kind;
    const char *software;
    const struct session_handler *handler;
    void *ctx;
    uv_timer_t timer;
    enum session_phase phase;
    struct introduction *introduction; /* until the agent's WELCOME; owns the control stream as long */
    struct stream *control, *events;   /* NULL when not open */
    bool events_over_control;          /* this try */
    bool meet_anew;                    /* the agent has another key than the pinned one: XX tells which */
    bool psk_used;                     /* in this handshake */
    uint64_t want_code_until_ms;       /* monotonic; 0: nobody wants to pair by code */
    struct session_id id;
    struct session_keys *keys; /* locked memory; NULL when there is no session */
    uint64_t connections;      /* numbers that were given out */
    struct event_cursor cursor;
    bool snapshot_due;               /* the next event must be a snapshot, or go on with one */
    bool snapshot_begun;             /* parts of one came, and more follow with the same number */
    bool snapshot_has_ports;         /* of the one begun: PORTS came, so OFFERS are over */
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

/* session.c */
void session_set_timer(struct session *session, uint64_t delay_ms);
/* Whatever was there is gone; says why and waits for the next try. */
void session_lose(struct session *session, int status, const char *text);
void session_send_ping(struct session *session);
/* People are about to pair by code: for PAIRING_TIMEOUT_MS after session_retry. */
bool session_wants_code(const struct session *session);
/* A further connection: dialled, joined and, if the session is, sealed. session->connections is its number.
 */
int session_open_stream(struct session *session, enum endpoint_port port, struct stream **ret);

/* session_greet.c */
void session_dial(struct session *session);
/* The feed was refused or lost while it was being opened. */
void session_events_failed(struct session *session, int status, const char *text);
void session_events_welcome(struct session *session, const struct welcome_message *welcome);

/* session_receive.c */
extern const struct stream_handler SESSION_CONTROL_HANDLER, SESSION_EVENTS_HANDLER;

#endif
