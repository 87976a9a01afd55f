/* SPDX-License-Identifier: MIT */
/* Authentications that succeed: what both sides know afterwards, and the code that people compare. */
#include "protocol/wire/handshake.h"

#include <sodium.h>
#include <string.h>

#include "protocol/base/status.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/wire/handshake_pair.h"

#define each_pattern(pattern)                                                                                \
    for (enum handshake_pattern pattern = PATTERN_XX; pattern <= PATTERN_XXPSK3;                             \
         pattern = (enum handshake_pattern)(pattern + 1))

static void both_sides_end_with_the_same_keys_and_each_others_identity(void **state)
{
    each_pattern(pattern)
    {
        struct handshake_pair pair;
        struct session_keys bridge, agent;
        handshake_pair_init(&pair, pattern);
        handshake_pair_run(&pair);
        handshake_keys(pair.bridge, &bridge);
        handshake_keys(pair.agent, &agent);
        assert_memory_equal(bridge.master, agent.master, sizeof(bridge.master));
        assert_int_equal(bridge.cipher, AEAD_CHACHA20_POLY1305);
        assert_int_equal(agent.cipher, AEAD_CHACHA20_POLY1305);
        assert_memory_equal(bridge.peer, pair.agent_key.public_key, NOISE_KEY_SIZE);
        assert_memory_equal(agent.peer, pair.bridge_key.public_key, NOISE_KEY_SIZE);
        handshake_pair_finish(&pair);
    }
}

static void the_agents_choice_reaches_the_bridge(void **state)
{
    static const struct handshake_choice CHOICES[] = {{1, (enum aead_cipher)0},
                                                      {2, AEAD_CHACHA20_POLY1305},
                                                      {0x1234, AEAD_AES256_GCM},
                                                      {UINT16_MAX, AEAD_AES256_GCM}};
    each_pattern(pattern)
    {
        struct handshake_pair pair;
        handshake_pair_init(&pair, pattern);
        for (size_t i = 0; i < sizeof(CHOICES) / sizeof(CHOICES[0]); i++) {
            struct handshake_choice heard;
            struct session_keys keys;
            handshake_pair_restart(&pair);
            pair.choice = CHOICES[i];
            handshake_pair_advance(&pair, 2);
            uint8_t key[NOISE_KEY_SIZE];
            assert_int_equal(handshake_read(pair.bridge, &pair.messages[1], &heard, key), 0);
            assert_int_equal(handshake_answer(pair.bridge, false, &pair.messages[2]), 0);
            assert_int_equal(heard.version, CHOICES[i].version);
            assert_int_equal(heard.cipher, CHOICES[i].cipher);
            handshake_keys(pair.bridge, &keys);
            assert_int_equal(keys.cipher, CHOICES[i].cipher);
        }
        handshake_pair_finish(&pair);
    }
}

static void the_wish_to_compare_reaches_the_agent_in_first_meetings(void **state)
{
    each_pattern(pattern)
    {
        struct handshake_pair pair;
        handshake_pair_init(&pair, pattern);
        for (int compare = 0; compare <= 1; compare++) {
            bool heard = !compare;
            handshake_pair_restart(&pair);
            pair.compare = compare;
            handshake_pair_advance(&pair, 3);
            assert_int_equal(handshake_conclude(pair.agent, &pair.messages[2], &heard), 0);
            assert_int_equal(heard, compare && handshake_pattern_is_first(pattern));
        }
        handshake_pair_finish(&pair);
    }
}

static void messages_have_the_sizes_of_the_protocol(void **state)
{
    static const uint16_t SIZES[][3] = {[PATTERN_XX] = {64, 132, 97},
                                        [PATTERN_IK] = {96, 52, 16},
                                        [PATTERN_IKPSK2] = {96, 52, 16},
                                        [PATTERN_XXPSK3] = {80, 132, 97}};
    each_pattern(pattern)
    {
        struct handshake_pair pair;
        handshake_pair_init(&pair, pattern);
        handshake_pair_run(&pair);
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(pair.messages[i].size, SIZES[pattern][i]);
        handshake_pair_finish(&pair);
    }
}

static void the_code_is_the_same_on_both_sides_and_another_each_time(void **state)
{
    enum { SESSIONS = 20 };
    struct handshake_pair pair;
    char codes[SESSIONS][HANDSHAKE_CODE_DIGITS + 1];
    size_t equal = 0;
    handshake_pair_init(&pair, PATTERN_XX);
    for (size_t i = 0; i < SESSIONS; i++) {
        char agent[HANDSHAKE_CODE_DIGITS + 1];
        handshake_pair_restart(&pair);
        handshake_pair_run(&pair);
        assert_true(handshake_code(pair.bridge, codes[i]) && handshake_code(pair.agent, agent));
        assert_string_equal(codes[i], agent);
        assert_int_equal(strlen(agent), HANDSHAKE_CODE_DIGITS);
        assert_int_equal(strspn(agent, "0123456789"), HANDSHAKE_CODE_DIGITS);
        for (size_t k = 0; k < i; k++)
            equal += strcmp(codes[i], codes[k]) == 0;
    }
    assert_true(equal < 3); /* of 190 pairs; one in a million each */
    handshake_pair_finish(&pair);
}

static void who_stands_between_gives_the_two_sides_different_codes(void **state)
{
    enum { ATTEMPTS = 10 };
    struct handshake_pair left, right; /* he is the agent of the one and the bridge of the other */
    size_t equal = 0;
    handshake_pair_init(&left, PATTERN_XX);
    handshake_pair_init(&right, PATTERN_XX);
    for (size_t i = 0; i < ATTEMPTS; i++) {
        char bridge[HANDSHAKE_CODE_DIGITS + 1], agent[HANDSHAKE_CODE_DIGITS + 1];
        handshake_pair_restart(&left);
        handshake_pair_restart(&right);
        handshake_pair_run(&left);
        handshake_pair_run(&right);
        assert_true(handshake_code(left.bridge, bridge) && handshake_code(right.agent, agent));
        equal += strcmp(bridge, agent) == 0;
    }
    assert_true(equal < 2);
    handshake_pair_finish(&left);
    handshake_pair_finish(&right);
}

static void a_later_meeting_has_no_code(void **state)
{
    char code[HANDSHAKE_CODE_DIGITS + 1];
    each_pattern(pattern)
    {
        struct handshake_pair pair;
        handshake_pair_init(&pair, pattern);
        assert_false(handshake_code(pair.bridge, code)); /* not before the end */
        handshake_pair_run(&pair);
        assert_int_equal(handshake_code(pair.bridge, code), handshake_pattern_is_first(pattern));
        assert_int_equal(handshake_code(pair.agent, code), handshake_pattern_is_first(pattern));
        handshake_pair_finish(&pair);
    }
}

static void patterns_have_names_and_properties(void **state)
{
    assert_string_equal(handshake_pattern_name(PATTERN_XX), "XX");
    assert_string_equal(handshake_pattern_name(PATTERN_IK), "IK");
    assert_string_equal(handshake_pattern_name(PATTERN_IKPSK2), "IKpsk2");
    assert_string_equal(handshake_pattern_name(PATTERN_XXPSK3), "XXpsk3");
    assert_string_equal(handshake_pattern_name(0), "?");
    assert_string_equal(handshake_pattern_name(5), "?");
    assert_string_equal(handshake_pattern_name(UINT64_MAX), "?");
    assert_true(handshake_pattern_has_psk(PATTERN_IKPSK2) && handshake_pattern_has_psk(PATTERN_XXPSK3));
    assert_false(handshake_pattern_has_psk(PATTERN_XX) || handshake_pattern_has_psk(PATTERN_IK));
    assert_true(handshake_pattern_is_first(PATTERN_XX) && handshake_pattern_is_first(PATTERN_XXPSK3));
    assert_false(handshake_pattern_is_first(PATTERN_IK) || handshake_pattern_is_first(PATTERN_IKPSK2));
}

static void create_refuses_a_pattern_that_is_not_there(void **state)
{
    struct handshake_pair pair;
    struct handshake *handshake = NULL;
    handshake_pair_init(&pair, PATTERN_XX);
    static const unsigned PATTERNS[] = {0, 5, 255};
    for (size_t i = 0; i < sizeof(PATTERNS) / sizeof(PATTERNS[0]); i++) {
        const struct handshake_setup setup = {.pattern = (enum handshake_pattern)PATTERNS[i],
                                              .own = &pair.agent_key};
        assert_int_equal(handshake_create(pair.secrets, &setup, &handshake), STATUS_INVALID);
        assert_null(handshake);
    }
    handshake_pair_finish(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_end_with_the_same_keys_and_each_others_identity),
        cmocka_unit_test(the_agents_choice_reaches_the_bridge),
        cmocka_unit_test(the_wish_to_compare_reaches_the_agent_in_first_meetings),
        cmocka_unit_test(messages_have_the_sizes_of_the_protocol),
        cmocka_unit_test(the_code_is_the_same_on_both_sides_and_another_each_time),
        cmocka_unit_test(who_stands_between_gives_the_two_sides_different_codes),
        cmocka_unit_test(a_later_meeting_has_no_code),
        cmocka_unit_test(patterns_have_names_and_properties),
        cmocka_unit_test(create_refuses_a_pattern_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
