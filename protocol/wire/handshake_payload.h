/* SPDX-License-Identifier: MIT */
/* What the handshake's messages carry inside Noise, and what is computed from it (docs/protocol.md,
 * "Authentication" and "Keys"). No state. */
#ifndef HOSPES_HANDSHAKE_PAYLOAD_H
#define HOSPES_HANDSHAKE_PAYLOAD_H

#include "protocol/wire/handshake.h"

#define HANDSHAKE_NONCE_SIZE      32
#define HANDSHAKE_COMMITMENT_SIZE 32
#define HANDSHAKE_CHOICE_SIZE     4  /* version, cipher, zero */
#define HANDSHAKE_REVEAL_SIZE     33 /* nonce, compare */
#define HANDSHAKE_CONFIRM_SIZE    16 /* IK's message 3 */
#define HANDSHAKE_PAYLOAD_MAX     (HANDSHAKE_CHOICE_SIZE + HANDSHAKE_NONCE_SIZE)

/* Sizes of a pattern's three AUTH messages, and of their payloads. They never vary; IK's third is not
 * Noise's. */
struct handshake_sizes {
    uint16_t message[3];
    uint16_t payload[3];
};
/* NULL: no such pattern. */
const struct handshake_sizes *handshake_sizes_of(enum handshake_pattern pattern);

/* The bridge's: to its nonce and its public key. */
void handshake_commit(const uint8_t nonce[static HANDSHAKE_NONCE_SIZE],
                      const uint8_t public_key[static NOISE_KEY_SIZE],
                      uint8_t ret[static HANDSHAKE_COMMITMENT_SIZE]);

void handshake_choice_encode(const struct handshake_choice *choice,
                             uint8_t ret[static HANDSHAKE_CHOICE_SIZE]);
/* STATUS_MALFORMED; STATUS_AUTHENTICATION_FAILED: a version or cipher that nobody can have offered. */
int handshake_choice_decode(const uint8_t bytes[static HANDSHAKE_CHOICE_SIZE], struct handshake_choice *ret);

/* The empty record that ends IK, under Noise's first transport key. */
void handshake_confirm_make(const struct noise *noise, uint8_t ret[static HANDSHAKE_CONFIRM_SIZE]);
bool handshake_confirm_check(const struct noise *noise, const uint8_t confirm[static HANDSHAKE_CONFIRM_SIZE]);

void handshake_code_make(const uint8_t master[static 32],
                         const uint8_t bridge_nonce[static HANDSHAKE_NONCE_SIZE],
                         const uint8_t agent_nonce[static HANDSHAKE_NONCE_SIZE],
                         char ret[static HANDSHAKE_CODE_DIGITS + 1]);

#endif
