/* SPDX-License-Identifier: MIT */
/* protocol/base/log_limit: how often a line is written, and what it counts. */
#include "protocol/base/log_limit.h"
#include "tests/unit/base/testing.h"

static void the_first_occurrence_is_told_at_once(void **state)
{
    struct log_limit limit = {0};
    uint64_t count = 0;
    assert_true(log_limit_tell(&limit, 0, &count));
    assert_int_equal(count, 1);
}

static void a_storm_is_told_once_an_interval_with_its_count(void **state)
{
    struct log_limit limit = {0};
    uint64_t count = 0, lines = 0, told = 0;
    for (uint64_t now = 5000; now <= 5000 + 3 * LOG_LIMIT_INTERVAL_MS; now++) {
        if (!log_limit_tell(&limit, now, &count))
            continue;
        lines++;
        told += count;
    }
    assert_int_equal(lines, 4);
    assert_int_equal(told, 3 * LOG_LIMIT_INTERVAL_MS + 1);
}

static void what_was_left_over_is_told_with_the_next(void **state)
{
    struct log_limit limit = {0};
    uint64_t count = 0;
    assert_true(log_limit_tell(&limit, 100, &count));
    assert_false(log_limit_tell(&limit, 101, &count));
    assert_int_equal(count, 1);
    assert_true(log_limit_tell(&limit, 100 + 60 * LOG_LIMIT_INTERVAL_MS, &count));
    assert_int_equal(count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_occurrence_is_told_at_once),
        cmocka_unit_test(a_storm_is_told_once_an_interval_with_its_count),
        cmocka_unit_test(what_was_left_over_is_told_with_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
