/* SPDX-License-Identifier: MIT */
#include "services/config/glob.h"

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <cmocka.h>

#include <string.h>

static void glob_matches_the_whole_text(void **state)
{
    assert_true(glob_match("vite", "vite"));
    assert_false(glob_match("vite", "vite2"));
    assert_false(glob_match("vite", "a vite"));
    assert_true(glob_match("", ""));
    assert_false(glob_match("", "x"));
}

static void star_stands_for_any_number_of_characters(void **state)
{
    assert_true(glob_match("*", ""));
    assert_true(glob_match("node*", "node"));
    assert_true(glob_match("*server*", "my-server-2"));
    assert_true(glob_match("a*b*c", "a-b-b-c"));
    assert_false(glob_match("a*b*c", "a-b-b"));
    assert_true(glob_match("**x", "yx"));
}

static void question_mark_stands_for_one_character_of_any_length(void **state)
{
    assert_true(glob_match("w?b", "web"));
    assert_true(glob_match("w?b", "w€b"));
    assert_false(glob_match("w?b", "wb"));
    assert_false(glob_match("w?b", "weeb"));
}

/* Exponential matchers take for ever here; the test runner's time limit is the assertion. */
static void hostile_text_costs_no_more_than_a_product(void **state)
{
    char text[4096];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_false(glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(glob_matches_the_whole_text),
        cmocka_unit_test(star_stands_for_any_number_of_characters),
        cmocka_unit_test(question_mark_stands_for_one_character_of_any_length),
        cmocka_unit_test(hostile_text_costs_no_more_than_a_product),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
