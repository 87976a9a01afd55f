/* SPDX-License-Identifier: MIT */
/* Authentications that must fail: messages cut, changed, replayed, out of order, of other keys, and of a peer
 * that knows Noise and breaks our rules inside. */
#include <sodium.h>
#include <string.h>

#include "protocol/base/status.h"
#include "protocol/wire/handshake_payload.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/wire/handshake_pair.h"

#define each_pattern(pattern)                                                                                \
    for (enum handshake_pattern pattern = PATTERN_XX; pattern <= PATTERN_XXPSK3;                             \
         pattern = (enum handshake_pattern)(pattern + 1))

/* Whatever comes now: it is over, for good. */
static void assert_spent(struct handshake *handshake)
{
    struct auth_bytes message = {.size = 64};
    struct handshake_choice choice = {.version = 1};
    uint8_t key[NOISE_KEY_SIZE];
    bool compare;
    char code[HANDSHAKE_CODE_DIGITS + 1];
    assert_int_equal(handshake_begin(handshake, &message), STATUS_UNEXPECTED);
    assert_int_equal(handshake_read(handshake, &message, &choice, key), STATUS_UNEXPECTED);
    assert_int_equal(handshake_answer(handshake, false, &message), STATUS_UNEXPECTED);
    assert_int_equal(handshake_meet(handshake, &message), STATUS_UNEXPECTED);
    assert_int_equal(handshake_reply(handshake, &choice, &message), STATUS_UNEXPECTED);
    assert_int_equal(handshake_conclude(handshake, &message, &compare), STATUS_UNEXPECTED);
    assert_false(handshake_code(handshake, code));
}

/* Who reads message `number`. */
static struct handshake *reader(struct handshake_pair *pair, unsigned number)
{
    return number == 2 ? pair->bridge : pair->agent;
}

static void a_message_of_any_other_length_is_malformed(void **state)
{
    each_pattern(pattern)
    {
        struct handshake_pair pair;
        handshake_pair_init(&pair, pattern);
        for (unsigned number = 1; number <= 3; number++) {
            for (uint16_t size = 0; size <= AUTH_MESSAGE_MAX; size++) {
                handshake_pair_restart(&pair);
                handshake_pair_advance(&pair, number);
                struct auth_bytes changed = pair.messages[number - 1];
                if (size == changed.size)
                    continue;
                changed.size = size;
                assert_int_equal(handshake_pair_deliver(&pair, number, &changed), STATUS_MALFORMED);
                assert_spent(reader(&pair, number));
            }
        }
        handshake_pair_finish(&pair);
    }
}

/* Message 1 of XX has nothing that proves it: its change is noticed in message 2. */
static int status_of_change(enum handshake_pattern pattern, unsigned number)
{
    if (number > 1 || pattern == PATTERN_XXPSK3)
        return STATUS_AUTHENTICATION_FAILED;
    return pattern == PATTERN_XX ? 0 : STATUS_OTHER_KEY;
}

static void a_change_of_any_byte_is_noticed(void **state)
{
    static const uint8_t CHANGES[] = {0x01, 0x80};
    each_pattern(pattern)
    {
        struct handshake_pair pair;
        handshake_pair_init(&pair, pattern);
        for (unsigned number = 1; number <= 3; number++) {
            uint16_t size = 1;
            for (size_t i = 0; i < 2u * size; i++) {
                handshake_pair_restart(&pair);
                handshake_pair_advance(&pair, number);
                struct auth_bytes changed = pair.messages[number - 1];
                size = changed.size;
                changed.bytes[i / 2] ^= CHANGES[i % 2];
                int expected = status_of_change(pattern, number);
                assert_int_equal(handshake_pair_deliver(&pair, number, &changed), expected);
                if (expected < 0) {
                    assert_spent(reader(&pair, number));
                    continue;
                }
                assert_int_equal(handshake_reply(pair.agent, &pair.choice, &pair.messages[1]), 0);
                assert_int_equal(handshake_pair_deliver(&pair, 2, &pair.messages[1]),
                                 STATUS_AUTHENTICATION_FAILED);
                assert_spent(pair.bridge);
            }
            assert_true(size >= 16);
        }
        handshake_pair_finish(&pair);
    }
}

static void a_recorded_session_gains_nothing(void **state)
{
    each_pattern(pattern)
    {
        struct handshake_pair pair;
        handshake_pair_init(&pair, pattern);
        handshake_pair_run(&pair);
        const struct auth_bytes first = pair.messages[0], second = pair.messages[1], third = pair.messages[2];
        handshake_pair_restart(&pair); /* an agent that hears the bridge's part again */
        assert_int_equal(handshake_pair_deliver(&pair, 1, &first), 0);
        assert_int_equal(handshake_reply(pair.agent, &pair.choice, &pair.messages[1]), 0);
        assert_memory_not_equal(pair.messages[1].bytes, second.bytes, second.size);
        assert_int_equal(handshake_pair_deliver(&pair, 3, &third), STATUS_AUTHENTICATION_FAILED);
        assert_spent(pair.agent);
        handshake_pair_restart(&pair); /* a bridge that hears the agent's */
        handshake_pair_advance(&pair, 1);
        assert_memory_not_equal(pair.messages[0].bytes, first.bytes, first.size);
        assert_int_equal(handshake_pair_deliver(&pair, 2, &second), STATUS_AUTHENTICATION_FAILED);
        assert_spent(pair.bridge);
        handshake_pair_finish(&pair);
    }
}

static void a_message_in_the_place_of_another_is_refused(void **state)
{
    each_pattern(pattern)
    {
        struct handshake_pair pair, other;
        handshake_pair_init(&pair, pattern);
        handshake_pair_init(&other, pattern);
        handshake_pair_run(&other);
        for (unsigned place = 1; place <= 3; place++)
            for (unsigned number = 1; number <= 3; number++) {
                handshake_pair_restart(&pair);
                handshake_pair_advance(&pair, place);
                const struct auth_bytes *message =
                    number == place ? &other.messages[number - 1] : &pair.messages[number - 1];
                int status = handshake_pair_deliver(&pair, place, message);
                if (number == place && number == 1 && handshake_pattern_is_first(pattern))
                    assert_int_equal(status, 0); /* anybody's first message will do */
                else
                    assert_true(status == STATUS_MALFORMED || status == STATUS_AUTHENTICATION_FAILED ||
                                status == STATUS_OTHER_KEY);
            }
        handshake_pair_finish(&other);
        handshake_pair_finish(&pair);
    }
}

static void calls_out_of_turn_are_unexpected(void **state)
{
    each_pattern(pattern)
    {
        struct handshake_pair pair;
        handshake_pair_init(&pair, pattern);
        handshake_pair_run(&pair);
        struct auth_bytes messages[3];
        memcpy(messages, pair.messages, sizeof(messages));
        assert_int_equal(handshake_pair_deliver(&pair, 3, &messages[2]), STATUS_UNEXPECTED); /* once more */
        assert_int_equal(handshake_pair_deliver(&pair, 2, &messages[1]), STATUS_UNEXPECTED);
        for (unsigned number = 2; number <= 3; number++) { /* too early */
            handshake_pair_restart(&pair);
            assert_int_equal(handshake_pair_deliver(&pair, number, &messages[number - 1]), STATUS_UNEXPECTED);
            assert_spent(reader(&pair, number));
        }
        handshake_pair_restart(&pair); /* an answer to what was not read */
        handshake_pair_advance(&pair, 1);
        assert_int_equal(handshake_answer(pair.bridge, false, &messages[2]), STATUS_UNEXPECTED);
        assert_spent(pair.bridge);
        handshake_pair_restart(&pair); /* the other role's functions */
        assert_int_equal(handshake_meet(pair.bridge, &messages[0]), STATUS_UNEXPECTED);
        assert_int_equal(handshake_begin(pair.agent, &messages[0]), STATUS_UNEXPECTED);
        assert_spent(pair.bridge);
        assert_spent(pair.agent);
        handshake_pair_finish(&pair);
    }
}

static void an_agent_with_another_key_says_so(void **state)
{
    each_pattern(pattern)
    {
        struct handshake_pair pair;
        handshake_pair_init(&pair, pattern);
        handshake_pair_advance(&pair, 1);
        handshake_destroy(pair.agent);
        noise_key_pair_make(&pair.agent_key); /* the bridge knows the one before */
        pair.agent = handshake_pair_side(&pair, false);
        int expected = handshake_pattern_is_first(pattern) ? 0 : STATUS_OTHER_KEY;
        assert_int_equal(handshake_pair_deliver(&pair, 1, &pair.messages[0]), expected);
        handshake_pair_finish(&pair);
    }
}

static void who_has_the_public_keys_only_can_not_answer_for_the_agent(void **state)
{
    struct handshake_pair pair;
    struct auth_bytes answer = {.size = 52};
    handshake_pair_init(&pair, PATTERN_IK);
    for (size_t i = 0; i < 50; i++) {
        struct handshake_choice choice;
        uint8_t key[NOISE_KEY_SIZE];
        handshake_pair_restart(&pair);
        handshake_pair_advance(&pair, 1);
        struct noise_key_pair ephemeral;
        noise_key_pair_make(&ephemeral);
        randombytes_buf(answer.bytes, answer.size);
        memcpy(answer.bytes, ephemeral.public_key, NOISE_KEY_SIZE);
        assert_int_equal(handshake_read(pair.bridge, &answer, &choice, key), STATUS_AUTHENTICATION_FAILED);
        assert_spent(pair.bridge);
    }
    handshake_pair_finish(&pair);
}

static void another_psk_is_noticed_by_the_first_who_can(void **state)
{
    static const enum handshake_pattern PATTERNS[] = {PATTERN_IKPSK2, PATTERN_XXPSK3};
    for (size_t i = 0; i < 2; i++) {
        struct handshake_pair pair;
        unsigned number = PATTERNS[i] == PATTERN_IKPSK2 ? 2 : 3;
        handshake_pair_init(&pair, PATTERNS[i]);
        handshake_destroy(pair.agent);
        pair.psk[31] ^= 1;
        pair.agent = handshake_pair_side(&pair, false);
        handshake_pair_advance(&pair, number);
        assert_int_equal(handshake_pair_deliver(&pair, number, &pair.messages[number - 1]),
                         STATUS_AUTHENTICATION_FAILED);
        assert_spent(reader(&pair, number));
        handshake_pair_finish(&pair);
    }
}

static void another_hello_or_pattern_is_noticed(void **state)
{
    each_pattern(pattern)
    {
        struct handshake_pair pair;
        handshake_pair_init(&pair, pattern);
        handshake_destroy(pair.agent);
        const struct handshake_setup setup = {.pattern = pattern,
                                              .hello = span_of_text("the HELLO of a tesu"),
                                              .own = &pair.agent_key,
                                              .psk = pair.psk};
        assert_int_equal(handshake_create(pair.secrets, &setup, &pair.agent), 0);
        unsigned number = pattern == PATTERN_XX ? 2 : 1;
        handshake_pair_advance(&pair, number);
        int expected = number == 1 && !handshake_pattern_is_first(pattern) ? STATUS_OTHER_KEY
                                                                           : STATUS_AUTHENTICATION_FAILED;
        assert_int_equal(handshake_pair_deliver(&pair, number, &pair.messages[number - 1]), expected);
        handshake_pair_finish(&pair);
    }
    struct handshake_pair pair; /* IK and IKpsk2 look alike from outside */
    handshake_pair_init(&pair, PATTERN_IK);
    handshake_destroy(pair.agent);
    pair.pattern = PATTERN_IKPSK2;
    pair.agent = handshake_pair_side(&pair, false);
    handshake_pair_advance(&pair, 1);
    assert_int_equal(handshake_pair_deliver(&pair, 1, &pair.messages[0]), STATUS_OTHER_KEY);
    handshake_pair_finish(&pair);
}

static void low_order_points_are_refused(void **state)
{
    static const uint8_t ONE[NOISE_KEY_SIZE] = {1};
    each_pattern(pattern)
    {
        struct handshake_pair pair;
        struct auth_bytes changed;
        handshake_pair_init(&pair, pattern);
        handshake_pair_advance(&pair, 1);
        changed = pair.messages[0];
        memcpy(changed.bytes, ONE, NOISE_KEY_SIZE);
        int status = handshake_pair_deliver(&pair, 1, &changed);
        if (pattern == PATTERN_XX) { /* combined with the agent's ephemeral key only */
            assert_int_equal(status, 0);
            status = handshake_reply(pair.agent, &pair.choice, &pair.messages[1]);
        }
        assert_int_equal(status, STATUS_AUTHENTICATION_FAILED);
        assert_spent(pair.agent);
        handshake_pair_restart(&pair);
        handshake_pair_advance(&pair, 2);
        changed = pair.messages[1];
        memcpy(changed.bytes, ONE, NOISE_KEY_SIZE);
        assert_int_equal(handshake_pair_deliver(&pair, 2, &changed), STATUS_AUTHENTICATION_FAILED);
        assert_spent(pair.bridge);
        memcpy(pair.agent_key.public_key, ONE, NOISE_KEY_SIZE); /* what the bridge was told to expect */
        handshake_pair_restart(&pair);
        assert_int_equal(handshake_begin(pair.bridge, &changed),
                         handshake_pattern_is_first(pattern) ? 0 : STATUS_AUTHENTICATION_FAILED);
        handshake_pair_finish(&pair);
    }
}

/* A peer that has Noise and says inside what it likes. */
struct rogue {
    struct handshake_pair pair;
    struct noise *noise;
};

static void rogue_init(struct rogue *rogue, enum handshake_pattern pattern, bool bridge)
{
    handshake_pair_init(&rogue->pair, pattern);
    rogue->noise = secret_take(rogue->pair.secrets, noise_size());
    const struct noise_setup setup = {
        .pattern = handshake_pattern_name(pattern),
        .initiator = bridge,
        .prologue = span_of_text("the HELLO of a test"),
        .own = bridge ? &rogue->pair.bridge_key : &rogue->pair.agent_key,
        .peer = rogue->pair.agent_key.public_key,
        .psk = rogue->pair.psk,
    };
    assert_int_equal(noise_init(rogue->noise, &setup), 0);
}

static void rogue_finish(struct rogue *rogue)
{
    noise_wipe(rogue->noise);
    secret_release(rogue->pair.secrets, rogue->noise, noise_size());
    handshake_pair_finish(&rogue->pair);
}

static struct auth_bytes rogue_says(struct rogue *rogue, const uint8_t *payload, size_t size)
{
    struct buffer out;
    struct auth_bytes message;
    buffer_init(&out, AUTH_MESSAGE_MAX);
    assert_int_equal(noise_write(rogue->noise, span_of(payload, size), &out), 0);
    memcpy(message.bytes, buffer_span(&out).data, buffer_size(&out));
    message.size = (uint16_t)buffer_size(&out);
    buffer_finish(&out);
    return message;
}

static void rogue_hears(struct rogue *rogue, const struct auth_bytes *message)
{
    struct buffer out;
    buffer_init(&out, AUTH_MESSAGE_MAX);
    assert_int_equal(noise_read(rogue->noise, span_of(message->bytes, message->size), &out), 0);
    buffer_finish(&out);
}

/* What the agent makes of a bridge that commits itself to one thing and reveals another. */
static int reveal(enum handshake_pattern pattern, const uint8_t *committed_nonce,
                  const uint8_t *committed_key, uint8_t compare, size_t size)
{
    struct rogue rogue;
    uint8_t payload[HANDSHAKE_REVEAL_SIZE + 8] = {0}, nonce[HANDSHAKE_NONCE_SIZE] = {9};
    rogue_init(&rogue, pattern, true);
    handshake_commit(committed_nonce != NULL ? committed_nonce : nonce,
                     committed_key != NULL ? committed_key : rogue.pair.bridge_key.public_key, payload);
    struct auth_bytes message = rogue_says(&rogue, payload, HANDSHAKE_COMMITMENT_SIZE);
    assert_int_equal(handshake_meet(rogue.pair.agent, &message), 0);
    assert_int_equal(handshake_reply(rogue.pair.agent, &rogue.pair.choice, &message), 0);
    rogue_hears(&rogue, &message);
    memcpy(payload, nonce, sizeof(nonce));
    payload[HANDSHAKE_NONCE_SIZE] = compare;
    message = rogue_says(&rogue, payload, size);
    int status = handshake_pair_deliver(&rogue.pair, 3, &message);
    if (status < 0)
        assert_spent(rogue.pair.agent);
    rogue_finish(&rogue);
    return status;
}

static void a_bridge_that_does_not_keep_its_commitment_is_refused(void **state)
{
    static const uint8_t OTHER[32] = {8};
    static const enum handshake_pattern PATTERNS[] = {PATTERN_XX, PATTERN_XXPSK3};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(reveal(PATTERNS[i], NULL, NULL, 0, HANDSHAKE_REVEAL_SIZE), 0);
        assert_int_equal(reveal(PATTERNS[i], NULL, NULL, 1, HANDSHAKE_REVEAL_SIZE), 0);
        assert_int_equal(reveal(PATTERNS[i], OTHER, NULL, 0, HANDSHAKE_REVEAL_SIZE),
                         STATUS_AUTHENTICATION_FAILED);
        assert_int_equal(reveal(PATTERNS[i], NULL, OTHER, 0, HANDSHAKE_REVEAL_SIZE),
                         STATUS_AUTHENTICATION_FAILED);
        assert_int_equal(reveal(PATTERNS[i], NULL, NULL, 2, HANDSHAKE_REVEAL_SIZE), STATUS_MALFORMED);
        assert_int_equal(reveal(PATTERNS[i], NULL, NULL, 0, HANDSHAKE_REVEAL_SIZE - 1), STATUS_MALFORMED);
        assert_int_equal(reveal(PATTERNS[i], NULL, NULL, 0, HANDSHAKE_REVEAL_SIZE + 1), STATUS_MALFORMED);
    }
}

static void a_first_message_with_a_payload_of_another_size_is_malformed(void **state)
{
    static const uint8_t PAYLOAD[64];
    each_pattern(pattern)
    {
        size_t due = handshake_pattern_is_first(pattern) ? HANDSHAKE_COMMITMENT_SIZE : 0;
        for (size_t size = 0; size <= sizeof(PAYLOAD); size++) {
            struct rogue rogue;
            rogue_init(&rogue, pattern, true);
            struct auth_bytes message = rogue_says(&rogue, PAYLOAD, size);
            assert_int_equal(handshake_meet(rogue.pair.agent, &message), size == due ? 0 : STATUS_MALFORMED);
            rogue_finish(&rogue);
        }
    }
}

/* What the bridge makes of an agent's choice. */
static int choose(enum handshake_pattern pattern, const uint8_t choice[static 4], size_t size)
{
    struct rogue rogue;
    uint8_t payload[64] = {0};
    struct handshake_choice heard = {.version = 77};
    rogue_init(&rogue, pattern, false);
    memcpy(payload, choice, 4);
    handshake_pair_advance(&rogue.pair, 1);
    rogue_hears(&rogue, &rogue.pair.messages[0]);
    struct auth_bytes message = rogue_says(&rogue, payload, size);
    uint8_t key[NOISE_KEY_SIZE] = {77};
    int status = handshake_read(rogue.pair.bridge, &message, &heard, key);
    if (status < 0) {
        assert_spent(rogue.pair.bridge);
        assert_true(heard.version == 77 && key[0] == 77); /* outputs are untouched */
    }
    rogue_finish(&rogue);
    return status;
}

static void a_choice_that_nobody_offered_is_refused(void **state)
{
    each_pattern(pattern)
    {
        size_t size = handshake_pattern_is_first(pattern) ? HANDSHAKE_CHOICE_SIZE + HANDSHAKE_NONCE_SIZE
                                                          : HANDSHAKE_CHOICE_SIZE;
        assert_int_equal(choose(pattern, (const uint8_t[]){0, 1, 1, 0}, size), 0);
        assert_int_equal(choose(pattern, (const uint8_t[]){0, 1, 0, 0}, size), 0);
        assert_int_equal(choose(pattern, (const uint8_t[]){0, 0, 1, 0}, size), STATUS_AUTHENTICATION_FAILED);
        assert_int_equal(choose(pattern, (const uint8_t[]){0, 1, 3, 0}, size), STATUS_AUTHENTICATION_FAILED);
        assert_int_equal(choose(pattern, (const uint8_t[]){0, 1, 255, 0}, size),
                         STATUS_AUTHENTICATION_FAILED);
        assert_int_equal(choose(pattern, (const uint8_t[]){0, 1, 1, 1}, size), STATUS_MALFORMED);
        assert_int_equal(choose(pattern, (const uint8_t[]){0, 1, 1, 0}, size - 1), STATUS_MALFORMED);
        assert_int_equal(choose(pattern, (const uint8_t[]){0, 1, 1, 0}, size + 1), STATUS_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_of_any_other_length_is_malformed),
        cmocka_unit_test(a_change_of_any_byte_is_noticed),
        cmocka_unit_test(a_recorded_session_gains_nothing),
        cmocka_unit_test(a_message_in_the_place_of_another_is_refused),
        cmocka_unit_test(calls_out_of_turn_are_unexpected),
        cmocka_unit_test(an_agent_with_another_key_says_so),
        cmocka_unit_test(who_has_the_public_keys_only_can_not_answer_for_the_agent),
        cmocka_unit_test(another_psk_is_noticed_by_the_first_who_can),
        cmocka_unit_test(another_hello_or_pattern_is_noticed),
        cmocka_unit_test(low_order_points_are_refused),
        cmocka_unit_test(a_bridge_that_does_not_keep_its_commitment_is_refused),
        cmocka_unit_test(a_first_message_with_a_payload_of_another_size_is_malformed),
        cmocka_unit_test(a_choice_that_nobody_offered_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
