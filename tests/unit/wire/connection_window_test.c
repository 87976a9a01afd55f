/* SPDX-License-Identifier: MIT */
/* Connection numbers: each once, in any order within the window. */
#include "protocol/wire/session_keys.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/base/testing.h"

#define HALF ((uint64_t)1 << 63)

static struct connection_window window;

static int set_up(void **state)
{
    memset(&window, 0, sizeof(window));
    return 0;
}

static void zero_is_never_taken(void **state)
{
    assert_false(connection_window_take(&window, 0));
    assert_true(connection_window_take(&window, 1));
    assert_false(connection_window_take(&window, 0));
}

static void a_number_is_taken_once(void **state)
{
    for (uint64_t number = 1; number <= 3 * CONNECTION_WINDOW; number++) {
        assert_true(connection_window_take(&window, number));
        assert_false(connection_window_take(&window, number));
    }
    for (uint64_t number = 0; number <= 3 * CONNECTION_WINDOW; number++)
        assert_false(connection_window_take(&window, number));
}

static void numbers_may_overtake_each_other_within_the_window(void **state)
{
    for (uint64_t number = CONNECTION_WINDOW; number >= 1; number--)
        assert_true(connection_window_take(&window, number));
    for (uint64_t number = 1; number <= CONNECTION_WINDOW; number++)
        assert_false(connection_window_take(&window, number));
}

static void a_number_too_old_to_tell_is_refused(void **state)
{
    assert_true(connection_window_take(&window, CONNECTION_WINDOW + 1));
    assert_false(connection_window_take(&window, 1));
    assert_true(connection_window_take(&window, 2));
    assert_true(connection_window_take(&window, CONNECTION_WINDOW + 2));
    assert_false(connection_window_take(&window, 2));
    assert_true(connection_window_take(&window, 3));
}

static void skipped_numbers_are_free_whatever_lay_in_their_place(void **state)
{
    for (uint64_t number = 1; number <= CONNECTION_WINDOW; number++)
        connection_window_take(&window, number);
    assert_true(connection_window_take(&window,
                                       CONNECTION_WINDOW + 100)); /* the places of 1 … 100 are new ones now */
    for (uint64_t number = 1; number <= CONNECTION_WINDOW; number++)
        assert_false(connection_window_take(&window, number));
    for (uint64_t number = CONNECTION_WINDOW + 1; number < CONNECTION_WINDOW + 100; number++)
        assert_true(connection_window_take(&window, number));
}

static void a_jump_of_the_whole_window_or_more_forgets_all(void **state)
{
    static const uint64_t JUMPS[] = {
        CONNECTION_WINDOW - 1, CONNECTION_WINDOW, CONNECTION_WINDOW + 1, HALF - 1, HALF, HALF + 1};
    for (size_t i = 0; i < sizeof(JUMPS) / sizeof(JUMPS[0]); i++) {
        set_up(state);
        assert_true(connection_window_take(&window, 1));
        assert_true(connection_window_take(&window, 2));
        uint64_t number = 2 + JUMPS[i];
        assert_true(connection_window_take(&window, number));
        assert_false(connection_window_take(&window, number));
        assert_false(connection_window_take(&window, 1));
        assert_false(connection_window_take(&window, 2));
        assert_false(connection_window_take(&window, number - CONNECTION_WINDOW));
        assert_true(connection_window_take(&window, number - 1));
        assert_int_equal(connection_window_take(&window, number - CONNECTION_WINDOW + 1),
                         JUMPS[i] > CONNECTION_WINDOW - 1);
    }
}

static void the_highest_number_of_all_ends_the_count(void **state)
{
    assert_true(connection_window_take(&window, UINT64_MAX));
    assert_false(connection_window_take(&window, UINT64_MAX));
    assert_false(connection_window_take(&window, 0)); /* no wrap */
    assert_false(connection_window_take(&window, 1));
    assert_false(connection_window_take(&window, UINT64_MAX - CONNECTION_WINDOW));
    assert_true(connection_window_take(&window, UINT64_MAX - CONNECTION_WINDOW + 1));
    assert_true(connection_window_take(&window, UINT64_MAX - 1));
}

/* Against a plain record of everything that was taken. */
static void random_numbers_agree_with_a_full_record(void **state)
{
    enum { RANGE = 8 * CONNECTION_WINDOW };
    static bool taken[RANGE];
    uint64_t highest = 0;
    uint32_t seed = 7;
    memset(taken, 0, sizeof(taken));
    for (size_t i = 0; i < 400000; i++) {
        seed = seed * 1664525u + 1013904223u;
        uint64_t near = highest + 100, back = (seed >> 8) % (CONNECTION_WINDOW + 200);
        uint64_t number = near > back ? near - back : 0;
        if (number >= RANGE)
            break;
        bool expected = number > 0 && !taken[number] && highest < number + CONNECTION_WINDOW;
        assert_int_equal(connection_window_take(&window, number), expected);
        taken[number] |= expected;
        if (number > highest)
            highest = number;
    }
    assert_true(highest > 2 * CONNECTION_WINDOW);
}

#define window_test(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        window_test(zero_is_never_taken),
        window_test(a_number_is_taken_once),
        window_test(numbers_may_overtake_each_other_within_the_window),
        window_test(a_number_too_old_to_tell_is_refused),
        window_test(skipped_numbers_are_free_whatever_lay_in_their_place),
        window_test(a_jump_of_the_whole_window_or_more_forgets_all),
        window_test(the_highest_number_of_all_ends_the_count),
        window_test(random_numbers_agree_with_a_full_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
