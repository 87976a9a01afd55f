/* SPDX-License-Identifier: MIT */
/* Both sides of an authentication in one place. */
#include "tests/unit/wire/handshake_pair.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

static void check(int status, const char *what)
{
    if (status == 0)
        return;
    fprintf(stderr, "%s: %d\n", what, status);
    abort();
}

struct handshake *handshake_pair_side(struct handshake_pair *pair, bool bridge)
{
    struct handshake *handshake;
    const struct handshake_setup setup = {
        .bridge = bridge,
        .pattern = pair->pattern,
        .hello = span_of_text("the HELLO of a test"),
        .own = bridge ? &pair->bridge_key : &pair->agent_key,
        .peer = bridge ? pair->agent_key.public_key : NULL,
        .psk = handshake_pattern_has_psk(pair->pattern) ? pair->psk : NULL,
    };
    check(handshake_create(pair->secrets, &setup, &handshake), "handshake_create");
    return handshake;
}

void handshake_pair_init(struct handshake_pair *pair, enum handshake_pattern pattern)
{
    *pair = (struct handshake_pair){.secrets = secret_pool_create(),
                                    .pattern = pattern,
                                    .choice = {.version = 1, .cipher = AEAD_CHACHA20_POLY1305}};
    if (pair->secrets == NULL)
        abort();
    noise_key_pair_make(&pair->bridge_key);
    noise_key_pair_make(&pair->agent_key);
    randombytes_buf(pair->psk, sizeof(pair->psk));
    handshake_pair_restart(pair);
}

void handshake_pair_finish(struct handshake_pair *pair)
{
    handshake_destroy(pair->bridge);
    handshake_destroy(pair->agent);
    secret_pool_destroy(pair->secrets);
}

void handshake_pair_restart(struct handshake_pair *pair)
{
    handshake_destroy(pair->bridge);
    handshake_destroy(pair->agent);
    pair->bridge = handshake_pair_side(pair, true);
    pair->agent = handshake_pair_side(pair, false);
}

int handshake_pair_deliver(struct handshake_pair *pair, unsigned number, const struct auth_bytes *message)
{
    bool compare;
    struct handshake_choice choice;
    if (number == 1)
        return handshake_meet(pair->agent, message);
    if (number == 2) {
        uint8_t key[NOISE_KEY_SIZE];
        int status = handshake_read(pair->bridge, message, &choice, key);
        return status < 0 ? status : handshake_answer(pair->bridge, pair->compare, &pair->messages[2]);
    }
    return handshake_conclude(pair->agent, message, &compare);
}

void handshake_pair_advance(struct handshake_pair *pair, unsigned count)
{
    check(handshake_begin(pair->bridge, &pair->messages[0]), "handshake_begin");
    if (count == 1)
        return;
    check(handshake_pair_deliver(pair, 1, &pair->messages[0]), "handshake_meet");
    check(handshake_reply(pair->agent, &pair->choice, &pair->messages[1]), "handshake_reply");
    if (count == 2)
        return;
    check(handshake_pair_deliver(pair, 2, &pair->messages[1]), "handshake_answer");
}

void handshake_pair_run(struct handshake_pair *pair)
{
    handshake_pair_advance(pair, 3);
    check(handshake_pair_deliver(pair, 3, &pair->messages[2]), "handshake_conclude");
}
