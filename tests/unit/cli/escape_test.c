/* SPDX-License-Identifier: MIT */
/* Escaping and width of text that a guest chose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host-bridge/cli/escape.h"

struct expectation {
    const char *raw, *shown;
    size_t columns;
};

static void check(const struct expectation *expected)
{
    char *out = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&out, &size);
    size_t printed = escape_print(memory, expected->raw, 0);
    fclose(memory);
    assert_string_equal(out, expected->shown);
    assert_int_equal(printed, expected->columns);
    assert_int_equal(escape_width(expected->raw), expected->columns);
    free(out);
}

static void check_all(const struct expectation *expected, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check(&expected[i]);
}

#define CHECK(...)                                                                                           \
    do {                                                                                                     \
        const struct expectation list[] = {__VA_ARGS__};                                                     \
        check_all(list, sizeof(list) / sizeof(list[0]));                                                     \
    } while (0)

static void plain_text_stays_as_it_is(void **state)
{
    CHECK({"", "", 0}, {"nginx -g daemon", "nginx -g daemon", 15}, {"a\\b", "a\\b", 3}, {"é", "é", 1},
          {"→ €", "→ €", 3});
}

static void control_characters_are_escaped(void **state)
{
    CHECK({"\x1b[2J", "\\x1b[2J", 7}, {"a\nb\tc\r", "a\\x0ab\\x09c\\x0d", 15}, {"\x7f", "\\x7f", 4},
          {"\xc2\x9b"
           "31m",
           "\\u009b31m", 9},
          {"\xc2\x80\xc2\x9f", "\\u0080\\u009f", 12});
}

static void invalid_utf8_is_escaped_byte_by_byte(void **state)
{
    CHECK({"\xff", "\\xff", 4}, {"\xc3", "\\xc3", 4}, {"a\xe2\x82", "a\\xe2\\x82", 9},
          {"\xc0\xaf", "\\xc0\\xaf", 8}, {"\xed\xa0\x80", "\\xed\\xa0\\x80", 12},
          {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", 16}, {"\xe0\x80\x80x", "\\xe0\\x80\\x80x", 13});
}

static void bidirectional_overrides_are_escaped(void **state)
{
    CHECK({"\xe2\x80\xae"
           "gpj.exe",
           "\\u202egpj.exe", 13},
          {"\xe2\x81\xa6x", "\\u2066x", 7}, {"\xe2\x80\x8f", "\\u200f", 6}, {"\xd8\x9c", "\\u061c", 6},
          {"\xe2\x80\x8b", "\\u200b", 6}, {"\xf3\xa0\x81\x81", "\\U000e0041", 10});
}

static void wide_and_combining_characters_count_their_columns(void **state)
{
    CHECK({"日本", "日本", 4}, {"e\xcc\x81", "e\xcc\x81", 1});
}

static void too_long_text_is_cut_with_an_ellipsis(void **state)
{
    char *out = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&out, &size);
    assert_int_equal(escape_print(memory, "abcdefgh", 5), 5);
    fputc('|', memory);
    assert_int_equal(escape_print(memory, "日本語", 4), 3); /* a wide one does not fit in half */
    fputc('|', memory);
    assert_int_equal(escape_print(memory, "ab\x1b", 5), 3); /* an escape is not cut within */
    fputc('|', memory);
    assert_int_equal(escape_print(memory, "abc", 3), 3);
    fclose(memory);
    assert_string_equal(out, "abcd…|日…|ab…|abc");
    free(out);
}

static void a_line_is_one_line_whatever_its_arguments_hold(void **state)
{
    char *out = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&out, &size);
    escape_print_line(memory, "name: %s", "a\nb");
    fclose(memory);
    assert_string_equal(out, "name: a\\x0ab\n");
    free(out);
}

static void every_byte_is_shown_without_a_control_byte(void **state)
{
    for (unsigned first = 1; first < 256; first++) {
        for (unsigned second = 1; second < 256; second++) {
            const char text[] = {(char)first, (char)second, '\0'};
            const char *cursor = text;
            struct escape_unit unit;
            while (escape_next(&cursor, &unit)) {
                assert_true(unit.size == strlen(unit.text) && unit.size > 0);
                for (size_t i = 0; i < unit.size; i++)
                    assert_true((unsigned char)unit.text[i] >= 0x20 && unit.text[i] != 0x7f);
            }
            assert_ptr_equal(cursor, text + 2);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_stays_as_it_is),
        cmocka_unit_test(control_characters_are_escaped),
        cmocka_unit_test(invalid_utf8_is_escaped_byte_by_byte),
        cmocka_unit_test(bidirectional_overrides_are_escaped),
        cmocka_unit_test(wide_and_combining_characters_count_their_columns),
        cmocka_unit_test(too_long_text_is_cut_with_an_ellipsis),
        cmocka_unit_test(a_line_is_one_line_whatever_its_arguments_hold),
        cmocka_unit_test(every_byte_is_shown_without_a_control_byte),
    };
    escape_init_locale();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
