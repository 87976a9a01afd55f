/* SPDX-License-Identifier: MIT */
/* Handshake vectors as JSON: what a file gives is played through, and what comes out is put beside it. Bytes
 * are hexadecimal text. A vector that lacks something ends the program. */
#ifndef HOSPES_HANDSHAKE_VECTORS_H
#define HOSPES_HANDSHAKE_VECTORS_H

#include <jansson.h>

#include "protocol/base/buffer.h"

/* A text of hexadecimal digits → at most `capacity` bytes; how many. NULL: none. */
size_t vector_bytes(const json_t *text, uint8_t *out, size_t capacity);
json_t *vector_text(struct span bytes);

/* A Noise vector in the form of cacophony's and snow's files. Gives a new object with `messages` (payload and
 * ciphertext) and `handshake_hash`, made from the keys and payloads. Both sides play: each message is read by
 * the other one, too, and from the vector's own ciphertext where there is one. */
json_t *noise_vector_play(const json_t *vector);

/* A whole authentication with what is derived from it (tests/vectors/handshake/auth.json): a new object with
 * all that the vector gives and all that follows from it. Needs fixed_random_install. `cipher_bits`: records
 * of other ciphers are copied instead of made. */
json_t *auth_vector_play(const json_t *vector, uint32_t cipher_bits);

#endif
