/* SPDX-License-Identifier: MIT */
/* Liveness with a clock of our own: silence, clock jumps, round-trip times. */
#include "protocol/link/heartbeat.h"

#include "protocol/wire/limits.h"
#include "tests/unit/base/testing.h"

static void silence_ends_the_link_exactly_at_the_timeout(void **state)
{
    struct heartbeat heartbeat;
    heartbeat_start(&heartbeat, 1000, 1000);
    heartbeat_heard(&heartbeat, 1003); /* the answer to the first PING */
    uint64_t now = 1000 + HEARTBEAT_INTERVAL_MS;
    uint32_t delay;
    int ticks = 0;
    for (; (delay = heartbeat_tick(&heartbeat, now, now)) != 0; now += delay) {
        assert_in_range(delay, 1, HEARTBEAT_INTERVAL_MS);
        assert_true(++ticks < 10);
    }
    assert_int_equal(now, 1003 + HEARTBEAT_TIMEOUT_MS);
}

static void a_link_that_answers_ticks_at_the_interval(void **state)
{
    struct heartbeat heartbeat;
    uint64_t now = 7;
    heartbeat_start(&heartbeat, now, now);
    for (int i = 0; i < 100; i++) {
        now += HEARTBEAT_INTERVAL_MS;
        assert_int_equal(heartbeat_tick(&heartbeat, now, now), HEARTBEAT_INTERVAL_MS);
        heartbeat_heard(&heartbeat, now + 1);
    }
}

static void after_a_clock_jump_something_must_be_heard_within_the_check_timeout(void **state)
{
    struct heartbeat heartbeat;
    heartbeat_start(&heartbeat, 0, 100);
    assert_int_equal(heartbeat_tick(&heartbeat, 5000, 5100 + HEARTBEAT_CLOCK_JUMP_MS), 5000); /* too short */
    heartbeat_heard(&heartbeat, 5001);
    assert_int_equal(heartbeat_tick(&heartbeat, 6000, 90000), HEARTBEAT_CHECK_TIMEOUT_MS);
    assert_int_equal(heartbeat_tick(&heartbeat, 7999, 91999), 1);
    assert_int_equal(heartbeat_tick(&heartbeat, 8000, 92000), 0);

    heartbeat_start(&heartbeat, 0, 0);
    assert_int_equal(heartbeat_tick(&heartbeat, 1000, 99000), HEARTBEAT_CHECK_TIMEOUT_MS);
    heartbeat_heard(&heartbeat, 2000);
    assert_int_equal(heartbeat_tick(&heartbeat, 3000, 101000),
                     HEARTBEAT_INTERVAL_MS); /* the jump is old news */
}

static void a_clock_that_goes_back_is_no_jump(void **state)
{
    struct heartbeat heartbeat;
    heartbeat_start(&heartbeat, 1000, 90000);
    assert_int_equal(heartbeat_tick(&heartbeat, 1500, 1500), HEARTBEAT_INTERVAL_MS);
}

static void only_the_newest_heartbeat_measures(void **state)
{
    struct heartbeat heartbeat;
    heartbeat_start(&heartbeat, 0, 0);
    assert_int_equal(heartbeat_rtt_us(&heartbeat), 0);
    uint64_t first = heartbeat_ping(&heartbeat, 1000000);
    uint64_t second = heartbeat_ping(&heartbeat, 2000000);
    assert_int_not_equal(first, second);
    heartbeat_pong(&heartbeat, first, 9000000);
    heartbeat_pong(&heartbeat, 77, 9000000);
    assert_int_equal(heartbeat_rtt_us(&heartbeat), 0);
    heartbeat_pong(&heartbeat, second, 2250000);
    heartbeat_pong(&heartbeat, second, 9000000); /* twice */
    assert_int_equal(heartbeat_rtt_us(&heartbeat), 250);
}

static void round_trip_is_the_median_of_the_last_ones(void **state)
{
    static const uint64_t US[] = {9000000, 100, 300, 200};
    struct heartbeat heartbeat;
    heartbeat_start(&heartbeat, 0, 0);
    for (size_t i = 0; i < 4; i++) {
        uint64_t id = heartbeat_ping(&heartbeat, 1000);
        heartbeat_pong(&heartbeat, id, 1000 + US[i] * 1000);
    }
    assert_int_equal(heartbeat_rtt_us(&heartbeat), 300);
    for (int i = 0; i < 3 * HEARTBEAT_SAMPLES; i++) {
        uint64_t id = heartbeat_ping(&heartbeat, 1000);
        heartbeat_pong(&heartbeat, id, 1000 + 42 * 1000);
    }
    assert_int_equal(heartbeat_rtt_us(&heartbeat), 42);
    uint64_t id = heartbeat_ping(&heartbeat, 1);
    heartbeat_pong(&heartbeat, id, UINT64_MAX); /* more than a sample holds */
    assert_int_equal(heartbeat_rtt_us(&heartbeat), 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_ends_the_link_exactly_at_the_timeout),
        cmocka_unit_test(a_link_that_answers_ticks_at_the_interval),
        cmocka_unit_test(after_a_clock_jump_something_must_be_heard_within_the_check_timeout),
        cmocka_unit_test(a_clock_that_goes_back_is_no_jump),
        cmocka_unit_test(only_the_newest_heartbeat_measures),
        cmocka_unit_test(round_trip_is_the_median_of_the_last_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
