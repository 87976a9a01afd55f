/* SPDX-License-Identifier: MIT */
/* Rates and times left, of samples with a clock that is made up. */
#include "host-bridge/features/transfers/transfer_rate.h"
#include "tests/unit/base/testing.h"

static struct transfer_rate rate;

static void add(uint64_t at_ms, uint64_t moved, uint64_t done)
{
    struct transfer_sample sample = {at_ms, moved, done};
    transfer_rate_add(&rate, &sample);
}

static void one_sample_says_nothing(void **state)
{
    transfer_rate_reset(&rate);
    assert_int_equal(transfer_rate_moved(&rate), 0);
    assert_true(transfer_rate_left_s(&rate, 100) == UINT64_MAX);
    add(1000, 50, 50);
    assert_int_equal(transfer_rate_moved(&rate), 0);
    assert_true(transfer_rate_left_s(&rate, 100) == UINT64_MAX);
}

static void the_rate_is_that_of_the_last_seconds(void **state)
{
    transfer_rate_reset(&rate);
    for (uint64_t i = 0; i < 100; i++)
        add(i * 250, i < 50 ? i * 1000000 : 50000000 + (i - 50) * 250, i * 250);
    assert_int_equal(transfer_rate_moved(&rate), 1000); /* the fast times are long ago */
    assert_int_equal(transfer_rate_left_s(&rate, 99 * 250 + 4001), 5);
    assert_int_equal(transfer_rate_left_s(&rate, 10), 0);
}

static void what_stands_still_is_never_done(void **state)
{
    transfer_rate_reset(&rate);
    for (uint64_t i = 0; i < 30; i++)
        add(i * 250, 5, 5);
    assert_int_equal(transfer_rate_moved(&rate), 0);
    assert_true(transfer_rate_left_s(&rate, 6) == UINT64_MAX);
}

static void numbers_of_any_size_do_no_harm(void **state)
{
    transfer_rate_reset(&rate);
    add(0, 0, 0);
    add(1000, UINT64_MAX, UINT64_MAX);
    assert_true(transfer_rate_moved(&rate) > 0);
    assert_int_equal(transfer_rate_left_s(&rate, UINT64_MAX), 0);
    transfer_rate_reset(&rate);
    add(0, UINT64_MAX, UINT64_MAX); /* it went back */
    add(1000, 0, 0);
    assert_int_equal(transfer_rate_moved(&rate), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_sample_says_nothing),
        cmocka_unit_test(the_rate_is_that_of_the_last_seconds),
        cmocka_unit_test(what_stands_still_is_never_done),
        cmocka_unit_test(numbers_of_any_size_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
