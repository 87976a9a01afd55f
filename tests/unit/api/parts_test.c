/* SPDX-License-Identifier: MIT */
/* The pure parts: percent-decoding, queries, the metrics' text, times and numbers. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <math.h>

#include <cmocka.h>

#include "host-bridge/api/metrics.h"
#include "host-bridge/api/query.h"
#include "host-bridge/api/view.h"
#include "protocol/base/status.h"

static void percent_decode_turns_escapes_into_bytes(void **state)
{
    char out[16];
    assert_int_equal(percent_decode("a%2Fb%c3%A9", 11, false, out, sizeof(out)), 0);
    assert_string_equal(out, "a/b\xc3\xa9");
    assert_int_equal(percent_decode("a+b", 3, false, out, sizeof(out)), 0);
    assert_string_equal(out, "a+b");
    assert_int_equal(percent_decode("a+b", 3, true, out, sizeof(out)), 0);
    assert_string_equal(out, "a b");
    assert_int_equal(percent_decode("", 0, false, out, 1), 0);
    assert_string_equal(out, "");
}

static void percent_decode_refuses_broken_escapes_and_zero_bytes(void **state)
{
    static const char *const TEXTS[] = {"%", "%4", "a%zz", "%g0", "%0g", "%00", "%%41", "%4%"};
    char out[16];
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++)
        assert_int_equal(percent_decode(TEXTS[i], strlen(TEXTS[i]), false, out, sizeof(out)),
                         STATUS_MALFORMED);
}

static void percent_decode_does_not_read_past_its_size(void **state)
{
    char out[16];
    assert_int_equal(percent_decode("%41", 2, false, out, sizeof(out)), STATUS_MALFORMED);
    assert_int_equal(percent_decode("ab%41", 2, false, out, sizeof(out)), 0);
    assert_string_equal(out, "ab");
}

static void percent_decode_refuses_what_does_not_fit(void **state)
{
    char out[4];
    assert_int_equal(percent_decode("abc", 3, false, out, sizeof(out)), 0);
    assert_int_equal(percent_decode("abcd", 4, false, out, sizeof(out)), STATUS_TOO_LARGE);
}

static void query_get_finds_whole_names_only(void **state)
{
    char out[16];
    assert_int_equal(query_get("xvm=1&vm=web&vm=db", "vm", out, sizeof(out)), 0);
    assert_string_equal(out, "web");
    assert_int_equal(query_get("vm=", "vm", out, sizeof(out)), 0);
    assert_string_equal(out, "");
    assert_int_equal(query_get("a=1&vm=w%26b", "vm", out, sizeof(out)), 0);
    assert_string_equal(out, "w&b");
    assert_int_equal(query_get("vmx=1&vm", "vm", out, sizeof(out)), STATUS_NOT_FOUND);
    assert_int_equal(query_get("&&", "vm", out, sizeof(out)), STATUS_NOT_FOUND);
    assert_int_equal(query_get("", "vm", out, sizeof(out)), STATUS_NOT_FOUND);
    assert_int_equal(query_get(NULL, "vm", out, sizeof(out)), STATUS_NOT_FOUND);
}

static void metrics_escape_label_values(void **state)
{
    struct buffer out;
    buffer_init(&out, 1000);
    metrics_family(&out, "x_bytes", "counter", "bytes", "Help.");
    metrics_sample(&out, "x_bytes", "_total",
                   (struct metrics_label[]){{"a", "q\"b\\c\nd"}, {"b", "2"}, {NULL, NULL}},
                   9007199254740991.0);
    metrics_sample(&out, "y", "", NULL, 0.5);
    metrics_end(&out);
    buffer_append(&out, "", 1);
    assert_string_equal((const char *)buffer_span(&out).data,
                        "# TYPE x_bytes counter\n# UNIT x_bytes bytes\n# HELP x_bytes Help.\n"
                        "x_bytes_total{a=\"q\\\"b\\\\c\\nd\",b=\"2\"} 9007199254740991\ny 0.5\n# EOF\n");
    buffer_finish(&out);
}

static void assert_text(json_t *json, const char *text)
{
    assert_string_equal(json_string_value(json), text);
    json_decref(json);
}

static void times_are_utc_with_milliseconds(void **state)
{
    assert_text(view_time(0), "1970-01-01T00:00:00.000Z");
    assert_text(view_time(951782400007), "2000-02-29T00:00:00.007Z");
    assert_text(view_time(UINT64_MAX), "9999-12-31T23:59:59.999Z"); /* a guest's clock may say anything */
    assert_true(json_is_null(view_time_or_null(0)));
}

static void numbers_that_json_lacks_are_null(void **state)
{
    assert_true(json_is_null(view_number(INFINITY)));
    assert_true(json_is_null(view_number(NAN)));
    assert_int_equal(view_count(UINT64_MAX), INT64_MAX);
    assert_int_equal(view_count(5), 5);
}

static void text_that_is_no_utf8_is_replaced(void **state)
{
    assert_text(view_text("caf\xc3\xa9"), "caf\xc3\xa9");
    assert_text(view_text("caf\xc3"), "caf?");
    assert_text(view_text("\xed\xa0\x80x"), "???x");
    assert_true(json_is_null(view_text_or_null("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percent_decode_turns_escapes_into_bytes),
        cmocka_unit_test(percent_decode_refuses_broken_escapes_and_zero_bytes),
        cmocka_unit_test(percent_decode_does_not_read_past_its_size),
        cmocka_unit_test(percent_decode_refuses_what_does_not_fit),
        cmocka_unit_test(query_get_finds_whole_names_only),
        cmocka_unit_test(metrics_escape_label_values),
        cmocka_unit_test(times_are_utc_with_milliseconds),
        cmocka_unit_test(numbers_that_json_lacks_are_null),
        cmocka_unit_test(text_that_is_no_utf8_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
