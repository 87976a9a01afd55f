/* SPDX-License-Identifier: MIT */
/* The Noise protocol framework, revision 34 (noiseprotocol.org), for 25519, ChaChaPoly and BLAKE2b: the
 * handshake as a state machine, bytes in, bytes out. What the messages carry and which pattern is used when
 * is handshake.h's. */
#ifndef HOSPES_NOISE_H
#define HOSPES_NOISE_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/buffer.h"

#define NOISE_KEY_SIZE    32 /* DHLEN: public and private keys; also the size of a psk */
#define NOISE_HASH_SIZE   64 /* HASHLEN of BLAKE2b */
#define NOISE_TAG_SIZE    16
#define NOISE_MESSAGE_MAX 65535 /* the framework's own limit for a handshake message */

struct noise_key_pair {
    uint8_t public_key[NOISE_KEY_SIZE];
    uint8_t private_key[NOISE_KEY_SIZE]; /* secret */
};
void noise_key_pair_make(struct noise_key_pair *ret);
/* Fills the public half from the private one. */
void noise_key_pair_complete(struct noise_key_pair *pair);

/* What the caller knows before the first message. Pointers are borrowed for the call of noise_init only;
 * NULL: not there (asserted against what the pattern needs). */
struct noise_setup {
    const char
        *pattern; /* "XX", "IK", "KK", each also with one or more of psk0 … psk3: "IKpsk2", "XXpsk0+psk3" */
    bool initiator;
    struct span prologue;
    const struct noise_key_pair *own;       /* static keys */
    const struct noise_key_pair *ephemeral; /* only for test vectors; NULL: random, made when it is needed */
    const uint8_t *peer;                    /* NOISE_KEY_SIZE: the other side's static public key */
    const uint8_t *psk; /* NOISE_KEY_SIZE: one, used wherever the pattern has a psk token */
};

struct noise;            /* opaque; holds secrets: allocate noise_size() bytes with secret_take */
size_t noise_size(void); /* ≤ SECRET_SIZE_MAX */
/* STATUS_INVALID: a pattern that is not known. */
int noise_init(struct noise *noise, const struct noise_setup *setup);
void noise_wipe(struct noise *noise);

bool noise_must_write(const struct noise *noise); /* it is this side's turn */
bool noise_is_finished(const struct noise *noise);
/* The next message with `payload` is appended to out. UV_ENOBUFS, UV_ENOMEM (the handshake is spent),
 * STATUS_AUTHENTICATION_FAILED (a DH with a low-order point gave zero). Asserts the turn. */
int noise_write(struct noise *noise, struct span payload, struct buffer *out);
/* Takes the other side's next message; its payload is appended to out. STATUS_MALFORMED (too short, too
 * long), STATUS_AUTHENTICATION_FAILED. After a failure the handshake is spent: wipe it. */
int noise_read(struct noise *noise, struct span message, struct buffer *out);
/* After a failure: it was a DH with a low-order point, not bytes that do not open. */
bool noise_met_zero(const struct noise *noise);

/* True, and the key, once the other side's static key is known. */
bool noise_peer_key(const struct noise *noise, uint8_t ret[static NOISE_KEY_SIZE]);
void noise_hash(const struct noise *noise, uint8_t ret[static NOISE_HASH_SIZE]);
/* After noise_is_finished: the two transport keys, initiator → responder and responder → initiator. */
void noise_split(const struct noise *noise, uint8_t ret_first[static NOISE_KEY_SIZE],
                 uint8_t ret_second[static NOISE_KEY_SIZE]);

#endif
