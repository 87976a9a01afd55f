/* SPDX-License-Identifier: MIT */
#include "services/transfer/target_path.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "tests/unit/base/testing.h"

static char home[64], command[128];
static struct target_path target;
static char problem[TEXT_REASON_MAX + 1];

static int setup(void **state)
{
    char path[128];
    snprintf(home, sizeof(home), "/tmp/hospes-target-XXXXXX");
    if (mkdtemp(home) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/folder", home);
    if (mkdir(path, 0700) < 0)
        return -1;
    snprintf(path, sizeof(path), "%s/file", home);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    memset(&target, 'x', sizeof(target));
    memset(problem, 0, sizeof(problem));
    return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
    snprintf(command, sizeof(command), "rm -r %s", home);
    return system(command);
}

static void expect(const char *to, size_t roots, const char *folder, const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s%s", home, folder);
    assert_int_equal(target_path_resolve(to, home, roots, &target, problem), 0);
    assert_string_equal(target.folder, path);
    assert_string_equal(target.name, name);
}

static void expect_refused(const char *to, size_t roots, int status)
{
    assert_int_equal(target_path_resolve(to, home, roots, &target, problem), status);
    assert_int_equal(target.name[0], 'x'); /* untouched */
    assert_true(strlen(problem) > 5);
}

static void a_folder_that_is_there_takes_roots_under_their_names(void **state)
{
    expect("folder", 1, "/folder", "");
    expect("folder//", 3, "/folder", "");
    expect("./folder", 2, "/./folder", "");
    expect("~", 2, "", "");
    expect("~/", 2, "", "");
    expect("~/folder", 1, "/folder", "");
}

static void one_root_can_have_a_new_name(void **state)
{
    expect("new", 1, "", "new");
    expect("~/folder/new", 1, "/folder", "new");
    expect("file", 1, "", "file"); /* what becomes of it is the conflict rule's business */
    char absolute[128];
    snprintf(absolute, sizeof(absolute), "%s/folder/other", home);
    expect(absolute, 1, "/folder", "other");
    assert_int_equal(target_path_resolve("/hospes-new", home, 1, &target, problem), 0);
    assert_string_equal(target.folder, "/");
    assert_string_equal(target.name, "hospes-new");
}

static void several_roots_and_slashes_want_a_folder(void **state)
{
    expect_refused("new", 2, UV_ENOTDIR);
    expect_refused("file", 2, UV_ENOTDIR);
    expect_refused("new/", 1, UV_ENOTDIR);
    expect_refused("file/", 1, UV_ENOTDIR);
}

static void the_folder_above_must_be_there(void **state)
{
    expect_refused("missing/new", 1, UV_ENOENT);
    expect_refused("file/new", 1, UV_ENOTDIR);
    expect_refused("missing/..", 1, STATUS_INVALID);
    expect_refused("a\nb", 1, STATUS_INVALID);
    expect_refused("", 1, STATUS_INVALID);
}

static void lengths_are_limited_and_told_in_one_sentence(void **state)
{
    static char path[FILES_PATH_MAX + 100];
    memset(path, 'n', FILES_NAME_MAX + 1);
    path[FILES_NAME_MAX + 1] = '\0';
    expect_refused(path, 1, UV_ENAMETOOLONG);
    for (size_t i = 0; i < FILES_PATH_MAX + 20; i++)
        path[i] = i % 2 == 0 ? 'n' : '/';
    expect_refused(path, 1, UV_ENAMETOOLONG);
    char absolute[FILES_PATH_MAX + 1];
    assert_int_equal(target_path_absolute(path, home, absolute), UV_ENAMETOOLONG);
}

static void paths_become_absolute(void **state)
{
    char absolute[FILES_PATH_MAX + 1];
    assert_int_equal(target_path_absolute("a/b/", "/home/u", absolute), 0);
    assert_string_equal(absolute, "/home/u/a/b");
    assert_int_equal(target_path_absolute("~/a", "/", absolute), 0);
    assert_string_equal(absolute, "/a");
    assert_int_equal(target_path_absolute("~a", "/home/u", absolute), 0);
    assert_string_equal(absolute, "/home/u/~a");
    assert_int_equal(target_path_absolute("///", "/home/u", absolute), 0);
    assert_string_equal(absolute, "/");
    assert_int_equal(target_path_absolute("", "/home/u", absolute), STATUS_INVALID);
    assert_int_equal(target_path_absolute("a", "", absolute), STATUS_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_folder_that_is_there_takes_roots_under_their_names),
        TEST(one_root_can_have_a_new_name),
        TEST(several_roots_and_slashes_want_a_folder),
        TEST(the_folder_above_must_be_there),
        TEST(lengths_are_limited_and_told_in_one_sentence),
        TEST(paths_become_absolute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
