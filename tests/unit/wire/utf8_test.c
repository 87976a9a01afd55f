/* SPDX-License-Identifier: MIT */
/* protocol/wire/utf8: what is text and what is made of that which is not. */
#include "protocol/wire/utf8.h"
#include "tests/unit/base/testing.h"

#include <string.h>

static bool valid(const char *text)
{
    return utf8_is_valid(span_of_text(text));
}

static void well_formed_text_is_valid(void **state)
{
    assert_true(valid(""));
    assert_true(valid("vite"));
    assert_true(valid("gr\xc3\xbc\xc3\x9f"));
    assert_true(valid("\xe2\x82\xac"));
    assert_true(valid("\xed\x9f\xbf\xee\x80\x80"));
    assert_true(valid("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
}

static void ill_formed_text_is_refused(void **state)
{
    const char *const texts[] = {
        "\x80",             /* continuation alone */
        "\xc3",             /* truncated */
        "\xc0\x80",         /* overlong NUL */
        "\xc1\xbf",         /* overlong */
        "\xe0\x80\xaf",     /* overlong */
        "\xe0\x9f\xbf",     /* overlong */
        "\xed\xa0\x80",     /* surrogate */
        "\xed\xbf\xbf",     /* surrogate */
        "\xf0\x80\x80\x80", /* overlong */
        "\xf0\x8f\xbf\xbf", /* overlong */
        "\xf4\x90\x80\x80", /* above U+10FFFF */
        "\xf5\x80\x80\x80",
        "\xff",
        "\xe2\x82",
        "\xe2\x28\xa1",
        "\xf0\x9f\x98",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_false(valid(texts[i]));
    assert_false(utf8_is_valid(span_of("a\0b", 3)));
}

/* Eight bytes at a time are looked at where they are ASCII. */
static void a_bad_byte_is_found_wherever_it_stands(void **state)
{
    static const char BAD[] = {'\0', '\x80', '\xff'};
    char text[27];
    for (size_t at = 0; at < sizeof(text); at++)
        for (size_t i = 0; i < sizeof(BAD); i++) {
            memset(text, at % 2 == 0 ? 1 : 0x7f, sizeof(text));
            assert_true(utf8_is_valid(span_of(text, sizeof(text))));
            text[at] = BAD[i];
            assert_false(utf8_is_valid(span_of(text, sizeof(text))));
        }
}

static void a_character_may_stand_anywhere(void **state)
{
    char text[27];
    for (size_t at = 0; at + 3 <= sizeof(text); at++) {
        memset(text, 'x', sizeof(text));
        memcpy(text + at, "\xe2\x82\xac", 3);
        assert_true(utf8_is_valid(span_of(text, sizeof(text))));
        assert_int_equal(utf8_is_valid(span_of(text, at + 2)), false);
    }
}

static void copy_replaces_what_is_no_text(void **state)
{
    char out[16];
    assert_int_equal(utf8_copy(out, sizeof(out), span_of("a\0\xff\xc3\xbc\xc3", 6)), 6);
    assert_string_equal(out, "a??\xc3\xbc?");
}

static void copy_cuts_between_characters(void **state)
{
    char out[6];
    for (size_t capacity = 1; capacity <= sizeof(out); capacity++) {
        size_t size = utf8_copy(out, capacity, span_of_text("\xe2\x82\xac\xe2\x82\xac"));
        assert_int_equal(size, capacity >= 4 ? 3 : 0);
        assert_int_equal(strlen(out), size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_text_is_valid),
        cmocka_unit_test(ill_formed_text_is_refused),
        cmocka_unit_test(a_bad_byte_is_found_wherever_it_stands),
        cmocka_unit_test(a_character_may_stand_anywhere),
        cmocka_unit_test(copy_replaces_what_is_no_text),
        cmocka_unit_test(copy_cuts_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
