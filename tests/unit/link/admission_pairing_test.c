/* SPDX-License-Identifier: MIT */
/* People who compare a code at the agent's door: who says yes, who says no, who says nothing. */
#include <string.h>

#include "protocol/base/status.h"
#include "tests/unit/link/admission_fixture.h"

static struct host host;
static bool seals;

static int setup(void **state)
{
    host = (struct host){.peer = {.fd = -1}};
    admission_fixture_setup(state);
    door.verdict = STATUS_CODE_NEEDED;
    door.options.sealing = seals ? SEALING_ALWAYS : SEALING_AUTO;
    return 0;
}

static int setup_sealed(void **state)
{
    seals = true;
    return setup(state);
}

static int teardown(void **state)
{
    host_finish(&host);
    return admission_fixture_teardown(state);
}

static int teardown_sealed(void **state)
{
    seals = false;
    return teardown(state);
}

static void renew(void)
{
    void *state = NULL;
    teardown(&state);
    setup(&state);
}

static void compare(void)
{
    char code[HANDSHAKE_CODE_DIGITS + 1];
    open_door();
    host_init(&host, PATTERN_XX, NULL);
    host_knock(&host);
    host_prove(&host, true);
    host_expect(&host, MESSAGE_PAIR);
    assert_int_equal(door.codes, 1);
    assert_true(handshake_code(host.handshake, code));
    assert_string_equal(door.code, code); /* both sides show the same */
    assert_int_equal(strlen(code), HANDSHAKE_CODE_DIGITS);
    assert_int_equal(door.admitted + door.refused, 0);
}

static void host_says_yes(void)
{
    struct message pair = {.kind = MESSAGE_PAIR};
    host_say(&host, &pair);
}

/* Nothing is decided, however long one waits. */
static void expect_undecided(void)
{
    assert_true(wakeups_within(30) < 20);
    assert_int_equal(door.admitted + door.refused + door.codes_over, 0);
}

static void both_must_say_yes_in_any_order(void **state)
{
    for (int host_first = 0; host_first < 2; host_first++) {
        compare();
        if (host_first)
            host_says_yes();
        else
            admission_answer(door.comparing, true);
        expect_undecided();
        if (host_first)
            admission_answer(door.comparing, true);
        else
            host_says_yes();
        RUN_UNTIL(door.admitted == 1);
        assert_int_equal(door.codes_over, 1);
        assert_true(door.agreed);
        assert_memory_equal(door.keys.peer, door.host_key.public_key, NOISE_KEY_SIZE);
        assert_int_equal(door.keys.cipher != 0, seals);
        assert_int_equal(door.admissions.count, 0);
        renew();
    }
}

static void yes_twice_of_one_side_is_no_yes_of_the_other(void **state)
{
    compare();
    host_says_yes();
    host_says_yes();
    expect_undecided();
    renew();
    compare();
    admission_answer(door.comparing, true);
    if (door.comparing != NULL)
        admission_answer(door.comparing, true);
    expect_undecided();
}

static void no_of_the_guest_is_told(void **state)
{
    for (int after_yes = 0; after_yes < 2; after_yes++) {
        compare();
        if (after_yes) {
            host_says_yes();
            expect_undecided();
        }
        admission_answer(door.comparing, false);
        host_expect_refusal(&host, STATUS_DECLINED);
        assert_true(host.refusal_text[0] != '\0');
        assert_int_equal(door.codes_over, 1);
        assert_false(door.agreed);
        renew();
    }
}

static void no_of_the_host_ends_it(void **state)
{
    struct message refuse = {.kind = MESSAGE_REFUSE};
    refuse.body.failure.status = STATUS_DECLINED;
    for (int after_yes = 0; after_yes < 2; after_yes++) {
        compare();
        if (after_yes)
            admission_answer(door.comparing, true);
        host_say(&host, &refuse);
        RUN_UNTIL(door.refused == 1);
        assert_int_equal(door.refusal, STATUS_DECLINED);
        assert_int_equal(door.codes_over, 1);
        assert_false(door.agreed);
        RUN_UNTIL(host_hears_end(&host));
        assert_int_equal(door.admitted, 0);
        renew();
    }
}

static void a_connection_that_is_lost_ends_it(void **state)
{
    compare();
    admission_answer(door.comparing, true);
    peer_hang_up(&host.peer);
    RUN_UNTIL(door.refused == 1);
    assert_int_equal(door.refusal, seals ? UV_ECONNRESET : UV_EOF);
    assert_int_equal(door.codes_over, 1);
    assert_false(door.agreed);
    assert_int_equal(door.admitted, 0);
}

static void nobody_answering_in_time_is_a_no(void **state)
{
    open_door();
    door.admissions.comparing.length_ms = 30; /* instead of PAIRING_TIMEOUT_MS */
    door.admissions.handshakes.length_ms = 5000;
    host_init(&host, PATTERN_XX, NULL);
    host_knock(&host);
    host_prove(&host, true);
    host_expect(&host, MESSAGE_PAIR);
    host_expect_refusal(&host, STATUS_DECLINED);
    assert_int_equal(door.codes_over, 1);
    assert_false(door.agreed);
}

/* The first deadline no longer counts: people take their time. */
static void comparing_takes_longer_than_a_handshake_may(void **state)
{
    open_door();
    door.admissions.handshakes.length_ms = 150;
    host_init(&host, PATTERN_XX, NULL);
    host_knock(&host);
    host_prove(&host, true);
    host_expect(&host, MESSAGE_PAIR);
    assert_true(wakeups_within(300) < 20);
    assert_int_equal(door.refused, 0);
    admission_answer(door.comparing, true);
    host_says_yes();
    RUN_UNTIL(door.admitted == 1);
}

static void what_does_not_belong_there_ends_it(void **state)
{
    static const enum message_kind WRONG[] = {MESSAGE_PING, MESSAGE_HEALTH_REQUEST, MESSAGE_WELCOME,
                                              MESSAGE_AUTH};
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
        struct message message = {.kind = WRONG[i], .id = 1};
        if (WRONG[i] == MESSAGE_AUTH)
            message.body.auth.message.size = 16;
        if (WRONG[i] == MESSAGE_WELCOME)
            message.body.welcome.version = 1;
        compare();
        host_say(&host, &message);
        host_expect_refusal(&host, STATUS_UNEXPECTED);
        assert_false(door.agreed);
        renew();
    }
}

static void an_owner_who_shows_no_code_says_why(void **state)
{
    open_door();
    door.code_verdict = STATUS_LIMIT; /* too many codes in this window */
    host_init(&host, PATTERN_XX, NULL);
    host_knock(&host);
    host_prove(&host, true);
    host_expect_refusal(&host, STATUS_LIMIT);
    assert_int_equal(door.codes + door.codes_over, 0);
}

static void there_is_no_code_for_one_that_knows_the_key(void **state)
{
    open_door();
    host_init(&host, PATTERN_IK, NULL);
    host_knock(&host);
    host_prove(&host, false);
    host_expect_refusal(&host, STATUS_CODE_NEEDED);
    assert_int_equal(door.codes, 0);
}

static void a_door_that_closes_ends_it(void **state)
{
    compare();
    close_door();
    assert_int_equal(door.codes_over, 1);
    assert_false(door.agreed);
    assert_int_equal(door.refused, 0);
    RUN_UNTIL(host_hears_end(&host));
}

static void a_flood_does_not_push_out_those_who_compare(void **state)
{
    static struct host crowd[PENDING_HELLO_MAX + 10];
    compare(); /* the oldest of all */
    for (size_t i = 0; i < PENDING_HELLO_MAX + 10; i++) {
        host_init(&crowd[i], PATTERN_XX, NULL);
        host_knock(&crowd[i]);
        assert_true(door.admissions.count <= PENDING_HELLO_MAX);
    }
    assert_int_equal(door.refused, 11);
    assert_int_equal(door.codes_over, 0);
    admission_answer(door.comparing, true);
    host_says_yes();
    RUN_UNTIL(door.admitted == 1);
    for (size_t i = 0; i < PENDING_HELLO_MAX + 10; i++)
        host_finish(&crowd[i]);
    RUN_UNTIL(door.admissions.count == 0);
}

#define TEST(name)                                                                                           \
    cmocka_unit_test_setup_teardown(name, setup, teardown),                                                  \
    {                                                                                                        \
#name " when it is sealed", name, setup_sealed, teardown_sealed, NULL                                \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_must_say_yes_in_any_order),
        TEST(yes_twice_of_one_side_is_no_yes_of_the_other),
        TEST(no_of_the_guest_is_told),
        TEST(no_of_the_host_ends_it),
        TEST(a_connection_that_is_lost_ends_it),
        TEST(nobody_answering_in_time_is_a_no),
        TEST(comparing_takes_longer_than_a_handshake_may),
        TEST(what_does_not_belong_there_ends_it),
        TEST(an_owner_who_shows_no_code_says_why),
        TEST(there_is_no_code_for_one_that_knows_the_key),
        TEST(a_door_that_closes_ends_it),
        TEST(a_flood_does_not_push_out_those_who_compare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
