/* SPDX-License-Identifier: MIT */
/* The bridge's side of a control session's beginning, from HELLO to WELCOME: the handshake, the judgement
 * about the agent's key, and the wait while people compare a code. */
#ifndef HOSPES_INTRODUCTION_H
#define HOSPES_INTRODUCTION_H

#include "protocol/link/link_loop.h"
#include "protocol/link/spec.h"
#include "protocol/link/stream.h"
#include "protocol/wire/handshake.h"

struct introduction; /* opaque */

struct introduction_options { /* all borrowed until the end */
    const char *software;
    enum link_kind kind;
    uint32_t port; /* that is dialled; 0: the link has none */
    const struct noise_key_pair *own;
    const uint8_t *peer; /* the agent's pinned key: IK; NULL: XX */
    const uint8_t *psk;  /* NULL: none */
    enum sealing sealing;
};

struct introduction_handler {
    /* The agent has proved to hold `key`. 0: go on; STATUS_CODE_NEEDED: go on if people compare a code
     * (on_code follows); else it ends with this status. */
    int (*on_key)(void *ctx, const uint8_t *key, bool psk_proved, bool *ret_compare);
    /* Both sides show this code: introduction_answer. */
    void (*on_code)(void *ctx, const char *code);
    /* Let in: take the stream (sealed already if the session is) before return; `keys` and the message are
     * valid until then. The introduction is gone. */
    void (*on_welcome)(void *ctx, struct stream *stream, const struct session_keys *keys,
                       const struct welcome_message *welcome);
    /* It failed; the stream is closed, the introduction is gone. Never within introduction_start. */
    void (*on_failed)(void *ctx, int status, const char *text);
};

/* Takes the stream over and sends HELLO and AUTH 1. On failure the stream is still the caller's. UV_ENOMEM,
 * errors of stream_send. */
int introduction_start(struct link_loop *loop, struct stream *stream,
                       const struct introduction_options *options, const struct introduction_handler *handler,
                       void *ctx, struct introduction **ret);
/* The people of the host compared the code: it is the same (else: introduction_cancel). No-op when nothing is
 * compared. */
void introduction_agree(struct introduction *introduction);
/* No callback follows; an agent that waits for people is told. NULL allowed. */
void introduction_cancel(struct introduction *introduction);

#endif
