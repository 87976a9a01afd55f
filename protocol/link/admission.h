/* SPDX-License-Identifier: MIT */
/* The agent's side of a control session's beginning: HELLO came, the handshake follows, then the owner
 * decides who is let in, and people may have to compare a code. Bounded in number and time. */
#ifndef HOSPES_ADMISSION_H
#define HOSPES_ADMISSION_H

#include "protocol/link/deadlines.h"
#include "protocol/link/link_loop.h"
#include "protocol/link/listener.h"
#include "protocol/wire/handshake.h"

struct admission; /* one bridge at the door; opaque */

/* A bridge that has proved to hold `key`. Valid until return. */
struct admission_claim {
    const uint8_t *key; /* NOISE_KEY_SIZE */
    const struct listener_peer *peer;
    bool psk_proved;
    bool first;   /* a first meeting: a code can be compared */
    bool compare; /* the bridge wants it compared */
};

struct admission_handler {
    /* 0: let in. Else why not, with a sentence for the people of the host; STATUS_CODE_NEEDED after which
     * on_code is asked. */
    int (*judge)(void *ctx, const struct admission_claim *claim, char ret_text[static TEXT_REASON_MAX + 1]);
    /* Shows the code to people: 0, and *ret_pairing, which belongs to the owner; later admission_answer. Else
     * why not. */
    int (*on_code)(void *ctx, struct admission *admission, const struct admission_claim *claim,
                   const char *code, void **ret_pairing);
    /* Both sides' people said yes (`agreed`: pin the key), or it is over without. The pairing is not used
     * again. */
    void (*on_code_over)(void *ctx, void *pairing, bool agreed);
    /* Let in: take the stream before return. `keys` are valid until return. The stream is sealed already if
     * it is to be. */
    void (*on_admitted)(void *ctx, struct stream *stream, const struct listener_peer *peer,
                        const struct hello_message *hello, const struct session_keys *keys, uint16_t version);
    /* Not let in; `who` says what is known of it. */
    void (*on_refused)(void *ctx, const struct listener_peer *peer, int status, const char *who);
};

/* What the agent brings to every handshake; all borrowed for the whole life. */
struct admission_options {
    const struct noise_key_pair *own;
    const uint8_t *psk; /* NULL: none */
    enum sealing sealing;
    uint32_t ciphers;
};

struct admissions {
    struct link_loop *loop;
    struct admission_options options;
    const struct admission_handler *handler;
    void *ctx;
    struct deadlines handshakes; /* HELLO_TIMEOUT_MS */
    struct deadlines comparing;  /* PAIRING_TIMEOUT_MS */
    struct admission *oldest, *newest;
    size_t count;
    int lists_open;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

void admissions_init(struct admissions *admissions, struct link_loop *loop,
                     const struct admission_options *options, const struct admission_handler *handler,
                     void *ctx);
/* Ends all. on_closed (can be NULL) when the memory may go. */
void admissions_close(struct admissions *admissions, void (*on_closed)(void *ctx), void *ctx);

/* Takes the stream, whose first message was HELLO with role control. */
void admissions_add(struct admissions *admissions, struct stream *stream, const struct listener_peer *peer,
                    const struct hello_message *hello, struct span hello_payload);

/* The people of the guest compared the code. Never within on_code. */
void admission_answer(struct admission *admission, bool same);

#endif
