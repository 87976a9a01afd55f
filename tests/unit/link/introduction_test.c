/* SPDX-License-Identifier: MIT */
/* The bridge's introduction to agents that keep to the script, and giving up. */
#include <string.h>

#include "protocol/base/status.h"
#include "tests/unit/link/introduction_fixture.h"

static const uint8_t SECRET[NOISE_KEY_SIZE] = {5, 6, 7};

/* ---- agents that keep to it ---- */

static void every_pattern_ends_with_the_same_keys_on_both_sides(void **state)
{
    for (int i = 0; i < 8; i++) {
        enum aead_cipher cipher = i < 4 ? 0 : AEAD_CHACHA20_POLY1305;
        static const enum handshake_pattern PATTERNS[] = {PATTERN_XX, PATTERN_IK, PATTERN_XXPSK3,
                                                          PATTERN_IKPSK2};
        options.peer = i % 2 == 1 ? agent_key.public_key : NULL;
        options.psk = i % 4 >= 2 ? SECRET : NULL;
        prove(cipher);
        assert_int_equal(hello.pattern, PATTERNS[i % 4]);
        assert_int_equal(psk_proved, i % 4 >= 2);
        welcome(PROTOCOL_VERSION);
        RUN_UNTIL(welcomes == 1);
        assert_memory_equal(bridge_keys.master, agent_keys.master, sizeof(agent_keys.master));
        assert_memory_equal(bridge_keys.peer, agent_key.public_key, NOISE_KEY_SIZE);
        assert_int_equal(bridge_keys.cipher, cipher);
        struct message ping = {.kind = MESSAGE_PING, .id = 1}, message;
        assert_int_equal(stream_send_message(probe.stream, &ping), 0);
        hear(MESSAGE_PING, &message);
        say_kind(MESSAGE_PONG);
        RUN_UNTIL(probe.frames == 1);
        assert_int_equal(failures, 0);
        introduction_fixture_renew();
    }
}

static void hello_says_what_the_bridge_is_and_wants(void **state)
{
    static const struct {
        enum link_kind kind;
        enum sealing asked, said;
        uint32_t port;
    } CASES[] = {
        {LINK_VSOCK, SEALING_AUTO, SEALING_AUTO, 5002},
        {LINK_UNIX, SEALING_NEVER, SEALING_NEVER, 0},
        {LINK_SERIAL, SEALING_ALWAYS, SEALING_ALWAYS, 0},
        {LINK_TCP, SEALING_AUTO, SEALING_ALWAYS, 70001},
        {LINK_EXEC, SEALING_AUTO, SEALING_ALWAYS, 0},
        {LINK_TCP, SEALING_NEVER, SEALING_NEVER, 1},
        {LINK_HYBRID, SEALING_AUTO, SEALING_AUTO, 0xffffffff},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        options.kind = CASES[i].kind;
        options.sealing = CASES[i].asked;
        options.port = CASES[i].port;
        meet();
        assert_int_equal(hello.role, ROLE_CONTROL);
        assert_int_equal(hello.version, PROTOCOL_VERSION);
        assert_int_equal(hello.version_min, PROTOCOL_VERSION_MIN);
        assert_string_equal(hello.software, "a bridge");
        assert_string_equal(hello.link, link_kind_name(CASES[i].kind));
        assert_int_equal(hello.sealing, CASES[i].said);
        assert_int_equal(hello.port, CASES[i].port);
        assert_int_equal(hello.ciphers, aead_ciphers());
        assert_true(capability_list_has(&hello.capabilities, "refusals"));
        introduction_fixture_renew();
    }
}

static void a_code_that_both_agree_to_lets_in(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct message pair;
        compare(i == 0 ? 0 : AEAD_CHACHA20_POLY1305);
        introduction_agree(introduction);
        introduction_agree(introduction); /* once more says nothing more */
        hear(MESSAGE_PAIR, &pair);
        welcome(PROTOCOL_VERSION);
        RUN_UNTIL(welcomes == 1);
        assert_int_equal(sealed.send_key != NULL ? sealed_peer_read(&sealed) : peer_read(&peer), 0);
        introduction_fixture_renew();
    }
}

/* ---- giving up ---- */

static void giving_up_is_told_to_an_agent_that_waits_for_people(void **state)
{
    for (int i = 0; i < 4; i++) {
        struct message message;
        compare(i % 2 == 0 ? 0 : AEAD_CHACHA20_POLY1305);
        if (i >= 2) {
            introduction_agree(introduction);
            hear(MESSAGE_PAIR, &message);
        }
        introduction_cancel(introduction);
        introduction = NULL;
        hear(MESSAGE_REFUSE, &message);
        assert_int_equal(message.body.failure.status, STATUS_DECLINED);
        assert_int_equal(failures, 0);
        introduction_fixture_renew();
    }
    introduction_cancel(NULL);
}

static void giving_up_earlier_says_nothing(void **state)
{
    for (int step = 0; step < 2; step++) {
        if (step == 0)
            meet();
        else
            prove(0);
        introduction_agree(introduction); /* there is nothing to agree to */
        introduction_cancel(introduction);
        introduction = NULL;
        RUN_UNTIL((peer_read(&peer), peer.eof));
        assert_int_equal(buffer_size(&peer.in), 0);
        assert_int_equal(failures, 0);
        introduction_fixture_renew();
    }
}

#define TEST(name)                                                                                           \
    cmocka_unit_test_setup_teardown(name, introduction_fixture_setup, introduction_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_pattern_ends_with_the_same_keys_on_both_sides),
        TEST(hello_says_what_the_bridge_is_and_wants),
        TEST(a_code_that_both_agree_to_lets_in),
        TEST(giving_up_is_told_to_an_agent_that_waits_for_people),
        TEST(giving_up_earlier_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
