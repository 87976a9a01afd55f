/* SPDX-License-Identifier: MIT */
/* The bridge's end of one link: dials, introduces itself, opens the event feed, keeps the heartbeat, and
 * dials again after every kind of loss until it is closed. */
#ifndef HOSPES_SESSION_H
#define HOSPES_SESSION_H

#include "protocol/link/endpoint.h"
#include "protocol/link/request.h"
#include "protocol/wire/session_keys.h"

struct session; /* opaque */

/* What the owner brings to a try. Pointers are borrowed until the next on_credentials or session_close. */
struct session_credentials {
    const struct noise_key_pair *own;
    const uint8_t *peer; /* the agent's pinned key; NULL: a first meeting */
    const uint8_t *psk;  /* NULL: none */
    enum sealing sealing;
};

struct session_handler {
    /* Before each try. < 0: not now (on_try_failed says so); the next try comes with session_retry, or after
     * a while. */
    /* Within this one and on_key no session_close, session_retry or session_punish. */
    int (*on_credentials)(void *ctx, struct session_credentials *ret);
    /* The agent has proved to hold `key`. `link_is_private`: only the hypervisor or the same user reaches it.
     * 0: go on; STATUS_CODE_NEEDED: only by comparing a code; else the try fails with it. */
    int (*on_key)(void *ctx, const uint8_t *key, bool link_is_private, bool psk_proved);
    /* The agent let us in, and what was judged by on_key counts from now on: the key can be pinned.
     * `compared`: by a code. */
    void (*on_let_in)(void *ctx, const uint8_t *key, bool link_is_private, bool psk_proved, bool compared);
    /* People must compare this code: session_answer_code. */
    void (*on_code)(void *ctx, const char *code);
    /* Control and events are both there. Unless the events were resumed a snapshot follows. */
    void (*on_up)(void *ctx, const struct welcome_message *agent, bool resumed);
    /* It was up and is lost; redialling has begun. */
    void (*on_down)(void *ctx, int status, const char *text);
    /* A try to connect failed; the next is scheduled. */
    void (*on_try_failed)(void *ctx, int status, const char *text);
    /* An event, in order, none twice and none missing. Valid until return. */
    void (*on_event)(void *ctx, const struct message *event);
};

/* `software` is borrowed for the whole life ("hospes-bridge 0.1.0"). UV_ENOMEM. */
int session_create(struct link_loop *loop, const struct link_spec *spec, const char *software,
                   const struct session_handler *handler, void *ctx, struct session **ret);
void session_start(struct session *session); /* the first try happens on the loop */
/* Lets go of what there is (as lost with `status`: on_down or on_try_failed, before return) and dials at
 * once. With `want_code` a link that pairs by code may ask for it, and is tried again for PAIRING_TIMEOUT_MS
 * until the guest's people are ready. */
void session_retry(struct session *session, int status, bool want_code);
/* The people of the host compared the code. No-op when nothing is compared. */
void session_answer_code(struct session *session, bool same);
/* The link gave more than it may: on_down, and the next try comes after REDIAL_UNTRUSTED_MS. */
void session_punish(struct session *session, const char *text);
/* No callback but the requests' (STATUS_GONE, before return) and on_closed follows. */
void session_close(struct session *session, void (*on_closed)(void *ctx), void *ctx);

/* The cipher of its records: 0 while not up, or when payload goes plain. */
enum aead_cipher session_cipher(const struct session *session);
bool session_is_up(const struct session *session);
/* Asks the agent: a message of `kind` with an empty body. STATUS_NOT_CONNECTED, STATUS_LIMIT, UV_ENOBUFS,
 * UV_ENOMEM: not asked. */
int session_request(struct session *session, enum message_kind kind, uint64_t timeout_ms,
                    request_done on_done, void *ctx);
/* A stream that joins the session and starts with CHANNEL_OPEN for `target`: give it a handler before
 * returning to the loop. Data may be sent at once. STATUS_NOT_CONNECTED, errors of endpoint_open. */
int session_open_channel(struct session *session, const struct dial_target *target, struct stream **ret);

/* A stream that joins the session and starts with FILES_OPEN (`open`; its session is filled in here): give it
 * a handler before returning to the loop. FILES_OPENED or RST comes. *ret_keys are the connection's, to be
 * wiped. */
int session_open_files(struct session *session, const struct files_open_message *open, struct stream **ret,
                       struct files_keys *ret_keys);

uint64_t session_rtt_us(const struct session *session);       /* median of the last heartbeats; 0 = none */
uint64_t session_heard_ms_ago(const struct session *session); /* while up */
bool session_is_silent(const struct session *session);        /* up, but a heartbeat is overdue */
const struct requests *session_requests(const struct session *session);

#endif
