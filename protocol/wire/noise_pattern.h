/* SPDX-License-Identifier: MIT */
/* Names of Noise handshake patterns, and what they stand for: tokens, message by message (revision 34,
 * sections 7 and 9). */
#ifndef HOSPES_NOISE_PATTERN_H
#define HOSPES_NOISE_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

enum noise_token { TOKEN_END, TOKEN_E, TOKEN_S, TOKEN_EE, TOKEN_ES, TOKEN_SE, TOKEN_SS, TOKEN_PSK };

#define NOISE_MESSAGES_MAX     3
#define NOISE_TOKENS_MAX       8 /* of a message, TOKEN_END included: IK's first one with psk0 and psk1 has 7 */
#define NOISE_PATTERN_NAME_MAX 21 /* "XXpsk0+psk1+psk2+psk3" */

struct noise_pattern {
    uint8_t tokens[NOISE_MESSAGES_MAX][NOISE_TOKENS_MAX]; /* enum noise_token */
    uint8_t message_count;
    bool initiator_is_known; /* its static key, to the responder, before the first message */
    bool responder_is_known;
    bool has_static; /* otherwise neither side has such a key */
    bool has_psk;
};

/* NN, XX, IK or KK, and psk0 … psk3 behind it, rising and joined by '+'. STATUS_INVALID. */
int noise_pattern_parse(const char *name, struct noise_pattern *ret);

#endif
