/* SPDX-License-Identifier: MIT */
/* A session and whom it trusts: credentials, keys, codes, and when it tries again. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "tests/unit/link/session_fixture.h"

/* Nothing is dialled for a good while: REDIAL_UNTRUSTED_MS has not passed, REDIAL_MAX_MS has not to be waited
 * for, since the first delays are of 100 ms and less. */
static void expect_no_further_try(void)
{
    size_t asked = told.asked, failures = told.failures;
    uint64_t until = uv_hrtime() + 600 * 1000000ull;
    RUN_AGENT_UNTIL(uv_hrtime() >= until);
    assert_int_equal(told.asked, asked);
    assert_int_equal(told.failures, failures);
}

static void a_first_meeting_shows_the_key_and_says_when_it_counts(void **state)
{
    start_agent(true);
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.ups == 1);
    assert_int_equal(told.keys_shown, 1);
    assert_memory_equal(told.key, agent.key.public_key, NOISE_KEY_SIZE);
    assert_memory_equal(agent.keys.peer, bridge_key.public_key, NOISE_KEY_SIZE);
    assert_true(told.link_is_private); /* this very process listens */
    assert_false(told.psk_proved);
    assert_false(told.compared);
    assert_int_equal(told.let_in, 1);
    struct fake_connection *control = fake_agent_connection(&agent, ROLE_CONTROL);
    assert_int_equal(control->hello.pattern, PATTERN_XX);
    assert_int_equal(control->hello.sealing, SEALING_AUTO);
    assert_int_equal(control->hello.port, 0);
    assert_int_equal(control->hello.ciphers, aead_ciphers());
    assert_int_equal(session_cipher(told.session), 0);
}

static void a_pinned_agent_is_met_by_ik(void **state)
{
    start_agent(true);
    told.pinned = agent.key.public_key;
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.ups == 1);
    assert_int_equal(fake_agent_connection(&agent, ROLE_CONTROL)->hello.pattern, PATTERN_IK);
    assert_memory_equal(told.key, agent.key.public_key, NOISE_KEY_SIZE);
}

static void a_provisioned_secret_is_proved_by_both_patterns(void **state)
{
    static const uint8_t SECRET[NOISE_KEY_SIZE] = {1, 2, 3};
    start_agent(true);
    agent.psk = told.psk = SECRET;
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.ups == 1);
    assert_int_equal(fake_agent_connection(&agent, ROLE_CONTROL)->hello.pattern, PATTERN_XXPSK3);
    assert_true(told.psk_proved);
    told.pinned = agent.key.public_key;
    told.psk_proved = false;
    fake_agent_hang_up(&agent);
    RUN_AGENT_UNTIL(told.ups == 2);
    assert_int_equal(fake_agent_connection(&agent, ROLE_CONTROL)->hello.pattern, PATTERN_IKPSK2);
    assert_true(told.psk_proved);
}

static void without_credentials_there_is_no_try_and_a_later_one_asks_again(void **state)
{
    start_agent(true);
    told.no_credentials = STATUS_INVALID;
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.failures == 2);
    assert_int_equal(told.status, STATUS_INVALID);
    assert_int_equal(told.asked, 2);
    assert_int_equal(agent.hellos, 0);
    told.no_credentials = 0;
    RUN_AGENT_UNTIL(told.ups == 1);
}

static void an_agent_that_is_not_trusted_learns_nothing_and_is_left_alone(void **state)
{
    start_agent(true);
    told.judgement = STATUS_KEY_CHANGED;
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.failures == 1);
    assert_int_equal(told.status, STATUS_KEY_CHANGED);
    assert_int_equal(told.let_in, 0);
    assert_int_equal(agent.hellos, 1);
    for (size_t i = 0; i < sizeof(agent.keys.peer); i++)
        assert_int_equal(agent.keys.peer[i], 0); /* AUTH 3 never came */
    expect_no_further_try();
}

static void refusals_that_people_must_undo_are_not_dialled_against(void **state)
{
    static const int FOR_PEOPLE[] = {STATUS_CODE_NEEDED, STATUS_NOT_PAIRED, STATUS_KEY_CHANGED,
                                     STATUS_DECLINED, STATUS_NOT_ALLOWED};
    for (size_t i = 0; i < sizeof(FOR_PEOPLE) / sizeof(FOR_PEOPLE[0]); i++) {
        start_agent(true);
        agent.refuse = FOR_PEOPLE[i];
        start_unix_session(true);
        RUN_AGENT_UNTIL(told.failures == 1);
        assert_int_equal(told.status, FOR_PEOPLE[i]);
        assert_string_equal(told.text, "because the test says so");
        if (i == 0)
            expect_no_further_try();
        session_fixture_renew();
    }
}

static void a_retry_dials_at_once(void **state)
{
    start_agent(true);
    agent.refuse = STATUS_NOT_PAIRED;
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.failures == 1);
    agent.refuse = 0;
    uint64_t started = uv_hrtime();
    session_retry(told.session, STATUS_GONE, false);
    RUN_AGENT_UNTIL(told.ups == 1);
    assert_true((uv_hrtime() - started) / 1000000 < 2000);
    assert_int_equal(told.failures, 1);                  /* there was nothing to let go of */
    session_retry(told.session, STATUS_CONFLICT, false); /* now there is */
    assert_int_equal(told.downs, 1);
    assert_int_equal(told.status, STATUS_CONFLICT);
    RUN_AGENT_UNTIL(told.ups == 2);
    told.close_at_down = true;
    session_retry(told.session, STATUS_GONE, false);
    RUN_AGENT_UNTIL(told.closed);
}

static void a_retry_in_the_middle_of_a_try_tells_of_it(void **state)
{
    start_agent(true);
    agent.mute = true;
    start_unix_session(true);
    RUN_AGENT_UNTIL(agent.accepted == 1);
    session_retry(told.session, STATUS_GONE, false);
    assert_int_equal(told.failures, 1);
    assert_int_equal(told.status, STATUS_GONE);
    agent.mute = false;
    RUN_AGENT_UNTIL(told.ups == 1);
}

static void a_link_that_gave_too_much_is_punished(void **state)
{
    start_agent(true);
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.ups == 1);
    session_punish(told.session, "too many events");
    assert_int_equal(told.downs, 1);
    assert_int_equal(told.status, STATUS_LIMIT);
    assert_string_equal(told.text, "too many events");
    expect_no_further_try();
    session_retry(told.session, STATUS_GONE, false); /* but people may */
    RUN_AGENT_UNTIL(told.ups == 2);
    told.close_at_down = true;
    session_punish(told.session, "");
    RUN_AGENT_UNTIL(told.closed);
}

/* IK fails, XX shows which key is there, and the owner refuses it by name. */
static void an_agent_with_another_key_is_met_anew_and_refused_by_name(void **state)
{
    struct noise_key_pair earlier;
    noise_key_pair_make(&earlier);
    start_agent(true);
    told.pinned = earlier.public_key;
    told.judgement = STATUS_KEY_CHANGED;
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.failures == 1);
    assert_int_equal(told.status, STATUS_OTHER_KEY);
    assert_int_equal(told.keys_shown, 0);
    RUN_AGENT_UNTIL(told.failures == 2);
    assert_int_equal(told.status, STATUS_KEY_CHANGED);
    assert_int_equal(told.keys_shown, 1);
    assert_memory_equal(told.key, agent.key.public_key, NOISE_KEY_SIZE);
    assert_int_equal(told.let_in, 0);
    expect_no_further_try();
    agent.key = earlier; /* the agent of old is back */
    told.judgement = 0;
    session_retry(told.session, STATUS_GONE, false);
    RUN_AGENT_UNTIL(told.ups == 1);
    assert_int_equal(fake_agent_connection(&agent, ROLE_CONTROL)->hello.pattern, PATTERN_IK);
}

static void a_false_other_key_changes_nothing(void **state)
{
    start_agent(true);
    told.pinned = agent.key.public_key;
    agent.refuse_hello = STATUS_OTHER_KEY; /* anybody on the way can say it */
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.failures == 4);
    assert_int_equal(told.status, STATUS_OTHER_KEY);
    assert_int_equal(told.keys_shown, 0);
    agent.refuse_hello = 0;
    RUN_AGENT_UNTIL(told.ups == 1);
    assert_memory_equal(told.key, agent.key.public_key, NOISE_KEY_SIZE);
}

/* ---- codes ---- */

static void ask_for_a_code(void)
{
    start_agent(true);
    agent.pairs = true;
    told.judgement = STATUS_CODE_NEEDED;
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.failures == 1);
    assert_int_equal(told.status, STATUS_CODE_NEEDED); /* nobody wants to pair */
    assert_int_equal(told.codes, 0);
    session_retry(told.session, STATUS_GONE, true);
    RUN_AGENT_UNTIL(told.codes == 1);
    assert_true(agent.compare);
    assert_string_equal(told.code, agent.code);
    assert_int_equal(strlen(told.code), HANDSHAKE_CODE_DIGITS);
}

static void a_code_that_both_confirm_lets_in(void **state)
{
    for (int host_first = 0; host_first < 2; host_first++) {
        ask_for_a_code();
        if (host_first)
            session_answer_code(told.session, true);
        agent.guest_agreed = true;
        uint64_t until = uv_hrtime() + 30 * 1000000ull;
        RUN_AGENT_UNTIL(uv_hrtime() >= until);
        assert_int_equal(told.let_in, host_first);
        session_answer_code(told.session, true);
        RUN_AGENT_UNTIL(told.ups == 1);
        assert_true(told.compared);
        assert_int_equal(told.let_in, 1);
        session_answer_code(told.session, false); /* too late: nothing is compared */
        assert_true(session_is_up(told.session));
        session_fixture_renew();
    }
}

static void people_of_the_host_may_say_that_it_is_another_code(void **state)
{
    ask_for_a_code();
    session_answer_code(told.session, false);
    assert_int_equal(told.failures, 2);
    assert_int_equal(told.status, STATUS_DECLINED);
    RUN_AGENT_UNTIL(agent.declined == 1); /* the guest is told, too */
    expect_no_further_try();
    session_answer_code(told.session, true); /* no longer */
    assert_int_equal(told.let_in, 0);
}

static void people_of_the_guest_may_say_that_it_is_another_code(void **state)
{
    ask_for_a_code();
    fake_connection_refuse(fake_agent_connection(&agent, ROLE_CONTROL), STATUS_DECLINED, "not the same");
    RUN_AGENT_UNTIL(told.failures == 2);
    assert_int_equal(told.status, STATUS_DECLINED);
    assert_string_equal(told.text, "not the same");
    expect_no_further_try();
}

static void an_agent_that_is_not_ready_to_pair_is_tried_again_soon(void **state)
{
    start_agent(true);
    agent.refuse = STATUS_CODE_NEEDED; /* its window is not open */
    told.judgement = STATUS_CODE_NEEDED;
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.failures == 1);
    session_retry(told.session, STATUS_GONE, true);
    RUN_AGENT_UNTIL(told.failures == 4);
    assert_int_equal(told.codes, 0);
    agent.refuse = 0;
    agent.pairs = true;
    RUN_AGENT_UNTIL(told.codes == 1);
    agent.guest_agreed = true;
    session_answer_code(told.session, true);
    RUN_AGENT_UNTIL(told.ups == 1);
}

static void a_link_that_is_lost_while_people_compare_is_a_failed_try(void **state)
{
    ask_for_a_code();
    fake_agent_hang_up(&agent);
    RUN_AGENT_UNTIL(told.failures == 2);
    RUN_AGENT_UNTIL(told.codes == 2); /* they still want to */
    assert_string_equal(told.code, agent.code);
}

static void a_session_may_be_closed_at_the_code_and_behind_it(void **state)
{
    ask_for_a_code();
    close_session();
    RUN_AGENT_UNTIL(agent.declined == 1);
    told = (struct session_log){.close_at_code = true, .judgement = STATUS_CODE_NEEDED};
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.failures == 1);
    session_retry(told.session, STATUS_GONE, true);
    RUN_AGENT_UNTIL(told.closed);
    assert_int_equal(told.codes, 1);
}

static void an_agent_that_wants_a_code_where_nobody_asked_is_refused(void **state)
{
    start_agent(true);
    agent.pairs = true;
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.failures == 1);
    assert_int_equal(told.status, STATUS_CODE_NEEDED);
    assert_int_equal(told.codes, 0);
}

/* ---- sealing ---- */

static void sealed_or_plain_is_what_both_sides_make_of_it(void **state)
{
    static const struct {
        enum sealing said;
        enum aead_cipher chosen;
        int status;
    } CASES[] = {{SEALING_AUTO, 0, 0},
                 {SEALING_AUTO, AEAD_CHACHA20_POLY1305, 0},
                 {SEALING_ALWAYS, AEAD_CHACHA20_POLY1305, 0},
                 {SEALING_NEVER, 0, 0},
                 {SEALING_NEVER, AEAD_CHACHA20_POLY1305, STATUS_AUTHENTICATION_FAILED}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        start_agent(true);
        agent.choice.cipher = CASES[i].chosen;
        fixture_sealing = CASES[i].said;
        start_unix_session(true);
        RUN_AGENT_UNTIL(told.ups + told.failures == 1);
        assert_int_equal(told.failures == 0 ? 0 : told.status, CASES[i].status);
        assert_int_equal(session_cipher(told.session), CASES[i].status == 0 ? CASES[i].chosen : 0);
        session_fixture_renew();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SESSION_TEST(a_first_meeting_shows_the_key_and_says_when_it_counts),
        SESSION_TEST(a_pinned_agent_is_met_by_ik),
        SESSION_TEST(a_provisioned_secret_is_proved_by_both_patterns),
        SESSION_TEST(without_credentials_there_is_no_try_and_a_later_one_asks_again),
        SESSION_TEST(an_agent_that_is_not_trusted_learns_nothing_and_is_left_alone),
        SESSION_TEST(refusals_that_people_must_undo_are_not_dialled_against),
        SESSION_TEST(a_retry_dials_at_once),
        SESSION_TEST(a_retry_in_the_middle_of_a_try_tells_of_it),
        SESSION_TEST(a_link_that_gave_too_much_is_punished),
        SESSION_TEST(an_agent_with_another_key_is_met_anew_and_refused_by_name),
        SESSION_TEST(a_false_other_key_changes_nothing),
        SESSION_TEST(a_code_that_both_confirm_lets_in),
        SESSION_TEST_SEALED(a_code_that_both_confirm_lets_in),
        SESSION_TEST(people_of_the_host_may_say_that_it_is_another_code),
        SESSION_TEST_SEALED(people_of_the_host_may_say_that_it_is_another_code),
        SESSION_TEST(people_of_the_guest_may_say_that_it_is_another_code),
        SESSION_TEST_SEALED(people_of_the_guest_may_say_that_it_is_another_code),
        SESSION_TEST(an_agent_that_is_not_ready_to_pair_is_tried_again_soon),
        SESSION_TEST(a_link_that_is_lost_while_people_compare_is_a_failed_try),
        SESSION_TEST(a_session_may_be_closed_at_the_code_and_behind_it),
        SESSION_TEST_SEALED(a_session_may_be_closed_at_the_code_and_behind_it),
        SESSION_TEST(an_agent_that_wants_a_code_where_nobody_asked_is_refused),
        SESSION_TEST(sealed_or_plain_is_what_both_sides_make_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
