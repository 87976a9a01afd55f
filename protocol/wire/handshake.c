/* SPDX-License-Identifier: MIT */
/* The order of the three AUTH messages on both sides, and the checks between them. Noise is noise.c's, what
 * the messages carry handshake_payload.c's; whether the other side's key is the right one is decided above.
 *
 * Theory of operation. `turn` names the one function that may be called next; a call out of turn, and any
 * failure, spends the handshake and wipes Noise's state at once. Sizes of messages never vary, so one of
 * another size is refused before any computation. */
#include "protocol/wire/handshake.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "protocol/wire/handshake_payload.h"

enum handshake_turn {
    TURN_BEGIN,
    TURN_READ,
    TURN_ANSWER,
    TURN_MEET,
    TURN_REPLY,
    TURN_CONCLUDE,
    TURN_OVER,
    TURN_SPENT
};

struct handshake { /* secret: nonces */
    struct secret_pool *secrets;
    struct noise *noise;
    const struct handshake_sizes *sizes;
    enum handshake_pattern pattern;
    enum handshake_turn turn;
    enum aead_cipher cipher;
    uint8_t own_key[NOISE_KEY_SIZE];            /* public */
    uint8_t bridge_nonce[HANDSHAKE_NONCE_SIZE]; /* first meetings only, like the next two */
    uint8_t agent_nonce[HANDSHAKE_NONCE_SIZE];
    uint8_t commitment[HANDSHAKE_COMMITMENT_SIZE]; /* agent */
};

const char *handshake_pattern_name(uint64_t pattern)
{
    switch (pattern) {
    case PATTERN_XX:
        return "XX";
    case PATTERN_IK:
        return "IK";
    case PATTERN_IKPSK2:
        return "IKpsk2";
    case PATTERN_XXPSK3:
        return "XXpsk3";
    default:
        return "?";
    }
}

bool handshake_pattern_has_psk(enum handshake_pattern pattern)
{
    return pattern == PATTERN_IKPSK2 || pattern == PATTERN_XXPSK3;
}

bool handshake_pattern_is_first(enum handshake_pattern pattern)
{
    return pattern == PATTERN_XX || pattern == PATTERN_XXPSK3;
}

int handshake_create(struct secret_pool *secrets, const struct handshake_setup *setup, struct handshake **ret)
{
    const struct handshake_sizes *sizes = handshake_sizes_of(setup->pattern);
    if (sizes == NULL)
        return STATUS_INVALID;
    struct handshake *handshake = secret_take(secrets, sizeof(*handshake));
    if (handshake == NULL)
        return UV_ENOMEM;
    handshake->secrets = secrets;
    handshake->sizes = sizes;
    handshake->pattern = setup->pattern;
    handshake->turn = setup->bridge ? TURN_BEGIN : TURN_MEET;
    memcpy(handshake->own_key, setup->own->public_key, NOISE_KEY_SIZE);
    handshake->noise = secret_take(secrets, noise_size());
    if (handshake->noise == NULL) {
        handshake_destroy(handshake);
        return UV_ENOMEM;
    }
    const struct noise_setup noise_setup = {
        .pattern = handshake_pattern_name(setup->pattern),
        .initiator = setup->bridge,
        .prologue = setup->hello,
        .own = setup->own,
        .peer = setup->peer,
        .psk = setup->psk,
    };
    int status = noise_init(handshake->noise, &noise_setup);
    if (status < 0) {
        handshake_destroy(handshake);
        return status;
    }
    *ret = handshake;
    return 0;
}

void handshake_destroy(struct handshake *handshake)
{
    if (handshake == NULL)
        return;
    struct secret_pool *secrets = handshake->secrets;
    secret_release(secrets, handshake->noise, noise_size());
    secret_release(secrets, handshake, sizeof(*handshake));
}

static int spend(struct handshake *handshake, int status)
{
    noise_wipe(handshake->noise);
    handshake->turn = TURN_SPENT;
    return status;
}

/* Noise's next message, with the payload that is due. */
static int give_message(struct handshake *handshake, const uint8_t *payload, unsigned index,
                        struct auth_bytes *ret)
{
    struct buffer out;
    buffer_init(&out, AUTH_MESSAGE_MAX);
    int status = noise_write(handshake->noise, span_of(payload, handshake->sizes->payload[index]), &out);
    if (status == 0) {
        struct span message = buffer_span(&out);
        assert(message.size == handshake->sizes->message[index]);
        memcpy(ret->bytes, message.data, message.size);
        ret->size = (uint16_t)message.size;
    }
    buffer_finish(&out);
    return status;
}

/* Opens Noise's next message; its payload's size is the one that is due. */
static int take_message(struct handshake *handshake, const struct auth_bytes *message, unsigned index,
                        uint8_t ret_payload[static HANDSHAKE_PAYLOAD_MAX])
{
    if (message->size != handshake->sizes->message[index])
        return STATUS_MALFORMED;
    struct buffer out;
    buffer_init(&out, HANDSHAKE_PAYLOAD_MAX);
    int status = noise_read(handshake->noise, span_of(message->bytes, message->size), &out);
    if (status == 0) {
        struct span payload = buffer_span(&out);
        assert(payload.size == handshake->sizes->payload[index]);
        if (payload.size > 0)
            memcpy(ret_payload, payload.data, payload.size);
    }
    buffer_finish(&out);
    return status;
}

int handshake_begin(struct handshake *handshake, struct auth_bytes *ret_message)
{
    if (handshake->turn != TURN_BEGIN)
        return spend(handshake, STATUS_UNEXPECTED);
    uint8_t commitment[HANDSHAKE_COMMITMENT_SIZE] = {0};
    if (handshake_pattern_is_first(handshake->pattern)) {
        randombytes_buf(handshake->bridge_nonce, HANDSHAKE_NONCE_SIZE);
        handshake_commit(handshake->bridge_nonce, handshake->own_key, commitment);
    }
    int status = give_message(handshake, commitment, 0, ret_message);
    if (status < 0)
        return spend(handshake, status);
    handshake->turn = TURN_READ;
    return 0;
}

/* Message 3. */
static int give_last(struct handshake *handshake, bool compare, struct auth_bytes *ret_message)
{
    if (!handshake_pattern_is_first(handshake->pattern)) {
        handshake_confirm_make(handshake->noise, ret_message->bytes);
        ret_message->size = HANDSHAKE_CONFIRM_SIZE;
        return 0;
    }
    uint8_t payload[HANDSHAKE_REVEAL_SIZE];
    memcpy(payload, handshake->bridge_nonce, HANDSHAKE_NONCE_SIZE);
    payload[HANDSHAKE_NONCE_SIZE] = compare;
    return give_message(handshake, payload, 2, ret_message);
}

int handshake_read(struct handshake *handshake, const struct auth_bytes *message,
                   struct handshake_choice *ret_choice, uint8_t ret_key[static NOISE_KEY_SIZE])
{
    if (handshake->turn != TURN_READ)
        return spend(handshake, STATUS_UNEXPECTED);
    uint8_t payload[HANDSHAKE_PAYLOAD_MAX];
    struct handshake_choice choice;
    int status = take_message(handshake, message, 1, payload);
    if (status == 0)
        status = handshake_choice_decode(payload, &choice);
    if (status == 0 && !noise_peer_key(handshake->noise, ret_key))
        status = STATUS_AUTHENTICATION_FAILED;
    if (status < 0)
        return spend(handshake, status);
    if (handshake_pattern_is_first(handshake->pattern))
        memcpy(handshake->agent_nonce, payload + HANDSHAKE_CHOICE_SIZE, HANDSHAKE_NONCE_SIZE);
    handshake->cipher = choice.cipher;
    handshake->turn = TURN_ANSWER;
    *ret_choice = choice;
    return 0;
}

int handshake_answer(struct handshake *handshake, bool compare, struct auth_bytes *ret_message)
{
    if (handshake->turn != TURN_ANSWER)
        return spend(handshake, STATUS_UNEXPECTED);
    int status = give_last(handshake, compare, ret_message);
    if (status < 0)
        return spend(handshake, status);
    handshake->turn = TURN_OVER;
    return 0;
}

int handshake_meet(struct handshake *handshake, const struct auth_bytes *message)
{
    if (handshake->turn != TURN_MEET)
        return spend(handshake, STATUS_UNEXPECTED);
    bool is_first = handshake_pattern_is_first(handshake->pattern);
    uint8_t payload[HANDSHAKE_PAYLOAD_MAX];
    int status = take_message(handshake, message, 0, payload);
    if (status == STATUS_AUTHENTICATION_FAILED && !is_first && !noise_met_zero(handshake->noise))
        status = STATUS_OTHER_KEY;
    if (status < 0)
        return spend(handshake, status);
    if (is_first)
        memcpy(handshake->commitment, payload, HANDSHAKE_COMMITMENT_SIZE);
    handshake->turn = TURN_REPLY;
    return 0;
}

int handshake_reply(struct handshake *handshake, const struct handshake_choice *choice,
                    struct auth_bytes *ret_message)
{
    if (handshake->turn != TURN_REPLY)
        return spend(handshake, STATUS_UNEXPECTED);
    uint8_t payload[HANDSHAKE_PAYLOAD_MAX];
    handshake_choice_encode(choice, payload);
    if (handshake_pattern_is_first(handshake->pattern)) {
        randombytes_buf(handshake->agent_nonce, HANDSHAKE_NONCE_SIZE);
        memcpy(payload + HANDSHAKE_CHOICE_SIZE, handshake->agent_nonce, HANDSHAKE_NONCE_SIZE);
    }
    int status = give_message(handshake, payload, 1, ret_message);
    if (status < 0)
        return spend(handshake, status);
    handshake->cipher = choice->cipher;
    handshake->turn = TURN_CONCLUDE;
    return 0;
}

/* The bridge's nonce must be the one that it committed itself to, with its key, before it saw the agent's. */
static int take_reveal(struct handshake *handshake, const struct auth_bytes *message, bool *ret_compare)
{
    uint8_t payload[HANDSHAKE_PAYLOAD_MAX], key[NOISE_KEY_SIZE], commitment[HANDSHAKE_COMMITMENT_SIZE];
    int status = take_message(handshake, message, 2, payload);
    if (status < 0)
        return status;
    if (payload[HANDSHAKE_NONCE_SIZE] > 1)
        return STATUS_MALFORMED;
    if (!noise_peer_key(handshake->noise, key))
        return STATUS_AUTHENTICATION_FAILED;
    handshake_commit(payload, key, commitment);
    if (sodium_memcmp(commitment, handshake->commitment, sizeof(commitment)) != 0)
        return STATUS_AUTHENTICATION_FAILED;
    memcpy(handshake->bridge_nonce, payload, HANDSHAKE_NONCE_SIZE);
    *ret_compare = payload[HANDSHAKE_NONCE_SIZE] == 1;
    return 0;
}

static int take_confirm(struct handshake *handshake, const struct auth_bytes *message, bool *ret_compare)
{
    if (message->size != HANDSHAKE_CONFIRM_SIZE)
        return STATUS_MALFORMED;
    if (!handshake_confirm_check(handshake->noise, message->bytes))
        return STATUS_AUTHENTICATION_FAILED;
    *ret_compare = false;
    return 0;
}

int handshake_conclude(struct handshake *handshake, const struct auth_bytes *message, bool *ret_compare)
{
    if (handshake->turn != TURN_CONCLUDE)
        return spend(handshake, STATUS_UNEXPECTED);
    int status = handshake_pattern_is_first(handshake->pattern)
                     ? take_reveal(handshake, message, ret_compare)
                     : take_confirm(handshake, message, ret_compare);
    if (status < 0)
        return spend(handshake, status);
    handshake->turn = TURN_OVER;
    return 0;
}

void handshake_keys(const struct handshake *handshake, struct session_keys *ret)
{
    assert(handshake->turn == TURN_OVER);
    session_keys_derive(ret, handshake->noise, handshake->cipher);
}

bool handshake_code(const struct handshake *handshake, char ret[static HANDSHAKE_CODE_DIGITS + 1])
{
    if (handshake->turn != TURN_OVER || !handshake_pattern_is_first(handshake->pattern))
        return false;
    struct session_keys keys;
    handshake_keys(handshake, &keys);
    handshake_code_make(keys.master, handshake->bridge_nonce, handshake->agent_nonce, ret);
    session_keys_wipe(&keys);
    return true;
}
