/* SPDX-License-Identifier: MIT */
/* The authentication of a control session (docs/protocol.md, "Authentication"): Noise with our prologue and
 * payloads. Three AUTH messages, whatever the pattern:
 *
 *   bridge                      agent
 *   HELLO, AUTH 1  ──────────▶
 *                  ◀──────────  AUTH 2   cipher, version; in XX the agent's nonce
 *   AUTH 3         ──────────▶           XX: the bridge's nonce. IK: an empty record, which shows that the
 * bridge holds the keys, so that a recorded message 1 gains nothing
 */
#ifndef HOSPES_HANDSHAKE_H
#define HOSPES_HANDSHAKE_H

#include "protocol/wire/secret.h"
#include "protocol/wire/session_keys.h"

#define HANDSHAKE_CODE_DIGITS 6

enum handshake_pattern {                     /* HELLO's `pattern` */
                         PATTERN_XX = 1,     /* a first meeting */
                         PATTERN_IK = 2,     /* the bridge knows the agent's key */
                         PATTERN_IKPSK2 = 3, /* and both hold a provisioned secret */
                         PATTERN_XXPSK3 = 4, /* a first meeting of two that hold a provisioned secret */
};
const char *handshake_pattern_name(uint64_t pattern); /* "XX" …; "?" */
bool handshake_pattern_has_psk(enum handshake_pattern pattern);
/* A first meeting: keys travel, and a code can be compared. */
bool handshake_pattern_is_first(enum handshake_pattern pattern);

struct handshake; /* opaque */

struct handshake_setup {
    bool bridge; /* this side's role */
    enum handshake_pattern pattern;
    struct span hello; /* the payload of the HELLO message as it went over the wire: the prologue */
    const struct noise_key_pair *own; /* borrowed until handshake_destroy */
    const uint8_t *peer;              /* bridge, IK: the agent's key */
    const uint8_t *psk;               /* psk patterns */
};
/* UV_ENOMEM. STATUS_INVALID: no such pattern. */
int handshake_create(struct secret_pool *secrets, const struct handshake_setup *setup,
                     struct handshake **ret);
/* Wipes. NULL allowed. */
void handshake_destroy(struct handshake *handshake);

/* What the agent decides before message 2, and the bridge learns from it. */
struct handshake_choice {
    uint16_t version;        /* in force from now on */
    enum aead_cipher cipher; /* 0: payload plain */
};

/* Bridge. begin: message 1. read: takes message 2, gives the agent's choice and its static key (in IK the one
 * given). answer: message 3; `compare` says to the agent that this side wants the code compared (XX only,
 * ignored in IK). */
int handshake_begin(struct handshake *handshake, struct auth_bytes *ret_message);
int handshake_read(struct handshake *handshake, const struct auth_bytes *message,
                   struct handshake_choice *ret_choice, uint8_t ret_key[static NOISE_KEY_SIZE]);
int handshake_answer(struct handshake *handshake, bool compare, struct auth_bytes *ret_message);

/* Agent. meet: takes message 1 (IK: STATUS_OTHER_KEY when it was made for another key). reply: gives
 * message 2. conclude: takes message 3; ret_compare as above (false in IK). */
int handshake_meet(struct handshake *handshake, const struct auth_bytes *message);
int handshake_reply(struct handshake *handshake, const struct handshake_choice *choice,
                    struct auth_bytes *ret_message);
int handshake_conclude(struct handshake *handshake, const struct auth_bytes *message, bool *ret_compare);
/* All: STATUS_MALFORMED, STATUS_AUTHENTICATION_FAILED, STATUS_UNEXPECTED (out of turn), UV_ENOMEM; then it is
 * spent. */

/* Once message 3 went or came. */
void handshake_keys(const struct handshake *handshake, struct session_keys *ret);
/* First meetings only (else false): the six digits that both sides show when nobody stands between them. Both
 * nonces are in it, and the bridge has committed itself to its nonce and its key in message 1: whoever stands
 * between can't search for keys that give the same code, and has one chance in a million. */
bool handshake_code(const struct handshake *handshake, char ret[static HANDSHAKE_CODE_DIGITS + 1]);

#endif
