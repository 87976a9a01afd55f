/* SPDX-License-Identifier: MIT */
/* What both sides hold after a handshake, and what is derived from it (docs/protocol.md, "Keys"): keys for
 * each connection's records, proofs for further connections, the code that people compare. */
#ifndef HOSPES_SESSION_KEYS_H
#define HOSPES_SESSION_KEYS_H

#include "protocol/wire/aead.h"
#include "protocol/wire/limits.h"
#include "protocol/wire/message.h"
#include "protocol/wire/noise.h"

struct session_keys {
    uint8_t master[32];           /* secret */
    uint8_t peer[NOISE_KEY_SIZE]; /* the other side's static public key */
    enum aead_cipher cipher;      /* 0: payload plain */
};

/* From a finished handshake. */
void session_keys_derive(struct session_keys *ret, const struct noise *noise, enum aead_cipher cipher);
void session_keys_wipe(struct session_keys *keys);

/* Keys of the records of connection `number`; 0 is the control session. */
struct connection_keys {
    uint8_t to_agent[AEAD_KEY_SIZE];
    uint8_t to_bridge[AEAD_KEY_SIZE];
};
void connection_keys_wipe(struct connection_keys *keys);
void session_keys_of_connection(const struct session_keys *keys, uint64_t number,
                                struct connection_keys *ret);

/* Keys of connection `number` when it works on files. */
struct files_keys {
    uint8_t check[AEAD_KEY_SIZE]; /* of CHECK's tags */
    uint8_t digest[32];           /* of the digests that are compared */
};
void files_keys_wipe(struct files_keys *keys);
void session_keys_of_files(const struct session_keys *keys, uint64_t number, struct files_keys *ret);

/* The proof in JOIN: that the sender took part in the handshake of this session. */
void session_keys_prove(const struct session_keys *keys, const struct session_id *session, uint64_t number,
                        uint8_t ret_proof[static PROOF_SIZE]);
/* In constant time. */
bool session_keys_check(const struct session_keys *keys, const struct session_id *session, uint64_t number,
                        const uint8_t proof[static PROOF_SIZE]);

/* Numbers that were used: each at most once, in any order within a window. */
struct connection_window {
    uint64_t highest;
    uint8_t
        seen[CONNECTION_WINDOW / 8]; /* of the numbers highest - CONNECTION_WINDOW + 1 … highest, as a ring */
};
/* True the first time; false for 0, for one that was taken before and for one that is too old to tell. */
bool connection_window_take(struct connection_window *window, uint64_t number);

#endif
