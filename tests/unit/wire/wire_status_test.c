/* SPDX-License-Identifier: MIT */
/* protocol/wire/wire_status: the numbers are those of docs/protocol.md, on any system. */
#include "protocol/base/status.h"
#include "protocol/wire/wire_status.h"
#include "tests/unit/base/testing.h"

#include <limits.h>
#include <uv.h>

static void system_errors_have_fixed_numbers(void **state)
{
    assert_int_equal(wire_status_encode(UV_EIO), -11001);
    assert_int_equal(wire_status_encode(UV_ECONNREFUSED), -11002);
    assert_int_equal(wire_status_encode(UV_ECONNRESET), -11003);
    assert_int_equal(wire_status_encode(UV_EOF), -11017);
    assert_int_equal(wire_status_encode(UV_ENOSPC), -11031);
    assert_int_equal(wire_status_encode(UV_EROFS), -11032);
    assert_int_equal(wire_status_encode(UV_EXDEV), -11038);
    assert_int_equal(wire_status_encode(UV_EILSEQ), -11042);
}

static void every_number_comes_back_as_itself(void **state)
{
    for (int32_t number = -11042; number <= -11001; number++)
        assert_int_equal(wire_status_encode(wire_status_decode(number)), number);
    for (int32_t number = -10999; number <= -10001; number++)
        assert_int_equal(wire_status_encode(wire_status_decode(number)), number);
}

static void unknown_numbers_are_an_input_output_error(void **state)
{
    const int32_t numbers[] = {0, 1, -1, -111, -10000, -11000, -11043, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        assert_int_equal(wire_status_decode(numbers[i]), UV_EIO);
}

static void what_has_no_number_travels_as_the_nearest(void **state)
{
    assert_int_equal(wire_status_encode(UV_ESRCH), -11001);
    assert_int_equal(wire_status_encode(0), STATUS_GONE);
    assert_int_equal(wire_status_encode(5), STATUS_GONE);
    assert_int_equal(wire_status_encode(INT_MIN), -11001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(system_errors_have_fixed_numbers),
        cmocka_unit_test(every_number_comes_back_as_itself),
        cmocka_unit_test(unknown_numbers_are_an_input_output_error),
        cmocka_unit_test(what_has_no_number_travels_as_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
