/* SPDX-License-Identifier: MIT */
/* Numbers as people read and write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host-bridge/cli/quantity.h"

static void bytes_are_written_with_binary_units(void **state)
{
    assert_string_equal(quantity_bytes(0).text, "0 B");
    assert_string_equal(quantity_bytes(1023).text, "1023 B");
    assert_string_equal(quantity_bytes(1536).text, "1.5 KiB");
    assert_string_equal(quantity_bytes(1024.0 * 1024 * 1024 * 200).text, "200 GiB");
    assert_string_equal(quantity_bytes(-1).text, "–");
    assert_string_equal(quantity_bytes(1e300).text, "–");
}

static void durations_show_their_two_largest_units(void **state)
{
    assert_string_equal(quantity_duration(0.9).text, "0 s");
    assert_string_equal(quantity_duration(242).text, "4 min 2 s");
    assert_string_equal(quantity_duration(3600 * 5 + 60).text, "5 h 1 min");
    assert_string_equal(quantity_duration(86400 * 3 + 3600 * 4).text, "3 d 4 h");
    assert_string_equal(quantity_duration(1e300).text, "–");
    assert_string_equal(quantity_milliseconds(0.251).text, "0.25 ms");
    assert_string_equal(quantity_milliseconds(12.4).text, "12 ms");
    assert_string_equal(quantity_milliseconds(1234).text, "1.2 s");
}

static void times_of_other_days_have_a_date(void **state)
{
    setenv("TZ", "UTC", 1);
    assert_string_equal(quantity_time(1000).text, "1970-01-01 00:00:01");
    assert_string_equal(quantity_time(0).text, "–");
}

static void ports_are_decimal_and_in_range(void **state)
{
    static const char *const WRONG[] = {
        "", "0", "65536", "70000", "-1", "+1", " 1", "1 ", "0x50", "8o", "99999999999999999999999", "80:80"};
    uint16_t port = 7;
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++)
        assert_false(quantity_parse_port(WRONG[i], &port));
    assert_int_equal(port, 7);
    assert_true(quantity_parse_port("65535", &port));
    assert_int_equal(port, 65535);
    uint64_t number = 0;
    assert_true(quantity_parse_u64("18446744073709551615", &number));
    assert_true(number == UINT64_MAX);
    assert_false(quantity_parse_u64("18446744073709551616", &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_written_with_binary_units),
        cmocka_unit_test(durations_show_their_two_largest_units),
        cmocka_unit_test(times_of_other_days_have_a_date),
        cmocka_unit_test(ports_are_decimal_and_in_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
