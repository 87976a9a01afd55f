/* SPDX-License-Identifier: MIT */
/* Hosts at the agent's door: the handshake, what both sides want of encryption, who is let in, and what costs
 * nothing. */
#include <string.h>

#include "protocol/base/status.h"
#include "tests/unit/link/admission_fixture.h"

static const uint8_t SECRET[NOISE_KEY_SIZE] = {5, 6, 7};
static struct host host;

static int setup(void **state)
{
    host = (struct host){.peer = {.fd = -1}};
    return admission_fixture_setup(state);
}

static int teardown(void **state)
{
    host_finish(&host);
    return admission_fixture_teardown(state);
}

static void renew(void)
{
    void *state = NULL;
    teardown(&state);
    setup(&state);
}

static void knock(enum handshake_pattern pattern)
{
    open_door();
    host_init(&host, pattern, door.options.psk);
    host_knock(&host);
}

/* ---- let in ---- */

static void every_pattern_ends_with_the_same_keys_on_both_sides(void **state)
{
    static const enum handshake_pattern PATTERNS[] = {PATTERN_XX, PATTERN_IK, PATTERN_IKPSK2, PATTERN_XXPSK3};
    for (size_t i = 0; i < 2 * sizeof(PATTERNS) / sizeof(PATTERNS[0]); i++) {
        enum handshake_pattern pattern = PATTERNS[i / 2];
        door.options.psk = handshake_pattern_has_psk(pattern) ? SECRET : NULL;
        door.options.sealing = i % 2 == 0 ? SEALING_AUTO : SEALING_ALWAYS;
        knock(pattern);
        host_prove(&host, false);
        RUN_UNTIL(door.admitted == 1);
        assert_memory_equal(door.claimed_key, door.host_key.public_key, NOISE_KEY_SIZE);
        assert_int_equal(door.psk_proved, handshake_pattern_has_psk(pattern));
        assert_int_equal(door.first, handshake_pattern_is_first(pattern));
        assert_false(door.compare);
        assert_int_equal(door.version, PROTOCOL_VERSION);
        assert_memory_equal(door.keys.master, host.keys.master, sizeof(host.keys.master));
        assert_memory_equal(door.keys.peer, door.host_key.public_key, NOISE_KEY_SIZE);
        assert_int_equal(door.keys.cipher, i % 2 == 0 ? 0 : AEAD_CHACHA20_POLY1305);
        assert_int_equal(host.choice.cipher, door.keys.cipher);
        assert_int_equal(door.admissions.count, 0);
        assert_int_equal(door.refused, 0);
        struct message ping = {.kind = MESSAGE_PING, .id = 1}; /* the stream is the owner's, sealed or not */
        struct message pong = {.kind = MESSAGE_PONG, .id = 1};
        host_say(&host, &ping);
        RUN_UNTIL(door.probe.frames == 1);
        assert_int_equal(stream_send_message(door.probe.stream, &pong), 0);
        host_expect(&host, MESSAGE_PONG);
        renew();
    }
}

static void what_comes_right_behind_auth_3_belongs_to_the_owner(void **state)
{
    for (int sealed = 0; sealed < 2; sealed++) {
        door.options.sealing = sealed ? SEALING_ALWAYS : SEALING_AUTO;
        knock(PATTERN_XX);
        host_say_auth_1(&host);
        host_hear_auth_2(&host);
        struct message ping = {.kind = MESSAGE_PING, .id = 1};
        host_say_auth_3(&host, false);
        host_say(&host, &ping); /* in the same read, as a rule */
        RUN_UNTIL(door.probe.frames == 1);
        assert_int_equal(door.probe.types[0], FRAME_MESSAGE);
        renew();
    }
}

static void the_wish_to_compare_reaches_the_owner(void **state)
{
    knock(PATTERN_XX);
    host_prove(&host, true);
    RUN_UNTIL(door.judged == 1);
    assert_true(door.compare);
}

/* ---- not let in ---- */

static void whatever_the_owner_says_is_told_with_its_sentence(void **state)
{
    static const int VERDICTS[] = {STATUS_NOT_PAIRED, STATUS_KEY_CHANGED, STATUS_DECLINED, STATUS_NOT_ALLOWED,
                                   STATUS_LIMIT};
    for (size_t i = 0; i < 2 * sizeof(VERDICTS) / sizeof(VERDICTS[0]); i++) {
        door.verdict = VERDICTS[i / 2];
        door.options.sealing = i % 2 == 0 ? SEALING_AUTO : SEALING_ALWAYS;
        knock(PATTERN_IK);
        host_prove(&host, false);
        host_expect_refusal(&host, VERDICTS[i / 2]); /* in a record, where everything is */
        assert_string_equal(host.refusal_text, "the owner says so");
        assert_non_null(strstr(door.who, "the host with the key "));
        renew();
    }
}

static void a_host_without_a_pattern_needs_authentication(void **state)
{
    open_door();
    host_init(&host, 0, NULL);
    host_knock(&host);
    host_expect_refusal(&host, STATUS_NEEDS_AUTHENTICATION);
}

static void an_unknown_pattern_is_not_supported(void **state)
{
    open_door();
    host_init(&host, 5, NULL);
    host_knock(&host);
    host_expect_refusal(&host, STATUS_NOT_SUPPORTED);
}

static void secrets_must_be_on_both_sides(void **state)
{
    static const enum handshake_pattern PATTERNS[] = {PATTERN_XX, PATTERN_IK, PATTERN_IKPSK2, PATTERN_XXPSK3};
    for (size_t i = 0; i < sizeof(PATTERNS) / sizeof(PATTERNS[0]); i++) {
        bool host_has = handshake_pattern_has_psk(PATTERNS[i]);
        door.options.psk = host_has ? NULL : SECRET;
        open_door();
        host_init(&host, PATTERNS[i], host_has ? SECRET : NULL);
        host_knock(&host);
        host_expect_refusal(&host, STATUS_NOT_ALLOWED);
        assert_non_null(strstr(host.refusal_text, "secret"));
        renew();
    }
}

static void another_secret_is_not_authentic(void **state)
{
    static const uint8_t OTHER[NOISE_KEY_SIZE] = {9};
    door.options.psk = SECRET;
    open_door();
    host_init(&host, PATTERN_XXPSK3, OTHER);
    host_knock(&host);
    host_say_auth_1(&host);
    RUN_UNTIL(door.refused == 1 || (peer_read(&host.peer) > 0));
    if (door.refused == 0) { /* psk3: only message 3 is under it */
        host_hear_auth_2(&host);
        host_say_auth_3(&host, false);
    }
    RUN_UNTIL(door.refused == 1);
    assert_int_equal(door.refusal, STATUS_AUTHENTICATION_FAILED);
    assert_int_equal(door.judged, 0);
}

static void a_host_that_knows_another_agents_key_is_told_so(void **state)
{
    struct noise_key_pair mine = door.key;
    noise_key_pair_make(&door.key); /* what the host knows */
    open_door();
    host_init(&host, PATTERN_IK, NULL);
    door.key = mine;
    host_knock_as_made(&host);
    host_say_auth_1(&host);
    host_expect_refusal(&host, STATUS_OTHER_KEY);
    assert_int_equal(door.judged, 0);
}

static void versions_that_do_not_overlap_are_refused(void **state)
{
    static const struct {
        uint16_t min, max;
        int status;
    } RANGES[] = {{PROTOCOL_VERSION + 1, PROTOCOL_VERSION + 5, STATUS_VERSION},
                  {PROTOCOL_VERSION, PROTOCOL_VERSION + 5, 0},
                  {UINT16_MAX, UINT16_MAX, STATUS_VERSION},
                  {1, UINT16_MAX, 0}};
    for (size_t i = 0; i < sizeof(RANGES) / sizeof(RANGES[0]); i++) {
        open_door();
        host_init(&host, PATTERN_XX, NULL);
        host.hello.version_min = RANGES[i].min;
        host.hello.version = RANGES[i].max;
        host_knock(&host);
        if (RANGES[i].status < 0) {
            host_expect_refusal(&host, RANGES[i].status);
        } else {
            host_prove(&host, false);
            RUN_UNTIL(door.admitted == 1);
            assert_int_equal(host.choice.version, PROTOCOL_VERSION);
            assert_int_equal(door.version, PROTOCOL_VERSION);
        }
        renew();
    }
}

/* ---- sealing ---- */

static void sealing_is_what_both_sides_and_the_link_make_of_it(void **state)
{
    static const struct {
        enum link_kind kind;
        enum sealing host, guest;
        bool is_sealed;
        int status;
    } CASES[] = {
        {LINK_UNIX, SEALING_AUTO, SEALING_AUTO, false, 0},
        {LINK_UNIX, SEALING_ALWAYS, SEALING_AUTO, true, 0},
        {LINK_UNIX, SEALING_AUTO, SEALING_ALWAYS, true, 0},
        {LINK_UNIX, SEALING_ALWAYS, SEALING_ALWAYS, true, 0},
        {LINK_UNIX, SEALING_NEVER, SEALING_AUTO, false, 0},
        {LINK_UNIX, SEALING_AUTO, SEALING_NEVER, false, 0},
        {LINK_UNIX, SEALING_NEVER, SEALING_NEVER, false, 0},
        {LINK_UNIX, SEALING_NEVER, SEALING_ALWAYS, false, STATUS_NOT_ALLOWED},
        {LINK_UNIX, SEALING_ALWAYS, SEALING_NEVER, false, STATUS_NOT_ALLOWED},
        {LINK_STDIO, SEALING_ALWAYS, SEALING_AUTO, true, 0},
        {LINK_TCP, SEALING_AUTO, SEALING_AUTO, true, 0},
        {LINK_TCP, SEALING_ALWAYS, SEALING_AUTO, true, 0},
        {LINK_TCP, SEALING_NEVER, SEALING_AUTO, false, STATUS_NOT_ALLOWED},
        {LINK_TCP, SEALING_NEVER, SEALING_NEVER, false, STATUS_NOT_ALLOWED},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        door.peer.kind = CASES[i].kind;
        door.options.sealing = CASES[i].guest;
        open_door();
        host_init(&host, PATTERN_XX, NULL);
        host.hello.sealing = (uint8_t)CASES[i].host;
        host_knock(&host);
        if (CASES[i].status < 0) {
            host_expect_refusal(&host, CASES[i].status);
            assert_non_null(strstr(host.refusal_text, "encryption"));
        } else {
            host_prove(&host, false);
            RUN_UNTIL(door.admitted == 1);
            assert_int_equal(door.keys.cipher != 0, CASES[i].is_sealed);
        }
        renew();
    }
}

static void without_a_cipher_in_common_nothing_is_sealed_or_said(void **state)
{
    static const uint32_t OFFERED[] = {0, AEAD_AES256_GCM, 0xfffffff0u};
    for (size_t i = 0; i < sizeof(OFFERED) / sizeof(OFFERED[0]); i++) {
        door.options.sealing = SEALING_ALWAYS;
        open_door();
        host_init(&host, PATTERN_XX, NULL);
        host.hello.ciphers = OFFERED[i];
        host_knock(&host);
        host_expect_refusal(&host, STATUS_NOT_SUPPORTED);
        assert_string_equal(host.refusal_text, "no cipher in common");
        renew();
        open_door(); /* where nothing is sealed none is needed */
        host_init(&host, PATTERN_XX, NULL);
        host.hello.ciphers = OFFERED[i];
        host_knock(&host);
        host_prove(&host, false);
        RUN_UNTIL(door.admitted == 1);
        renew();
    }
}

/* ---- what breaks the rules ---- */

enum step { AT_HELLO, BEHIND_AUTH_2, STEPS };

static void stand_at(enum step step)
{
    knock(PATTERN_XX);
    if (step == BEHIND_AUTH_2) {
        host_say_auth_1(&host);
        host_hear_auth_2(&host);
    }
}

static void garbage_is_refused_at_each_step(void **state)
{
    static const struct {
        enum message_kind kind;
        int status;
    } WRONG[] = {{MESSAGE_PING, STATUS_UNEXPECTED}, {MESSAGE_PAIR, STATUS_UNEXPECTED}, {0, STATUS_MALFORMED}};
    for (enum step step = 0; step < STEPS; step++) {
        for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
            stand_at(step);
            struct message message = {.kind = WRONG[i].kind, .id = 1};
            if (WRONG[i].kind == 0)
                peer_write_frame(&host.peer, FRAME_MESSAGE, "junk", 4);
            else
                host_say(&host, &message);
            host_expect_refusal(&host, WRONG[i].status);
            renew();
        }
        stand_at(step);
        peer_write_frame(&host.peer, FRAME_DATAGRAM, "x", 1);
        host_expect_refusal(&host, STATUS_UNEXPECTED);
        renew();
        stand_at(step);
        peer_write_frame(&host.peer, FRAME_DATA, "x", 1);
        RUN_UNTIL(door.refused == 1);
        assert_int_equal(door.refusal, STATUS_UNEXPECTED);
        RUN_UNTIL(host_hears_end(&host));
        renew();
    }
}

static void handshakes_that_are_wrong_are_refused(void **state)
{
    static const uint16_t SIZES[] = {1, 16, 63, 64, 65, 97, AUTH_MESSAGE_MAX};
    for (enum step step = 0; step < STEPS; step++) {
        for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
            stand_at(step);
            struct message auth = {.kind = MESSAGE_AUTH};
            auth.body.auth.message.size = SIZES[i]; /* zeros: a point that leads to zero, too */
            host_say(&host, &auth);
            RUN_UNTIL(door.refused == 1 || peer_read(&host.peer) > 0);
            if (door.refused == 0) { /* a first message of the right size can say anything */
                assert_int_equal(step, AT_HELLO);
                assert_int_equal(SIZES[i], 64);
            } else {
                assert_true(door.refusal == STATUS_MALFORMED || door.refusal == STATUS_AUTHENTICATION_FAILED);
            }
            assert_int_equal(door.judged, 0);
            renew();
        }
    }
}

/* Someone who has recorded a host's first messages has no keys. */
static void a_recorded_message_1_gains_nothing(void **state)
{
    struct host first;
    struct frame_header header;
    struct buffer answer;
    struct message auth = {.kind = MESSAGE_AUTH};
    knock(PATTERN_IK);
    assert_int_equal(handshake_begin(host.handshake, &auth.body.auth.message), 0);
    host_say(&host, &auth);
    host_hear_auth_2(&host);
    host_say_auth_3(&host, false);
    RUN_UNTIL(door.admitted == 1);
    host_init(&first, PATTERN_IK, NULL);
    host_knock(&first);
    host_say(&first, &auth); /* once more: it earns an answer that its sender can't use */
    RUN_UNTIL(peer_take_frame(&first.peer, &header, &answer));
    buffer_finish(&answer);
    assert_int_equal(door.judged, 1);
    auth.body.auth.message.size = 16;
    host_say(&first, &auth);
    RUN_UNTIL(door.refused == 1);
    assert_int_equal(door.refusal, STATUS_AUTHENTICATION_FAILED);
    assert_int_equal(door.judged, 1);
    host_finish(&first);
}

static void another_hello_than_the_one_that_was_said_is_noticed(void **state)
{
    open_door();
    host_init(&host, PATTERN_XX, NULL);
    host_knock(&host); /* now the handshake is about HELLO as it was */
    struct handshake_setup setup = {.bridge = true,
                                    .pattern = PATTERN_XX,
                                    .hello = span_of_text("something else"),
                                    .own = &door.host_key};
    handshake_destroy(host.handshake);
    assert_int_equal(handshake_create(loop.secrets, &setup, &host.handshake), 0);
    host_say_auth_1(&host);
    struct frame_header header;
    struct buffer payload;
    struct message message;
    RUN_UNTIL(peer_take_frame(&host.peer, &header, &payload));
    assert_int_equal(message_decode(buffer_span(&payload), &message, NULL), 0);
    buffer_finish(&payload);
    assert_int_equal(message.kind, MESSAGE_AUTH);
    assert_int_equal(handshake_read(host.handshake, &message.body.auth.message, &host.choice, host.agent_key),
                     STATUS_AUTHENTICATION_FAILED);
}

static void hosts_that_leave_are_forgotten(void **state)
{
    for (enum step step = 0; step < STEPS; step++) {
        stand_at(step);
        peer_hang_up(&host.peer);
        RUN_UNTIL(door.refused == 1);
        assert_int_equal(door.refusal, UV_EOF);
        assert_int_equal(door.admissions.count, 0);
        renew();
        stand_at(step);
        peer_write_frame(&host.peer, FRAME_FIN, NULL, 0);
        RUN_UNTIL(host_hears_end(&host));
        assert_int_equal(door.admissions.count, 0);
        renew();
        stand_at(step);
        struct message refuse = {.kind = MESSAGE_REFUSE};
        refuse.body.failure.status = STATUS_KEY_CHANGED;
        host_say(&host, &refuse);
        RUN_UNTIL(host_hears_end(&host));
        assert_int_equal(door.refused, 1);
        renew();
    }
}

static void a_host_that_says_nothing_more_is_refused_in_time(void **state)
{
    for (enum step step = 0; step < STEPS; step++) {
        open_door();
        door.admissions.handshakes.length_ms = 30; /* instead of HELLO_TIMEOUT_MS */
        host_init(&host, PATTERN_XX, NULL);
        host_knock(&host);
        if (step == BEHIND_AUTH_2) {
            host_say_auth_1(&host);
            host_hear_auth_2(&host);
        }
        host_expect_refusal(&host, STATUS_NO_GREETING);
        renew();
    }
}

static void in_a_flood_the_oldest_goes(void **state)
{
    static struct host crowd[PENDING_HELLO_MAX + 1];
    open_door();
    for (size_t i = 0; i <= PENDING_HELLO_MAX; i++) {
        host_init(&crowd[i], PATTERN_XX, NULL);
        host_knock(&crowd[i]);
        assert_int_equal(door.refused, i == PENDING_HELLO_MAX ? 1 : 0);
    }
    assert_int_equal(door.admissions.count, PENDING_HELLO_MAX);
    assert_int_equal(door.refusal, STATUS_LIMIT);
    RUN_UNTIL(host_hears_end(&crowd[0]));
    host_prove(&crowd[PENDING_HELLO_MAX], false); /* the newest is served all the same */
    RUN_UNTIL(door.admitted == 1);
    assert_false(host_hears_end(&crowd[1]));
    close_door(); /* with all the others at it */
    for (size_t i = 0; i <= PENDING_HELLO_MAX; i++)
        host_finish(&crowd[i]);
}

static void a_door_that_waits_does_not_wake_the_loop(void **state)
{
    knock(PATTERN_XX);
    assert_true(wakeups_within(100) < 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_pattern_ends_with_the_same_keys_on_both_sides),
        TEST(what_comes_right_behind_auth_3_belongs_to_the_owner),
        TEST(the_wish_to_compare_reaches_the_owner),
        TEST(whatever_the_owner_says_is_told_with_its_sentence),
        TEST(a_host_without_a_pattern_needs_authentication),
        TEST(an_unknown_pattern_is_not_supported),
        TEST(secrets_must_be_on_both_sides),
        TEST(another_secret_is_not_authentic),
        TEST(a_host_that_knows_another_agents_key_is_told_so),
        TEST(versions_that_do_not_overlap_are_refused),
        TEST(sealing_is_what_both_sides_and_the_link_make_of_it),
        TEST(without_a_cipher_in_common_nothing_is_sealed_or_said),
        TEST(garbage_is_refused_at_each_step),
        TEST(handshakes_that_are_wrong_are_refused),
        TEST(a_recorded_message_1_gains_nothing),
        TEST(another_hello_than_the_one_that_was_said_is_noticed),
        TEST(hosts_that_leave_are_forgotten),
        TEST(a_host_that_says_nothing_more_is_refused_in_time),
        TEST(in_a_flood_the_oldest_goes),
        TEST(a_door_that_waits_does_not_wake_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
