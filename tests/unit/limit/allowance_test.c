/* SPDX-License-Identifier: MIT */
/* A bucket and a clock that the tests move. */
#include "services/limit/allowance.h"

#include "tests/unit/base/testing.h"

static struct allowance allowance;

static void it_starts_full_and_gives_a_burst_and_no_more(void **state)
{
    allowance_init(&allowance, 10, 50, 1000);
    for (int i = 0; i < 50; i++)
        assert_true(allowance_take(&allowance, 1, 1000));
    assert_int_equal(allowance.refused, 0);
    assert_false(allowance_take(&allowance, 1, 1000));
    assert_false(allowance_take(&allowance, 1, 1000));
    assert_int_equal(allowance.refused, 2);
}

static void it_fills_at_its_rate(void **state)
{
    allowance_init(&allowance, 10, 50, 0);
    assert_true(allowance_take(&allowance, 50, 0));
    assert_false(allowance_take(&allowance, 1, 99));
    assert_true(
        allowance_take(&allowance, 1, 100)); /* ten a second: one in 100 ms, asked for in between or not */
    assert_false(allowance_take(&allowance, 1, 199));
    assert_true(allowance_take(&allowance, 9, 1000));
    assert_false(allowance_take(&allowance, 1, 1000));
}

static void a_long_time_fills_it_no_further_than_the_burst(void **state)
{
    static const uint64_t MOMENTS[] = {5000, 5001, 1ull << 40, UINT64_MAX / 2, UINT64_MAX};
    allowance_init(&allowance, UINT32_MAX, 50, 0);
    assert_true(allowance_take(&allowance, 50, 0));
    for (size_t i = 0; i < sizeof(MOMENTS) / sizeof(MOMENTS[0]); i++) {
        assert_true(allowance_take(&allowance, 50, MOMENTS[i]));
        assert_false(allowance_take(&allowance, 1, MOMENTS[i]));
    }
    allowance_init(&allowance, 1, UINT32_MAX, 0);
    assert_true(allowance_take(&allowance, UINT32_MAX, 0));
    assert_true(allowance_take(&allowance, UINT32_MAX, UINT64_MAX));
    assert_false(allowance_take(&allowance, 1, UINT64_MAX));
}

static void it_gives_all_or_nothing(void **state)
{
    allowance_init(&allowance, 1, 10, 0);
    assert_false(allowance_take(&allowance, 11, 0)); /* more than it ever holds */
    assert_false(allowance_take(&allowance, UINT32_MAX, 1000000));
    assert_true(allowance_take(&allowance, 7, 1000000));
    assert_false(allowance_take(&allowance, 4, 1000000));
    assert_true(allowance_take(&allowance, 3, 1000000)); /* what was refused took nothing */
    assert_true(allowance_take(&allowance, 0, 1000000));
    assert_int_equal(allowance.refused, 3);
}

static void a_clock_that_goes_back_gives_nothing(void **state)
{
    allowance_init(&allowance, 1000, 10, 5000);
    assert_true(allowance_take(&allowance, 10, 5000));
    assert_false(allowance_take(&allowance, 1, 1000));
    assert_false(allowance_take(&allowance, 1, 5000)); /* the same four seconds do not count twice */
    assert_true(allowance_take(&allowance, 1, 5001));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_starts_full_and_gives_a_burst_and_no_more),
        cmocka_unit_test(it_fills_at_its_rate),
        cmocka_unit_test(a_long_time_fills_it_no_further_than_the_burst),
        cmocka_unit_test(it_gives_all_or_nothing),
        cmocka_unit_test(a_clock_that_goes_back_gives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
