/* SPDX-License-Identifier: MIT */
/* Agents that do not keep to the script: refused with a reason, and nothing is given away. */
#include <string.h>

#include "protocol/base/status.h"
#include "tests/unit/link/introduction_fixture.h"

/* ---- agents that do not ---- */

static void a_choice_that_was_not_offered_is_refused(void **state)
{
    static const struct {
        enum sealing asked;
        uint16_t version;
        enum aead_cipher cipher;
    } CASES[] = {{SEALING_AUTO, PROTOCOL_VERSION + 1, 0},
                 {SEALING_AUTO, UINT16_MAX, 0},
                 {SEALING_ALWAYS, PROTOCOL_VERSION, 0},
                 {SEALING_NEVER, PROTOCOL_VERSION, AEAD_CHACHA20_POLY1305},
                 {SEALING_AUTO, 0, 0},
                 {SEALING_AUTO, PROTOCOL_VERSION, AEAD_CHACHA20_POLY1305 | AEAD_AES256_GCM},
                 {SEALING_AUTO, PROTOCOL_VERSION, 4}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        options.sealing = CASES[i].asked;
        meet();
        reply(CASES[i].version, CASES[i].cipher);
        expect_failure(STATUS_AUTHENTICATION_FAILED);
        assert_int_equal(shown, 0); /* nor is its key judged */
        assert_int_equal(buffer_size(&peer.in), 0);
        introduction_fixture_renew();
    }
}

static void an_agent_that_is_not_trusted_is_told_nothing(void **state)
{
    judgement = STATUS_KEY_CHANGED;
    meet();
    reply(PROTOCOL_VERSION, 0);
    expect_failure(STATUS_KEY_CHANGED);
    assert_int_equal(shown, 1);
    assert_int_equal(buffer_size(&peer.in), 0); /* no AUTH 3 */
}

static void a_welcome_before_the_handshake_is_refused(void **state)
{
    meet();
    welcome(PROTOCOL_VERSION);
    expect_failure(STATUS_UNEXPECTED);
    assert_int_equal(shown, 0);
}

static void a_welcome_of_another_version_than_the_handshakes_is_refused(void **state)
{
    prove(0);
    welcome(PROTOCOL_VERSION + 1);
    expect_failure(STATUS_AUTHENTICATION_FAILED);
}

static void a_welcome_before_people_agreed_is_refused(void **state)
{
    asks_for_code = true; /* which the agent knows, and does not show one */
    prove(0);
    welcome(PROTOCOL_VERSION);
    expect_failure(STATUS_AUTHENTICATION_FAILED);
    introduction_fixture_renew();
    compare(0); /* shows one, and does not wait for the host's people */
    welcome(PROTOCOL_VERSION);
    expect_failure(STATUS_AUTHENTICATION_FAILED);
}

static void a_code_that_nobody_asked_for_is_refused(void **state)
{
    prove(0);
    say_kind(MESSAGE_PAIR);
    expect_failure(STATUS_CODE_NEEDED);
    assert_int_equal(codes, 0);
    introduction_fixture_renew();
    options.peer = agent_key.public_key;
    prove(0);
    say_kind(MESSAGE_PAIR);
    expect_failure(STATUS_CODE_NEEDED);
    assert_int_equal(codes, 0);
}

static void pair_at_the_wrong_moment_is_refused(void **state)
{
    asks_for_code = true;
    meet();
    say_kind(MESSAGE_PAIR);
    expect_failure(STATUS_UNEXPECTED);
    introduction_fixture_renew();
    compare(0);
    say_kind(MESSAGE_PAIR); /* a second time */
    expect_failure(STATUS_UNEXPECTED);
    assert_int_equal(codes, 1);
}

static void a_refusal_is_told_at_each_step(void **state)
{
    meet();
    refuse(STATUS_OTHER_KEY, "a hint");
    expect_failure(STATUS_OTHER_KEY);
    assert_string_equal(failure_text, "a hint");
    introduction_fixture_renew();
    for (int i = 0; i < 2; i++) {
        enum aead_cipher cipher = i == 0 ? 0 : AEAD_CHACHA20_POLY1305;
        prove(cipher);
        refuse(STATUS_NOT_PAIRED, "not you");
        expect_failure(STATUS_NOT_PAIRED);
        assert_string_equal(failure_text, "not you");
        introduction_fixture_renew();
        compare(cipher);
        refuse(STATUS_DECLINED, "not the same");
        expect_failure(STATUS_DECLINED);
        assert_string_equal(failure_text, "not the same");
        introduction_fixture_renew();
        compare(cipher);
        introduction_agree(introduction);
        refuse(STATUS_DECLINED, "too late");
        expect_failure(STATUS_DECLINED);
        introduction_fixture_renew();
    }
}

static void a_plain_refusal_in_a_sealed_session_is_not_believed(void **state)
{
    prove(AEAD_CHACHA20_POLY1305);
    struct sealed_peer kept = sealed;
    sealed = (struct sealed_peer){0};
    refuse(STATUS_KEY_CHANGED, "believe me");
    assert_true(wakeups_within(20) < 20);
    assert_int_equal(failures, 0);
    sealed = kept;
    welcome(PROTOCOL_VERSION);
    RUN_UNTIL(welcomes == 1);
}

static void garbage_is_refused_at_each_step(void **state)
{
    for (int step = 0; step < 3; step++) {
        for (int i = 0; i < 5; i++) {
            uint8_t payload[FRAME_RST_MAX];
            if (step == 0)
                meet();
            else if (step == 1)
                prove(0);
            else
                compare(0);
            static const int STATUSES[] = {STATUS_MALFORMED, STATUS_UNEXPECTED, STATUS_UNEXPECTED,
                                           STATUS_LIMIT, STATUS_UNEXPECTED};
            if (i == 0)
                peer_write_frame(&peer, FRAME_MESSAGE, "junk", 4);
            else if (i == 1)
                say_kind(MESSAGE_PONG);
            else if (i == 2)
                peer_write_frame(&peer, FRAME_DATA, "x", 1);
            else if (i == 3)
                peer_write_frame(&peer, FRAME_RST, payload, frame_rst_encode(STATUS_LIMIT, "full", payload));
            else
                peer_write_frame(&peer, FRAME_FIN, NULL, 0);
            expect_failure(STATUSES[i]);
            introduction_fixture_renew();
        }
    }
}

static void handshake_messages_that_are_wrong_are_refused(void **state)
{
    static const uint16_t SIZES[] = {1, 64, 131, 132, 133, AUTH_MESSAGE_MAX};
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
        struct message auth = {.kind = MESSAGE_AUTH};
        auth.body.auth.message.size = SIZES[i];
        meet();
        say(&auth);
        RUN_UNTIL(failures == 1);
        assert_true(failure == STATUS_MALFORMED || failure == STATUS_AUTHENTICATION_FAILED);
        assert_int_equal(shown, 0);
        introduction_fixture_renew();
    }
    struct message auth = {.kind = MESSAGE_AUTH};
    auth.body.auth.message.size = 16;
    prove(0);
    say(&auth); /* one more than there are */
    expect_failure(STATUS_UNEXPECTED);
}

static void an_agent_that_leaves_is_told_at_each_step(void **state)
{
    for (int step = 0; step < 3; step++) {
        if (step == 0)
            meet();
        else if (step == 1)
            prove(0);
        else
            compare(0);
        peer_hang_up(&peer);
        RUN_UNTIL(failures == 1);
        assert_int_equal(failure, UV_EOF);
        introduction_fixture_renew();
    }
}

#define TEST(name)                                                                                           \
    cmocka_unit_test_setup_teardown(name, introduction_fixture_setup, introduction_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_choice_that_was_not_offered_is_refused),
        TEST(an_agent_that_is_not_trusted_is_told_nothing),
        TEST(a_welcome_before_the_handshake_is_refused),
        TEST(a_welcome_of_another_version_than_the_handshakes_is_refused),
        TEST(a_welcome_before_people_agreed_is_refused),
        TEST(a_code_that_nobody_asked_for_is_refused),
        TEST(pair_at_the_wrong_moment_is_refused),
        TEST(a_refusal_is_told_at_each_step),
        TEST(a_plain_refusal_in_a_sealed_session_is_not_believed),
        TEST(garbage_is_refused_at_each_step),
        TEST(handshake_messages_that_are_wrong_are_refused),
        TEST(an_agent_that_leaves_is_told_at_each_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
