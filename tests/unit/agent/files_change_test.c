/* SPDX-License-Identifier: MIT */
/* MAKE, MOVE and REMOVE, and what is refused of any operation. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/features/files/acting_user.h"
#include "agent/platform/same_mount.h"
#include "protocol/base/status.h"
#include "tests/unit/agent/files_fixture.h"

static bool has_own_mounts; /* of this process */

static void refuses(const struct files_open_message *open, int status, const char *words)
{
    files_open_work(open);
    const char *text = expect_reset(status);
    if (strstr(text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", text, words);
    wait_for_no_work();
}

static bool is_there(const char *name)
{
    struct stat info;
    return lstat(files_full(name), &info) == 0;
}

static uint64_t does(const struct files_open_message *open)
{
    struct files_done_message done;
    files_open_work(open);
    expect_whole(&done, NULL);
    return done.files;
}

/* ---- MAKE ---- */

static void folders_are_made(void **state)
{
    struct files_open_message open = files_ask(FILES_MAKE, "a");
    assert_int_equal(does(&open), 1);
    assert_int_equal(scratch_mode(&folder, "a"), 0755);
    refuses(&open, UV_EEXIST, files_full("a"));
    open = files_ask(FILES_MAKE, "b/c");
    refuses(&open, UV_ENOENT, files_full("b/c"));
    open = files_ask(FILES_MAKE, "private");
    open.mode = 06770;
    does(&open);
    assert_int_equal(scratch_mode(&folder, "private"), 0770);
}

static void folders_above_are_made_when_asked(void **state)
{
    struct files_open_message open = files_ask(FILES_MAKE, "a//b/c");
    open.flags = FILES_PARENTS;
    open.mode = 0700;
    assert_int_equal(does(&open), 3);
    assert_int_equal(scratch_mode(&folder, "a/b"), 0755);
    assert_int_equal(scratch_mode(&folder, "a/b/c"), 0700);
    assert_int_equal(does(&open), 0); /* there already: that is all right */
    scratch_write_text(&folder, "file", "x");
    open = files_ask(FILES_MAKE, "file");
    open.flags = FILES_PARENTS;
    refuses(&open, UV_EEXIST, files_full("file"));
    open = files_ask(FILES_MAKE, "file/a");
    open.flags = FILES_PARENTS;
    refuses(&open, UV_EEXIST, files_full("file"));
}

/* ---- MOVE ---- */

static struct files_open_message ask_move(const char *from, const char *to)
{
    struct files_open_message open = files_ask(FILES_MOVE, from);
    snprintf(open.to, sizeof(open.to), "%s", files_full(to));
    return open;
}

static void an_entry_is_moved_to_a_new_name_or_into_a_folder(void **state)
{
    char name[FILES_PATH_MAX + 1];
    scratch_write_text(&folder, "a", "text");
    mkdir(files_full("folder"), 0700);
    struct files_open_message open = ask_move("a", "b");
    files_open_work(&open);
    expect_whole(NULL, name);
    assert_string_equal(name, files_full("b"));
    open = ask_move("b", "folder");
    files_open_work(&open);
    expect_whole(NULL, name);
    assert_string_equal(name, files_full("folder/b"));
    assert_string_equal(scratch_read(&folder, "folder/b"), "text");
    assert_false(is_there("a") || is_there("b"));
}

static void a_move_replaces_only_when_asked(void **state)
{
    scratch_write_text(&folder, "a", "a");
    scratch_write_text(&folder, "b", "b");
    struct files_open_message open = ask_move("a", "b");
    open.conflict = FILES_FAIL;
    refuses(&open, UV_EEXIST, files_full("b"));
    open.conflict = FILES_RENAME;
    refuses(&open, STATUS_INVALID, "MOVE");
    assert_string_equal(scratch_read(&folder, "b"), "b");
    open.conflict = FILES_REPLACE;
    assert_int_equal(does(&open), 1);
    assert_string_equal(scratch_read(&folder, "b"), "a");
    open = ask_move("b", "c");
    open.conflict = FILES_FAIL;
    assert_int_equal(does(&open), 1);
    open = ask_move("missing", "x");
    refuses(&open, UV_ENOENT, files_full("missing"));
    open = ask_move("c", "no/such/c");
    refuses(&open, UV_ENOENT, files_full("no/such"));
}

static void a_link_is_moved_itself(void **state)
{
    assert_int_equal(symlink("nowhere", files_full("a")), 0);
    struct files_open_message open = ask_move("a", "b");
    does(&open);
    char target[20] = "";
    assert_int_equal(readlink(files_full("b"), target, sizeof(target)), 7);
}

static void another_file_system_is_told_of(void **state)
{
    struct stat here, there;
    scratch_write_text(&folder, "a", "a");
    assert_int_equal(stat(folder.path, &here), 0);
    assert_int_equal(stat("/dev/shm", &there), 0);
    assert_int_not_equal(here.st_dev, there.st_dev);
    char to[64];
    snprintf(to, sizeof(to), "/dev/shm/hospes-files-test-%ld", (long)getpid());
    struct files_open_message open = ask_move("a", to);
    refuses(&open, UV_EXDEV, "copy it there");
    assert_true(is_there("a"));
}

/* ---- REMOVE ---- */

static void make_tree(void)
{
    scratch_write_text(&folder, "tree/a", "a");
    scratch_write_text(&folder, "tree/b/c/d", "d");
    scratch_write_text(&folder, "tree/b/.hidden", "h");
    mkdir(files_full("tree/empty"), 0700);
    scratch_write_text(&folder, "outside/kept", "k");
    assert_int_equal(symlink("../outside", files_full("tree/link")), 0);
    assert_int_equal(symlink("nowhere", files_full("tree/b/dangling")), 0);
}

static void files_links_and_empty_folders_are_removed(void **state)
{
    make_tree();
    struct files_open_message open = files_ask(FILES_REMOVE, "tree/a");
    assert_int_equal(does(&open), 1);
    open = files_ask(FILES_REMOVE, "tree/link");
    assert_int_equal(does(&open), 1);
    open = files_ask(FILES_REMOVE, "tree/empty");
    assert_int_equal(does(&open), 1);
    open = files_ask(FILES_REMOVE, "tree");
    refuses(&open, UV_ENOTEMPTY, files_full("tree"));
    open = files_ask(FILES_REMOVE, "missing");
    refuses(&open, UV_ENOENT, files_full("missing"));
    assert_true(is_there("tree/b/c/d") && is_there("outside/kept"));
}

static void a_tree_is_removed_and_links_are_not_followed(void **state)
{
    make_tree();
    struct files_open_message open = files_ask(FILES_REMOVE, "tree");
    open.flags = FILES_RECURSIVE;
    assert_int_equal(does(&open), 9);
    assert_false(is_there("tree"));
    assert_true(is_there("outside/kept"));
    assert_int_equal(symlink("outside", files_full("link")), 0);
    open = files_ask(FILES_REMOVE, "link");
    open.flags = FILES_RECURSIVE;
    assert_int_equal(does(&open), 1);
    assert_true(is_there("outside/kept"));
}

/* Without the flag for folders: should the guard fail, nothing is lost by the test. */
static void the_system_and_the_home_are_never_removed(void **state)
{
    struct acting_user self;
    struct stat info;
    char problem[TEXT_REASON_MAX + 1], number[24];
    snprintf(number, sizeof(number), "%lu", (unsigned long)geteuid());
    assert_int_equal(acting_user_find(number, "", &self, problem), 0);
    bool is_homeless = stat(self.home, &info) < 0; /* as nobody is */
    struct files_open_message open = files_ask(FILES_REMOVE, "/");
    refuses(&open, UV_EPERM, "whole system");
    open = files_ask(FILES_REMOVE, "//");
    refuses(&open, UV_EPERM, "whole system");
    open = files_ask(FILES_REMOVE, "~");
    refuses(&open, is_homeless ? UV_ENOENT : UV_EPERM, self.home);
    open = files_ask(FILES_REMOVE, "~/.");
    refuses(&open, STATUS_INVALID, "/.");
    open = files_ask(FILES_REMOVE, "/tmp/..");
    refuses(&open, STATUS_INVALID, "/tmp/..");
    open = ask_move("~", "elsewhere");
    refuses(&open, is_homeless ? UV_ENOENT : UV_EPERM, self.home);
    open = ask_move("/", "elsewhere");
    refuses(&open, UV_EPERM, "not moved");
    assert_int_equal(symlink("/", files_full("link")), 0);
    open = files_ask(FILES_REMOVE, NULL);
    struct files_path through[1];
    snprintf(through[0].path, sizeof(through[0].path), "%s/link/", folder.path);
    open.paths = through;
    open.path_count = 1;
    refuses(&open, UV_EPERM, "whole system");
    assert_true(is_there("link"));
}

static void nothing_is_begun_when_a_later_path_can_not_be_meant(void **state)
{
    static struct files_path paths[2];
    make_tree();
    snprintf(paths[0].path, sizeof(paths[0].path), "%s", files_full("tree/a"));
    snprintf(paths[1].path, sizeof(paths[1].path), "/");
    struct files_open_message open = files_ask(FILES_REMOVE, NULL);
    refuses(&open, STATUS_INVALID, "REMOVE");
    open.paths = paths;
    open.path_count = 2;
    refuses(&open, UV_EPERM, "whole system");
    assert_true(is_there("tree/a"));
}

static void what_is_mounted_is_not_entered(void **state)
{
    int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(same_mount_enter(root, "proc"), -1);
    assert_int_equal(errno, EXDEV);
    int fd = same_mount_enter(root, "etc");
    assert_true(fd >= 0);
    close(fd);
    close(root);
}

static void a_removal_ends_where_something_is_mounted(void **state)
{
    make_tree();
    if (!has_own_mounts) /* only root can mount: the test above is what others have */
        return;
    assert_int_equal(mount(files_full("outside"), files_full("tree/empty"), NULL, MS_BIND, NULL), 0);
    struct files_open_message open = files_ask(FILES_REMOVE, "tree/empty");
    open.flags = FILES_RECURSIVE;
    refuses(&open, UV_EXDEV, "tree/empty");
    open = files_ask(FILES_REMOVE, "tree");
    open.flags = FILES_RECURSIVE;
    refuses(&open, UV_EXDEV, "tree/empty");
    assert_true(is_there("outside/kept"));
    assert_int_equal(umount(files_full("tree/empty")), 0);
}

static void a_tree_too_deep_is_told_of(void **state)
{
    int fd = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < FILES_DEPTH_MAX + 3; i++) {
        assert_int_equal(mkdirat(fd, "d", 0700), 0);
        int next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(fd);
        fd = next;
    }
    close(fd);
    struct files_open_message open = files_ask(FILES_REMOVE, "d");
    open.flags = FILES_RECURSIVE;
    refuses(&open, STATUS_LIMIT, "too deep");
}

static void a_removal_stops_when_it_is_given_up(void **state)
{
    for (size_t steps = 0; steps < 12; steps++) {
        char name[40];
        for (int i = 0; i < 300; i++) {
            snprintf(name, sizeof(name), "tree/%d/file", i);
            scratch_write(&folder, name, "", 0, 0600);
        }
        struct files_open_message open = files_ask(FILES_REMOVE, "tree");
        open.flags = FILES_RECURSIVE;
        files_open_work(&open);
        for (size_t i = 0; i < steps; i++)
            uv_run(&uv, UV_RUN_NOWAIT);
        bridge_gives_up(UV_ECANCELED);
        wait_for_no_work();
    }
    struct files_open_message open = files_ask(FILES_REMOVE, "tree");
    open.flags = FILES_RECURSIVE;
    if (is_there("tree"))
        does(&open);
    assert_false(is_there("tree"));
}

/* ---- any operation ---- */

static void offers_and_watches_are_refused_until_somebody_keeps_them(void **state)
{
    struct files_open_message open = files_ask(FILES_GET, NULL);
    open.offer = 7;
    refuses(&open, STATUS_NOT_FOUND, "offer");
    open = files_ask(FILES_DECLINE, NULL);
    open.offer = 7;
    refuses(&open, STATUS_NOT_FOUND, "offer");
    open = files_ask(FILES_WATCH, ".");
    refuses(&open, STATUS_NOT_SUPPORTED, "watch");
}

static void no_more_works_than_a_session_may_have(void **state)
{
    struct peer peers[FILES_OPERATIONS_MAX];
    for (size_t i = 0; i < FILES_OPERATIONS_MAX; i++) {
        struct files_open_message open = files_ask(FILES_WRITE, NULL);
        snprintf(open.to, sizeof(open.to), "%s/%zu", folder.path, i);
        files_open_work(&open);
        expect_opened(NULL);
        peers[i] = peer;
        peer_init(&peer, dup(peer.fd));
    }
    struct files_open_message open = files_ask(FILES_MAKE, "a");
    files_open_work(&open);
    expect_reset(STATUS_LIMIT);
    for (size_t i = 0; i < FILES_OPERATIONS_MAX; i++)
        peer_finish(&peers[i]);
    wait_for_no_work();
    assert_int_equal(does(&open), 1);
}

static void a_user_that_is_not_there_is_named(void **state)
{
    struct files_open_message open = files_ask(FILES_MAKE, "a");
    snprintf(open.user, sizeof(open.user), "no-such-user-of-a-test");
    refuses(&open, UV_ENOENT, "no-such-user-of-a-test");
    assert_false(is_there("a"));
}

static void messages_and_data_at_the_wrong_time_end_the_work(void **state)
{
    struct files_open_message open = files_ask(FILES_MAKE, "a");
    files_open_work(&open);
    peer_write_frame(&peer, FRAME_DATAGRAM, "x", 1);
    expect_reset(STATUS_UNEXPECTED);
    wait_for_no_work();
    open = files_ask(FILES_MAKE, "b");
    files_open_work(&open);
    peer_write_frame(&peer, FRAME_MESSAGE, "x", 1);
    expect_reset(STATUS_UNEXPECTED);
}

int main(void)
{
#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, files_fixture_setup, files_fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH_FILES(folders_are_made),
        WITH_FILES(folders_above_are_made_when_asked),
        WITH_FILES(an_entry_is_moved_to_a_new_name_or_into_a_folder),
        WITH_FILES(a_move_replaces_only_when_asked),
        WITH_FILES(a_link_is_moved_itself),
        WITH_FILES(another_file_system_is_told_of),
        WITH_FILES(files_links_and_empty_folders_are_removed),
        WITH_FILES(a_tree_is_removed_and_links_are_not_followed),
        WITH_FILES(the_system_and_the_home_are_never_removed),
        WITH_FILES(nothing_is_begun_when_a_later_path_can_not_be_meant),
        cmocka_unit_test(what_is_mounted_is_not_entered),
        WITH_FILES(a_removal_ends_where_something_is_mounted),
        WITH_FILES(a_tree_too_deep_is_told_of),
        WITH_FILES(a_removal_stops_when_it_is_given_up),
        WITH_FILES(offers_and_watches_are_refused_until_somebody_keeps_them),
        WITH_FILES(no_more_works_than_a_session_may_have),
        WITH_FILES(a_user_that_is_not_there_is_named),
        WITH_FILES(messages_and_data_at_the_wrong_time_end_the_work),
    };
    /* before there is any thread: they would stay behind */
    has_own_mounts = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
