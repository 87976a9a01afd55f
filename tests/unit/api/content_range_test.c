/* SPDX-License-Identifier: MIT */
/* Ranges, tags and dates, as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host-bridge/api/content_range.h"

static void check(const char *header, uint64_t size, enum content_range expected, uint64_t offset,
                  uint64_t length)
{
    uint64_t got_offset = 0, got_length = 0;
    assert_int_equal(content_range_parse(header, size, &got_offset, &got_length), expected);
    if (expected == RANGE_SOME) {
        assert_int_equal(got_offset, offset);
        assert_int_equal(got_length, length);
    }
}

static void ranges_lie_within_the_file(void **state)
{
    check("bytes=0-0", 10, RANGE_SOME, 0, 1);
    check("bytes=2-5", 10, RANGE_SOME, 2, 4);
    check("bytes=2-", 10, RANGE_SOME, 2, 8);
    check("bytes=2-99999", 10, RANGE_SOME, 2, 8);
    check("bytes=-3", 10, RANGE_SOME, 7, 3);
    check("bytes=-30", 10, RANGE_SOME, 0, 10);
    check("bytes=0-999999999999999999", INT64_MAX, RANGE_SOME, 0, 1000000000000000000);
}

static void ranges_without_a_byte_are_impossible(void **state)
{
    check("bytes=10-", 10, RANGE_IMPOSSIBLE, 0, 0);
    check("bytes=10-11", 10, RANGE_IMPOSSIBLE, 0, 0);
    check("bytes=0-", 0, RANGE_IMPOSSIBLE, 0, 0);
    check("bytes=-0", 10, RANGE_IMPOSSIBLE, 0, 0);
    check("bytes=-5", 0, RANGE_IMPOSSIBLE, 0, 0);
}

static void what_is_not_understood_means_everything(void **state)
{
    static const char *const HEADERS[] = {
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=5-2",
        "bytes=a-b",
        "bytes=1-2x",
        "items=0-1",
        "bytes=0-1,3-4",
        "bytes= 0-1",
        "bytes=18446744073709551616-",
    };
    for (size_t i = 0; i < sizeof(HEADERS) / sizeof(HEADERS[0]); i++)
        check(HEADERS[i], 10, RANGE_NONE, 0, 0);
    check(NULL, 10, RANGE_NONE, 0, 0);
}

static void tags_are_found_in_lists(void **state)
{
    assert_true(content_tag_matches("\"a-1\"", "\"a-1\""));
    assert_true(content_tag_matches("\"b\", W/\"a-1\"", "\"a-1\""));
    assert_true(content_tag_matches("*", "\"a-1\""));
    assert_false(content_tag_matches("\"a-10\"", "\"a-1\""));
    assert_false(content_tag_matches("", "\"a-1\""));
    assert_false(content_tag_matches(NULL, "\"a-1\""));
    assert_false(content_tag_matches("\"a", "\"a-1\""));
}

static void dates_are_those_of_http(void **state)
{
    char date[CONTENT_DATE_SIZE];
    content_date_format(784111777, date);
    assert_string_equal(date, "Sun, 06 Nov 1994 08:49:37 GMT");
    content_date_format(-1, date);
    assert_string_equal(date, "Wed, 31 Dec 1969 23:59:59 GMT");
    content_date_format(INT64_MAX, date);
    assert_string_equal(date, "Thu, 01 Jan 1970 00:00:00 GMT");
    content_date_format(INT64_MIN, date);
    assert_string_equal(date, "Thu, 01 Jan 1970 00:00:00 GMT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_lie_within_the_file),
        cmocka_unit_test(ranges_without_a_byte_are_impossible),
        cmocka_unit_test(what_is_not_understood_means_everything),
        cmocka_unit_test(tags_are_found_in_lists),
        cmocka_unit_test(dates_are_those_of_http),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
