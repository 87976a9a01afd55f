/* SPDX-License-Identifier: MIT */
/* A bridge and an agent that authenticate each other, for tests: step by step, so that a test can come
 * between. A step that fails where the caller did not ask for its status ends the program. */
#ifndef HOSPES_HANDSHAKE_PAIR_H
#define HOSPES_HANDSHAKE_PAIR_H

#include "protocol/wire/handshake.h"

struct handshake_pair {
    struct secret_pool *secrets;
    enum handshake_pattern pattern;
    struct noise_key_pair bridge_key, agent_key;
    uint8_t psk[NOISE_KEY_SIZE];
    struct handshake_choice choice; /* the agent's: version 1, ChaCha20-Poly1305 */
    bool compare;                   /* the bridge's wish */
    struct handshake *bridge, *agent;
    struct auth_bytes messages[3];
};

/* New keys; both sides stand before message 1. */
void handshake_pair_init(struct handshake_pair *pair, enum handshake_pattern pattern);
void handshake_pair_finish(struct handshake_pair *pair);
/* Both sides stand before message 1 again, with the same keys (or those that the test has put in). */
void handshake_pair_restart(struct handshake_pair *pair);
/* One side of such a pair; the caller destroys it. */
struct handshake *handshake_pair_side(struct handshake_pair *pair, bool bridge);

/* Messages 1 … count are made and, but for the last one, taken: messages[count - 1] waits for its reader. */
void handshake_pair_advance(struct handshake_pair *pair, unsigned count);
/* Hands message `number` (1 … 3) to its reader. */
int handshake_pair_deliver(struct handshake_pair *pair, unsigned number, const struct auth_bytes *message);
/* All three. */
void handshake_pair_run(struct handshake_pair *pair);

#endif
