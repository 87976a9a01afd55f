/* SPDX-License-Identifier: MIT */
/* Redial delays and their jitter. */
#include "protocol/link/backoff.h"

#include "protocol/wire/limits.h"
#include "tests/unit/base/testing.h"

static void delays_double_up_to_the_maximum_and_start_over(void **state)
{
    static const uint32_t EXPECTED[] = {50, 100, 200, 400, 800, 1600, 2000, 2000, 2000};
    struct backoff backoff = {0};
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof(EXPECTED) / sizeof(EXPECTED[0]); i++)
            assert_int_equal(backoff_next(&backoff, 0), EXPECTED[i]);
        backoff_reset(&backoff);
    }
}

static void jitter_shortens_by_a_quarter_at_most(void **state)
{
    struct backoff backoff = {0};
    uint32_t smallest = REDIAL_MAX_MS;
    for (uint32_t random = 0; random < 3000; random++) {
        backoff.next_ms = REDIAL_MAX_MS;
        uint32_t delay = backoff_next(&backoff, random * 2654435761u);
        assert_in_range(delay, REDIAL_MAX_MS * 3 / 4, REDIAL_MAX_MS);
        smallest = delay < smallest ? delay : smallest;
    }
    assert_in_range(smallest, REDIAL_MAX_MS * 3 / 4, REDIAL_MAX_MS * 3 / 4 + 20);
    backoff_reset(&backoff);
    assert_in_range(backoff_next(&backoff, UINT32_MAX), 38, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays_double_up_to_the_maximum_and_start_over),
        cmocka_unit_test(jitter_shortens_by_a_quarter_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
