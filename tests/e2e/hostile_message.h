/* SPDX-License-Identifier: MIT */
/* Messages as a hostile agent sends them, made at random from a seed: every kind of the protocol, some within
 * its rules and with the worst that these allow, some that break one of them. Written without the encoder,
 * which could not say it wrong. */
#ifndef E2E_HOSTILE_MESSAGE_H
#define E2E_HOSTILE_MESSAGE_H

#include <stdbool.h>

#include "protocol/base/buffer.h"

struct hostile_random {
    uint64_t state; /* the seed; not 0 */
};
uint64_t hostile_random_next(struct hostile_random *random);
/* 0 … bound - 1. */
uint32_t hostile_random_below(struct hostile_random *random, uint32_t bound);

enum hostile_place { HOSTILE_CONTROL = 1, HOSTILE_FEED, HOSTILE_CHANNEL };

/* Appends one frame that is allowed at this place, as far as the protocol goes. `event`: the number of the
 * next event, which is what a feed takes; *ret_event is it, or the one after it when the frame was an event.
 * Ends the program when memory is out. */
void hostile_message_allowed(struct hostile_random *random, enum hostile_place place, uint64_t event,
                             uint64_t *ret_event, struct buffer *out);
/* Appends one frame that is not: wrong in itself, or at the wrong place. Seldom it is allowed by chance. */
void hostile_message_wild(struct hostile_random *random, enum hostile_place place, uint64_t event,
                          struct buffer *out);

/* The answer to HEALTH_REQUEST with this id, within the rules. */
void hostile_message_health(struct hostile_random *random, uint64_t id, struct buffer *out);
/* WELCOME, and the empty snapshot that a feed begins with; within the rules. */
void hostile_message_welcome(struct hostile_random *random, const uint8_t session[static 16], bool feed,
                             struct buffer *out);

#endif
