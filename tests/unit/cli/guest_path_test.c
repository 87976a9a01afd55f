/* SPDX-License-Identifier: MIT */
/* What is a guest's path, and what this host's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <unistd.h>
#include <uv.h>

#include "host-bridge/cli/guest_path.h"

static void expect(const char *text, const char *guest, const char *path)
{
    struct guest_path got;
    assert_int_equal(guest_path_parse(text, &got), 0);
    assert_string_equal(got.guest, guest);
    assert_string_equal(got.path, path);
    assert_true(guest_path_is_host(&got) == (guest[0] == '\0'));
}

static void a_name_before_the_first_colon_is_a_guest(void **state)
{
    expect("web:/etc/hosts", "web", "/etc/hosts");
    expect("web:notes.txt", "web", "notes.txt");
    expect("c:/x", "c", "/x");
    expect("web-1.local_2:a:b", "web-1.local_2", "a:b");
}

static void the_home_is_a_point(void **state)
{
    expect("web:", "web", ".");
    expect("web:~", "web", ".");
    expect("web:~/", "web", ".");
    expect("web:~/a/b", "web", "a/b");
    expect("web:~ann/a", "web", "~ann/a");
    expect("web:./a", "web", "./a");
}

static void a_slash_before_the_colon_makes_it_a_path_of_this_host(void **state)
{
    expect("./a:b", "", "./a:b");
    expect("/tmp/a:b", "", "/tmp/a:b");
    expect("folder/a:b", "", "folder/a:b");
    expect("plain", "", "plain");
    expect("..", "", "..");
}

static void what_can_be_no_name_is_refused(void **state)
{
    static const char *const TEXTS[] = {"a b:c", ".web:c", "-x:c", "w\xc3\xa9x:c", "a\x1b:c"};
    struct guest_path path;
    char longest[GUEST_PATH_NAME_MAX + 3];
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++)
        assert_int_equal(guest_path_parse(TEXTS[i], &path), UV_EINVAL);
    memset(longest, 'a', sizeof(longest));
    strcpy(longest + GUEST_PATH_NAME_MAX, ":");
    assert_int_equal(guest_path_parse(longest, &path), 0);
    strcpy(longest + GUEST_PATH_NAME_MAX, "a:");
    assert_int_equal(guest_path_parse(longest, &path), UV_EINVAL);
    assert_int_equal(guest_path_parse("", &path), UV_ENOENT);
    assert_int_equal(guest_path_parse(":a", &path), UV_ENOENT);
}

static void expect_absolute(const char *text, const char *absolute)
{
    char *got = guest_path_absolute(text);
    assert_non_null(got);
    assert_string_equal(got, absolute);
    free(got);
}

static void paths_of_this_host_become_absolute_and_links_stay(void **state)
{
    char folder[] = "/tmp/hospes-path-XXXXXX", text[128], inner[128];
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(symlink("/etc", "link"), 0);
    snprintf(text, sizeof(text), "%s/link", folder);
    expect_absolute("link", text);
    expect_absolute("./link", text);
    expect_absolute(".//link", text);
    snprintf(text, sizeof(text), "%s/no such/file/", folder);
    expect_absolute("no such/file/", text);
    expect_absolute("/a/../b", "/a/../b");
    expect_absolute(".", folder);
    expect_absolute("./", folder);
    expect_absolute("link/..", "/");
    expect_absolute("link/.", "/etc");
    snprintf(inner, sizeof(inner), "%s/..a", folder);
    expect_absolute("..a", inner);
    assert_null(guest_path_absolute("nothing/.."));
    assert_int_equal(errno, ENOENT);
    assert_int_equal(chdir("/"), 0);
    expect_absolute("a", "/a");
    snprintf(text, sizeof(text), "%s/link", folder);
    unlink(text);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_before_the_first_colon_is_a_guest),
        cmocka_unit_test(the_home_is_a_point),
        cmocka_unit_test(a_slash_before_the_colon_makes_it_a_path_of_this_host),
        cmocka_unit_test(what_can_be_no_name_is_refused),
        cmocka_unit_test(paths_of_this_host_become_absolute_and_links_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
