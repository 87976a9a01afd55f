/* SPDX-License-Identifier: MIT */
#include "services/transfer/entry_name.h"

#include <string.h>

#include "protocol/wire/limits.h"
#include "services/transfer/receive/receiver.h"
#include "tests/unit/base/testing.h"

static void usual_names_are_valid(void **state)
{
    static const char *const GOOD[] = {
        "a", "a b", "...", "..a", ".hidden", "-rf", "Ä€😀", "a\\b", "~", ".hospes-partial2", "\xc2\x85"};
    for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++)
        assert_true(entry_name_is_valid(GOOD[i]));
}

static void names_that_lead_elsewhere_are_refused(void **state)
{
    static const char *const BAD[] = {"",     ".",    "..",   "/",     "a/b",  "/a",       "a/",
                                      "a\nb", "\x01", "\x1b", "a\x7f", "\xff", "\xc0\xaf", "\xed\xa0\x80",
                                      "\xc3", "../a"};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        assert_false(entry_name_is_valid(BAD[i]));
    assert_false(entry_name_is_valid(PARTIAL_FOLDER));
}

static void names_are_limited_in_bytes(void **state)
{
    char name[FILES_NAME_MAX + 2];
    memset(name, 'n', sizeof(name));
    name[FILES_NAME_MAX] = '\0';
    assert_true(entry_name_is_valid(name));
    name[FILES_NAME_MAX] = 'n';
    name[FILES_NAME_MAX + 1] = '\0';
    assert_false(entry_name_is_valid(name));
}

static void links_stay_inside_by_depth(void **state)
{
    assert_true(entry_link_stays_inside("a", 0));
    assert_true(entry_link_stays_inside("./a/./b//c/", 0));
    assert_true(entry_link_stays_inside("..", 1));
    assert_true(entry_link_stays_inside("../a", 1));
    assert_true(entry_link_stays_inside("../../a/b", 2));
    assert_true(entry_link_stays_inside(".././../a", 2));
    assert_true(entry_link_stays_inside("..a/...", 0));
    assert_false(entry_link_stays_inside("../a", 0));
    assert_false(entry_link_stays_inside("../../a", 1));
    assert_false(entry_link_stays_inside("..//..", 1));
}

static void links_that_climb_later_or_start_at_the_top_are_refused(void **state)
{
    assert_false(entry_link_stays_inside("", 5));
    assert_false(entry_link_stays_inside("/", 5));
    assert_false(entry_link_stays_inside("/etc/passwd", 5));
    assert_false(entry_link_stays_inside("a/..", 5));
    assert_false(entry_link_stays_inside("a/../b", 5));
    assert_false(entry_link_stays_inside("../a/..", 5));
}

static void expect_name(const char *path, const char *name)
{
    size_t size;
    const char *found = entry_name_of_path(path, &size);
    assert_int_equal(size, strlen(name));
    assert_memory_equal(found, name, size);
    assert_true(found >= path && found + size <= path + strlen(path));
}

static void the_last_component_names_a_path(void **state)
{
    expect_name("a", "a");
    expect_name("a/b", "b");
    expect_name("a/b//", "b");
    expect_name("/a", "a");
    expect_name("/", "");
    expect_name("", "");
    expect_name("a/..", "..");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usual_names_are_valid),
        cmocka_unit_test(names_that_lead_elsewhere_are_refused),
        cmocka_unit_test(names_are_limited_in_bytes),
        cmocka_unit_test(links_stay_inside_by_depth),
        cmocka_unit_test(links_that_climb_later_or_start_at_the_top_are_refused),
        cmocka_unit_test(the_last_component_names_a_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
