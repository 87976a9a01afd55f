/* SPDX-License-Identifier: MIT */
/* agent/platform/text: anything becomes valid UTF-8 that fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/platform/text.h"

static void assert_copied(const char *bytes, size_t size, size_t out_size, const char *expected)
{
    char out[64];
    memset(out, 'x', sizeof(out));
    text_copy(out, out_size, bytes, size);
    assert_string_equal(out, expected);
    assert_int_equal(out[out_size], 'x');
}

static void copy_keeps_valid_text(void **state)
{
    assert_copied("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7", 14, 32,
                  "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7");
    assert_copied(NULL, 0, 8, "");
}

static void copy_replaces_what_is_no_utf8(void **state)
{
    assert_copied("a\xff\xfe"
                  "b",
                  4, 32, "a??b");
    assert_copied("\xc0\xaf", 2, 32, "??");           /* overlong */
    assert_copied("\xed\xa0\x80", 3, 32, "???");      /* surrogate */
    assert_copied("\xf4\x90\x80\x80", 4, 32, "????"); /* above U+10FFFF */
    assert_copied("\xe2\x82", 2, 32, "??");           /* cut */
    assert_copied("\xf0\x8f\xbf\xbf", 4, 32, "????"); /* overlong */
}

static void copy_replaces_controls(void **state)
{
    assert_copied("a\x1b[31m\n\0z", 8, 32, "a?[31m??");
    assert_copied("\x7f\xc2\x9b", 3, 32, "??");
}

static void copy_cuts_between_characters(void **state)
{
    assert_copied("ab\xc3\xa9", 4, 4, "ab");
    assert_copied("ab\xc3\xa9", 4, 5, "ab\xc3\xa9");
    assert_copied("abcdef", 6, 1, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copy_keeps_valid_text),
        cmocka_unit_test(copy_replaces_what_is_no_utf8),
        cmocka_unit_test(copy_replaces_controls),
        cmocka_unit_test(copy_cuts_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
