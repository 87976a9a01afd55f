/* SPDX-License-Identifier: MIT */
/* Keys as text: what is one, and what is not. */
#include "services/identity/key_text.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/base/testing.h"

/* 0, 1, 2 … 31 */
static const char TEXT[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

static void counting(uint8_t key[static 32])
{
    for (uint8_t i = 0; i < 32; i++)
        key[i] = i;
}

static bool parses(const char *text)
{
    uint8_t key[32];
    return key_text_parse(text, strlen(text), key);
}

static void format_gives_base64_with_padding(void **state)
{
    uint8_t key[32];
    char text[KEY_TEXT_SIZE];
    counting(key);
    key_text_format(key, text);
    assert_string_equal(text, TEXT);
}

static void parse_reads_what_format_wrote(void **state)
{
    uint8_t key[32], wanted[32];
    counting(wanted);
    assert_true(key_text_parse(TEXT, strlen(TEXT), key));
    assert_memory_equal(key, wanted, 32);
}

static void parse_allows_blanks_around_only(void **state)
{
    char text[100];
    snprintf(text, sizeof(text), " \t%s\r\n\n ", TEXT);
    assert_true(parses(text));
    snprintf(text, sizeof(text), "%.20s %s", TEXT, TEXT + 20);
    assert_false(parses(text));
    snprintf(text, sizeof(text), "%.20s\n%s", TEXT, TEXT + 20);
    assert_false(parses(text));
}

static void parse_refuses_every_other_length(void **state)
{
    char text[KEY_TEXT_SIZE + 4];
    snprintf(text, sizeof(text), "%sAAA", TEXT);
    for (size_t size = 0; size < strlen(text); size++) {
        uint8_t key[32];
        assert_int_equal(key_text_parse(text, size, key), size == strlen(TEXT));
    }
}

static void parse_refuses_another_alphabet_and_stray_bits(void **state)
{
    char text[KEY_TEXT_SIZE];
    for (int byte = 0; byte < 256; byte++) {
        bool digit = (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
                     (byte >= '0' && byte <= '9') || byte == '+' || byte == '/';
        uint8_t key[32];
        memcpy(text, TEXT, sizeof(text));
        text[10] = (char)byte;
        assert_int_equal(key_text_parse(text, strlen(TEXT), key), digit);
    }
    memcpy(text, TEXT, sizeof(text));
    text[42] = '9'; /* the last character's unused bits are not zero: a second text for one key */
    assert_false(parses(text));
    memcpy(text, TEXT, sizeof(text));
    text[43] = 'A';
    assert_false(parses(text));
}

static void parse_leaves_the_output_alone_on_failure(void **state)
{
    uint8_t key[32], before[32];
    memset(key, 0x5a, sizeof(key));
    memcpy(before, key, sizeof(key));
    char text[KEY_TEXT_SIZE];
    memcpy(text, TEXT, sizeof(text));
    text[40] = '!';
    assert_false(key_text_parse(text, strlen(text), key));
    assert_memory_equal(key, before, sizeof(key));
}

static void parse_takes_no_terminator_for_granted(void **state)
{
    uint8_t key[32];
    char text[44];
    memcpy(text, TEXT, sizeof(text));
    assert_true(key_text_parse(text, sizeof(text), key));
    text[20] = '\0';
    assert_false(key_text_parse(text, sizeof(text), key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(format_gives_base64_with_padding),
        cmocka_unit_test(parse_reads_what_format_wrote),
        cmocka_unit_test(parse_allows_blanks_around_only),
        cmocka_unit_test(parse_refuses_every_other_length),
        cmocka_unit_test(parse_refuses_another_alphabet_and_stray_bits),
        cmocka_unit_test(parse_leaves_the_output_alone_on_failure),
        cmocka_unit_test(parse_takes_no_terminator_for_granted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
