/* SPDX-License-Identifier: MIT */
/* Noise's state machine beside its vectors: names of patterns, turns, failures. */
#include "protocol/wire/noise.h"

#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "protocol/wire/secret.h"
#include "tests/unit/base/testing.h"

struct party {
    struct noise *noise;
    struct noise_key_pair key;
};

struct fixture {
    struct secret_pool *secrets;
    struct party initiator, responder;
    uint8_t psk[NOISE_KEY_SIZE], other_psk[NOISE_KEY_SIZE];
};

static int start(struct fixture *fixture, bool initiator, const char *pattern, const uint8_t *psk,
                 const char *prologue)
{
    struct party *own = initiator ? &fixture->initiator : &fixture->responder;
    const struct party *peer = initiator ? &fixture->responder : &fixture->initiator;
    const struct noise_setup setup = {.pattern = pattern,
                                      .initiator = initiator,
                                      .prologue = span_of_text(prologue),
                                      .own = &own->key,
                                      .peer = peer->key.public_key,
                                      .psk = psk};
    return noise_init(own->noise, &setup);
}

static void start_both(struct fixture *fixture, const char *pattern)
{
    assert_int_equal(start(fixture, true, pattern, fixture->psk, "prologue"), 0);
    assert_int_equal(start(fixture, false, pattern, fixture->psk, "prologue"), 0);
}

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture.secrets = secret_pool_create();
    fixture.initiator.noise = secret_take(fixture.secrets, noise_size());
    fixture.responder.noise = secret_take(fixture.secrets, noise_size());
    noise_key_pair_make(&fixture.initiator.key);
    noise_key_pair_make(&fixture.responder.key);
    memset(fixture.psk, 1, sizeof(fixture.psk));
    memset(fixture.other_psk, 2, sizeof(fixture.other_psk));
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    noise_wipe(fixture->initiator.noise);
    noise_wipe(fixture->responder.noise);
    secret_release(fixture->secrets, fixture->initiator.noise, noise_size());
    secret_release(fixture->secrets, fixture->responder.noise, noise_size());
    secret_pool_destroy(fixture->secrets);
    return 0;
}

static int hand_over(struct noise *from, struct noise *to, const char *payload)
{
    struct buffer message, heard;
    buffer_init(&message, NOISE_MESSAGE_MAX);
    buffer_init(&heard, NOISE_MESSAGE_MAX);
    assert_int_equal(noise_write(from, span_of_text(payload), &message), 0);
    int status = noise_read(to, buffer_span(&message), &heard);
    if (status == 0)
        assert_true(span_equals(buffer_span(&heard), span_of_text(payload)));
    else
        assert_int_equal(buffer_size(&heard), 0);
    buffer_finish(&message);
    buffer_finish(&heard);
    return status;
}

static void init_knows_the_patterns_and_their_modifiers(void **state)
{
    static const char *const GOOD[] = {"NN",
                                       "XX",
                                       "IK",
                                       "KK",
                                       "XXpsk0",
                                       "XXpsk3",
                                       "XXpsk0+psk3",
                                       "IKpsk2",
                                       "IKpsk0+psk1+psk2",
                                       "XXpsk0+psk1+psk2+psk3"};
    static const char *const BAD[] = {"",        "X",          "XK",          "xx",
                                      "XXN",     "XXpsk4",     "IKpsk3",      "XXpsk",
                                      "XXpsk0+", "XXpsk0psk1", "XXpsk1+psk0", "XXpsk1+psk1",
                                      "XX+psk0", "XXpsk00",    "XXfallback",  "XXpsk0+psk1 "};
    for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++)
        start_both(*state, GOOD[i]);
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        assert_int_equal(start(*state, true, BAD[i], NULL, ""), STATUS_INVALID);
}

static void sides_take_turns_until_both_are_finished(void **state)
{
    struct fixture *fixture = *state;
    struct noise *initiator = fixture->initiator.noise, *responder = fixture->responder.noise;
    start_both(fixture, "XX");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(noise_must_write(initiator), i % 2 == 0);
        assert_int_equal(noise_must_write(responder), i % 2 == 1);
        assert_false(noise_is_finished(initiator) || noise_is_finished(responder));
        assert_int_equal(
            hand_over(i % 2 == 0 ? initiator : responder, i % 2 == 0 ? responder : initiator, "payload"), 0);
    }
    assert_true(noise_is_finished(initiator) && noise_is_finished(responder));
    assert_false(noise_must_write(initiator) || noise_must_write(responder));
}

static void peer_key_is_there_once_it_was_said(void **state)
{
    struct fixture *fixture = *state;
    struct noise *initiator = fixture->initiator.noise, *responder = fixture->responder.noise;
    uint8_t key[NOISE_KEY_SIZE];
    start_both(fixture, "XX");
    hand_over(initiator, responder, "");
    assert_false(noise_peer_key(initiator, key) || noise_peer_key(responder, key));
    hand_over(responder, initiator, "");
    assert_true(noise_peer_key(initiator, key));
    assert_memory_equal(key, fixture->responder.key.public_key, sizeof(key));
    hand_over(initiator, responder, "");
    assert_true(noise_peer_key(responder, key));
    assert_memory_equal(key, fixture->initiator.key.public_key, sizeof(key));
    start_both(fixture, "IK");
    assert_true(noise_peer_key(initiator, key));
    assert_false(noise_peer_key(responder, key));
}

/* Plays as far as it goes; how many messages were taken. */
static size_t play(struct fixture *fixture, int *ret_status)
{
    struct noise *from = fixture->initiator.noise, *to = fixture->responder.noise;
    for (size_t taken = 0;; taken++) {
        if (noise_is_finished(from))
            return taken;
        *ret_status = hand_over(from, to, "payload");
        if (*ret_status < 0) {
            assert_false(noise_is_finished(to) || noise_must_write(to)); /* spent */
            return taken;
        }
        struct noise *other = from;
        from = to;
        to = other;
    }
}

static void another_psk_fails_where_it_is_mixed_in(void **state)
{
    static const struct {
        const char *pattern;
        size_t taken; /* before it is noticed */
    } CASES[] = {{"XXpsk0", 0}, {"XXpsk1", 0}, {"XXpsk2", 1}, {"XXpsk3", 2}, {"IKpsk0", 0},
                 {"IKpsk1", 0}, {"IKpsk2", 1}, {"KKpsk0", 0}, {"KKpsk2", 1}, {"NNpsk0", 0}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct fixture *fixture = *state;
        int status = 0;
        start(fixture, true, CASES[i].pattern, fixture->psk, "prologue");
        start(fixture, false, CASES[i].pattern, fixture->other_psk, "prologue");
        assert_int_equal(play(fixture, &status), CASES[i].taken);
        assert_int_equal(status, STATUS_AUTHENTICATION_FAILED);
    }
}

static void another_prologue_fails_at_the_first_sealed_text(void **state)
{
    static const struct {
        const char *pattern;
        size_t taken;
    } CASES[] = {{"XX", 1}, {"IK", 0}, {"KK", 0}, {"NN", 1}, {"XXpsk3", 0}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct fixture *fixture = *state;
        int status = 0;
        start(fixture, true, CASES[i].pattern, fixture->psk, "prologue");
        start(fixture, false, CASES[i].pattern, fixture->psk, "prologuf");
        assert_int_equal(play(fixture, &status), CASES[i].taken);
        assert_int_equal(status, STATUS_AUTHENTICATION_FAILED);
        assert_false(noise_met_zero(fixture->responder.noise));
    }
}

static void another_pattern_fails(void **state)
{
    struct fixture *fixture = *state;
    int status = 0;
    start(fixture, true, "IKpsk1", fixture->psk, "prologue");
    start(fixture, false, "IKpsk2", fixture->psk, "prologue");
    assert_int_equal(play(fixture, &status), 0);
    assert_int_equal(status, STATUS_AUTHENTICATION_FAILED);
}

/* All points of small order, and forms of them that are not reduced. */
static const uint8_t LOW_ORDER[][NOISE_KEY_SIZE] = {
    {0},
    {1},
    {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
     0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
    {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
     0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
};

static void low_order_points_are_refused_and_told_apart(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(LOW_ORDER) / sizeof(LOW_ORDER[0]); i++) {
        struct buffer out;
        uint8_t message[96] = {0};
        buffer_init(&out, NOISE_MESSAGE_MAX);
        memcpy(message, LOW_ORDER[i], NOISE_KEY_SIZE);
        start_both(fixture, "IK"); /* an ephemeral key that the responder combines with its static one */
        assert_int_equal(noise_read(fixture->responder.noise, span_of(message, sizeof(message)), &out),
                         STATUS_AUTHENTICATION_FAILED);
        assert_true(noise_met_zero(fixture->responder.noise));
        assert_int_equal(buffer_size(&out), 0);
        start_both(fixture, "XX"); /* … that it needs only for its answer */
        assert_int_equal(noise_read(fixture->responder.noise, span_of(message, NOISE_KEY_SIZE), &out), 0);
        assert_int_equal(noise_write(fixture->responder.noise, span_of(NULL, 0), &out),
                         STATUS_AUTHENTICATION_FAILED);
        assert_true(noise_met_zero(fixture->responder.noise));
        assert_int_equal(buffer_size(&out), 0);
        const struct noise_setup setup = {
            .pattern = "IK", .initiator = true, .own = &fixture->initiator.key, .peer = LOW_ORDER[i]};
        assert_int_equal(noise_init(fixture->initiator.noise, &setup), 0); /* a static key */
        assert_int_equal(noise_write(fixture->initiator.noise, span_of(NULL, 0), &out),
                         STATUS_AUTHENTICATION_FAILED);
        assert_int_equal(buffer_size(&out), 0);
        buffer_finish(&out);
    }
}

static void read_refuses_lengths_that_can_not_be(void **state)
{
    static uint8_t message[NOISE_MESSAGE_MAX + 1];
    struct fixture *fixture = *state;
    struct buffer out;
    buffer_init(&out, 2 * NOISE_MESSAGE_MAX);
    for (size_t size = 0; size < 96; size++) {
        start_both(fixture, "IK");
        assert_int_equal(noise_read(fixture->responder.noise, span_of(message, size), &out),
                         STATUS_MALFORMED);
    }
    start_both(fixture, "XX");
    assert_int_equal(noise_read(fixture->responder.noise, span_of(message, sizeof(message)), &out),
                     STATUS_MALFORMED);
    start_both(fixture, "XX");
    assert_int_equal(noise_read(fixture->responder.noise, span_of(message, NOISE_MESSAGE_MAX), &out), 0);
    assert_int_equal(buffer_size(&out), NOISE_MESSAGE_MAX - NOISE_KEY_SIZE);
    buffer_finish(&out);
}

static void write_refuses_what_does_not_fit(void **state)
{
    static uint8_t payload[NOISE_MESSAGE_MAX];
    struct fixture *fixture = *state;
    struct buffer out;
    buffer_init(&out, 2 * NOISE_MESSAGE_MAX);
    start_both(fixture, "IK");
    assert_int_equal(
        noise_write(fixture->initiator.noise, span_of(payload, NOISE_MESSAGE_MAX - 96 + 1), &out),
        UV_ENOBUFS);
    assert_false(noise_must_write(fixture->initiator.noise));
    start_both(fixture, "IK");
    assert_int_equal(noise_write(fixture->initiator.noise, span_of(payload, NOISE_MESSAGE_MAX - 96), &out),
                     0);
    assert_int_equal(buffer_size(&out), NOISE_MESSAGE_MAX);
    buffer_finish(&out);
    buffer_init(&out, 95);
    start_both(fixture, "IK");
    assert_int_equal(noise_write(fixture->initiator.noise, span_of(NULL, 0), &out), UV_ENOBUFS);
    buffer_finish(&out);
}

static void a_key_pair_is_completed_from_its_private_half(void **state)
{
    struct noise_key_pair made, completed;
    noise_key_pair_make(&made);
    memset(&completed, 0, sizeof(completed));
    memcpy(completed.private_key, made.private_key, sizeof(made.private_key));
    noise_key_pair_complete(&completed);
    assert_memory_equal(&completed, &made, sizeof(made));
}

static void two_handshakes_share_no_keys(void **state)
{
    struct fixture *fixture = *state;
    uint8_t keys[2][2][NOISE_KEY_SIZE];
    for (size_t i = 0; i < 2; i++) {
        int status = 0;
        start_both(fixture, "KK");
        assert_int_equal(play(fixture, &status), 2);
        noise_split(fixture->initiator.noise, keys[i][0], keys[i][1]);
        assert_memory_not_equal(keys[i][0], keys[i][1], NOISE_KEY_SIZE);
    }
    assert_memory_not_equal(keys[0][0], keys[1][0], NOISE_KEY_SIZE);
    assert_memory_not_equal(keys[0][1], keys[1][1], NOISE_KEY_SIZE);
}

#define noise_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        noise_test(init_knows_the_patterns_and_their_modifiers),
        noise_test(sides_take_turns_until_both_are_finished),
        noise_test(peer_key_is_there_once_it_was_said),
        noise_test(another_psk_fails_where_it_is_mixed_in),
        noise_test(another_prologue_fails_at_the_first_sealed_text),
        noise_test(another_pattern_fails),
        noise_test(low_order_points_are_refused_and_told_apart),
        noise_test(read_refuses_lengths_that_can_not_be),
        noise_test(write_refuses_what_does_not_fit),
        noise_test(a_key_pair_is_completed_from_its_private_half),
        noise_test(two_handshakes_share_no_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
