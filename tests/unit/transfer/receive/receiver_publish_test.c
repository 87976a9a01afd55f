/* SPDX-License-Identifier: MIT */
/* Roots get their names: the three kinds of conflict, merging, and a crash at any moment of it. */
#include "tests/unit/transfer/receive/honest_peer.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"

static void send_file(struct receive_fixture *fixture, const char *name, const char *text)
{
    uint64_t entry = fixture->next;
    assert_int_equal(say_file(fixture, name, strlen(text)), 0);
    if (fixture->need[entry] == NEED_SEND)
        assert_int_equal(say_pack(fixture, entry, text), 0);
}

static void rename_finds_a_free_name(void **state)
{
    struct receive_fixture *fixture = *state;
    target_write(fixture, "photo.jpg", "old");
    target_write(fixture, "photo (1).jpg", "old");
    target_write(fixture, "a.tar.gz", "old");
    target_write(fixture, "folder.d/x", "old");
    target_write(fixture, ".profile", "old");
    fixture->options.conflict = FILES_RENAME;
    assert_int_equal(receive_open(fixture), 0);
    send_file(fixture, "photo.jpg", "new");
    send_file(fixture, "a.tar.gz", "new");
    assert_int_equal(say_folder(fixture, "folder.d"), 0);
    assert_int_equal(say_leave(fixture), 0);
    send_file(fixture, ".profile", "new");
    send_file(fixture, "free.txt", "new");
    assert_int_equal(say_last(fixture), 0);
    assert_true(fixture->is_done);
    assert_string_equal(strrchr(fixture->done_names[0], '/'), "/photo (2).jpg");
    assert_string_equal(strrchr(fixture->done_names[1], '/'), "/a (1).tar.gz");
    assert_string_equal(strrchr(fixture->done_names[2], '/'), "/folder.d (1)");
    assert_string_equal(strrchr(fixture->done_names[3], '/'), "/.profile (1)");
    assert_string_equal(strrchr(fixture->done_names[4], '/'), "/free.txt");
    assert_string_equal(target_read(fixture, "photo.jpg"), "old");
    assert_string_equal(target_read(fixture, "photo (2).jpg"), "new");
}

static void fail_leaves_what_is_there(void **state)
{
    struct receive_fixture *fixture = *state;
    target_write(fixture, "a", "old");
    fixture->options.conflict = FILES_FAIL;
    assert_int_equal(receive_open(fixture), 0);
    assert_int_equal(say_file(fixture, "a", 3), 0);
    assert_int_equal(fixture->failed[0], UV_EEXIST); /* before a byte of it was sent */
    send_file(fixture, "b", "new");
    send_file(fixture, "c", "new");
    target_write(fixture, "c", "meanwhile");
    assert_int_equal(say_last(fixture), 0);
    assert_string_equal(target_read(fixture, "a"), "old");
    assert_string_equal(target_read(fixture, "b"), "new");
    assert_string_equal(target_read(fixture, "c"), "meanwhile");
    assert_int_equal(fixture->done.failed, 2);
    assert_string_equal(fixture->done_names[2], "");
}

static void replace_replaces_files_and_merges_folders(void **state)
{
    struct receive_fixture *fixture = *state;
    struct stat look;
    target_write(fixture, "a", "old");
    target_write(fixture, "d/stays", "old");
    target_write(fixture, "d/goes", "old");
    target_write(fixture, "d/sub/stays", "old");
    target_write(fixture, "d/is-folder/x", "old");
    target_write(fixture, "d/is-file", "old");
    assert_int_equal(receive_open(fixture), 0);
    send_file(fixture, "a", "new");
    assert_int_equal(say_folder(fixture, "d"), 0);
    send_file(fixture, "goes", "new");
    send_file(fixture, "is-folder", "new");
    assert_int_equal(say_folder(fixture, "sub"), 0);
    send_file(fixture, "comes", "new");
    assert_int_equal(say_leave(fixture), 0);
    assert_int_equal(say_folder(fixture, "is-file"), 0);
    send_file(fixture, "x", "new");
    assert_int_equal(say_leave(fixture), 0);
    assert_int_equal(say_leave(fixture), 0);
    assert_int_equal(say_last(fixture), 0);
    assert_true(fixture->is_done);
    assert_string_equal(target_read(fixture, "a"), "new");
    assert_string_equal(target_read(fixture, "d/stays"), "old");
    assert_string_equal(target_read(fixture, "d/goes"), "new");
    assert_string_equal(target_read(fixture, "d/sub/stays"), "old");
    assert_string_equal(target_read(fixture, "d/sub/comes"), "new");
    assert_string_equal(target_read(fixture, "d/is-folder/x"), "old");
    assert_string_equal(target_read(fixture, "d/is-file"), "old");
    assert_int_equal(fixture->done.failed, 3); /* is-folder, is-file, and what is in it */
    target_stat(fixture, "d", &look);
    assert_int_equal(look.st_mtim.tv_sec, 1000);
    assert_int_equal(look.st_mode & 07777, 0755);
    target_stat(fixture, "d/sub", &look);
    assert_int_equal(look.st_mtim.tv_sec, 1000);
    assert_int_equal(say_fin(fixture), 0);
    assert_no_partial(fixture);
}

static void a_file_and_a_folder_do_not_replace_each_other(void **state)
{
    struct receive_fixture *fixture = *state;
    target_write(fixture, "file", "old");
    target_write(fixture, "folder/x", "old");
    assert_int_equal(receive_open(fixture), 0);
    assert_int_equal(say_folder(fixture, "file"), 0);
    assert_int_equal(say_leave(fixture), 0);
    assert_int_equal(say_file(fixture, "folder", 1), 0);
    assert_int_equal(fixture->failed[0], UV_ENOTDIR);
    assert_int_equal(fixture->failed[2], UV_EISDIR);
    assert_int_equal(say_last(fixture), 0);
    assert_string_equal(target_read(fixture, "file"), "old");
    assert_string_equal(target_read(fixture, "folder/x"), "old");
}

static void what_cannot_be_merged_is_told_before_it_is_sent(void **state)
{
    struct receive_fixture *fixture = *state;
    target_write(fixture, "d/file", "old");
    target_write(fixture, "d/folder/x", "old");
    assert_int_equal(receive_open(fixture), 0);
    assert_int_equal(say_folder(fixture, "d"), 0);
    assert_int_equal(say_folder(fixture, "file"), 0);
    assert_int_equal(say_leave(fixture), 0);
    assert_int_equal(say_file(fixture, "folder", 1), 0);
    assert_int_equal(fixture->failed[1], UV_ENOTDIR);
    assert_int_equal(fixture->failed[3], UV_EISDIR);
    assert_int_equal(say_leave(fixture), 0);
    assert_int_equal(say_last(fixture), 0);
    assert_true(fixture->is_done);
    assert_string_equal(target_read(fixture, "d/file"), "old");
    assert_string_equal(target_read(fixture, "d/folder/x"), "old");
}

static void a_link_that_has_a_roots_name_is_replaced_and_not_followed(void **state)
{
    struct receive_fixture *fixture = *state;
    char path[SCRATCH_PATH_MAX + 8];
    struct stat look;
    target_write(fixture, "other", "old");
    snprintf(path, sizeof(path), "%s/a", fixture->target);
    assert_int_equal(symlink("other", path), 0);
    assert_int_equal(receive_open(fixture), 0);
    send_file(fixture, "a", "new");
    assert_int_equal(say_last(fixture), 0);
    target_stat(fixture, "a", &look);
    assert_true(S_ISREG(look.st_mode));
    assert_string_equal(target_read(fixture, "other"), "old");
}

static void a_done_transfer_that_is_resumed_says_its_names_again(void **state)
{
    struct receive_fixture *fixture = *state;
    fixture->options.conflict = FILES_RENAME;
    for (int run = 0; run < 3; run++) {
        fixture->options.flags = FILES_RECURSIVE | (run > 0 ? FILES_RESUME : 0);
        assert_int_equal(receive_open(fixture), 0);
        assert_int_equal(say_folder(fixture, "d"), 0);
        assert_int_equal(say_file(fixture, "a", 1), 0);
        assert_int_equal(say_leave(fixture), 0);
        if (run == 0)
            assert_int_equal(say_pack(fixture, 1, "x"), 0);
        else
            assert_int_equal(fixture->need[1], NEED_NOTHING);
        assert_int_equal(say_last(fixture), 0);
        assert_true(fixture->is_done);
        assert_string_equal(strrchr(fixture->done_names[0], '/'), "/d");
        if (run < 2)
            receive_close(fixture, false);
    }
    assert_int_equal(say_fin(fixture), 0);
    assert_no_partial(fixture);
    assert_false(target_has(fixture, "d (1)"));
}

static const struct peer_entry TREE[] = {
    {ENTRY_FOLDER, "merged", 0, 0755, 100, 0, NULL}, {ENTRY_FILE, "a", 40, 0644, 200, 1, NULL},
    {ENTRY_FOLDER, "sub", 0, 0755, 300, 0, NULL},    {ENTRY_FILE, "b", 100, 0644, 400, 2, NULL},
    {ENTRY_FILE, "c", 100, 0600, 450, 2, NULL},      {ENTRY_LEAVE, NULL, 0, 0, 0, 0, NULL},
    {ENTRY_FOLDER, "new", 0, 0500, 500, 0, NULL},    {ENTRY_FILE, "d", 10, 0644, 600, 2, NULL},
    {ENTRY_LEAVE, NULL, 0, 0, 0, 0, NULL},           {ENTRY_LEAVE, NULL, 0, 0, 0, 0, NULL},
    {ENTRY_FILE, "replaced", 7, 0644, 700, 4, NULL}, {ENTRY_FOLDER, "fresh", 0, 0555, 800, 0, NULL},
    {ENTRY_FILE, "e", 7, 0444, 900, 4, NULL},        {ENTRY_LEAVE, NULL, 0, 0, 0, 0, NULL},
};
#define TREE_COUNT (sizeof(TREE) / sizeof(TREE[0]))

static void prepare(struct receive_fixture *fixture)
{
    target_write(fixture, "merged/a", "old");
    target_write(fixture, "merged/sub/b", "old");
    target_write(fixture, "replaced", "old");
}

/* All items in a child, which is killed before its system call number `limit` that changes names. */
static bool run_in_child(struct receive_fixture *fixture, long limit)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct honest_peer peer;
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        if (receive_open(fixture) < 0)
            _exit(1);
        peer_init(&peer, fixture, TREE, TREE_COUNT);
        peer_run(&peer);
        _exit(0);
    }
    int status;
    long seen = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
    while (WIFSTOPPED(status)) {
        if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
            struct __ptrace_syscall_info info;
            assert_true(ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info) > 0);
            uint64_t number = info.op == PTRACE_SYSCALL_INFO_ENTRY ? info.entry.nr : UINT64_MAX;
            if ((number == SYS_renameat2 || number == SYS_renameat || number == SYS_unlinkat) &&
                ++seen == limit) {
                kill(child, SIGKILL);
                assert_int_equal(waitpid(child, &status, 0), child);
                return false;
            }
        }
        ptrace(PTRACE_SYSCALL, child, NULL, NULL);
        assert_int_equal(waitpid(child, &status, 0), child);
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    return true;
}

static void a_crash_at_any_change_of_names_loses_and_doubles_nothing(void **state)
{
    struct receive_fixture *fixture = *state;
    bool was_whole = false;
    int cut = 0;
    for (long limit = 1; !was_whole; limit++) {
        struct honest_peer peer;
        prepare(fixture);
        fixture->options.flags = FILES_RECURSIVE | FILES_RESUME;
        was_whole = run_in_child(fixture, limit);
        assert_true(limit < 200);
        cut += was_whole ? 0 : 1;
        if (!was_whole || target_has(fixture, PARTIAL_FOLDER)) {
            assert_int_equal(receive_open(fixture), 0);
            peer_init(&peer, fixture, TREE, TREE_COUNT);
            peer_run(&peer);
            assert_int_equal(fixture->done.failed, 0);
            receive_close(fixture, false);
        }
        assert_tree_is(fixture, TREE, TREE_COUNT);
        scratch_remove(&fixture->folder);
        assert_int_equal(mkdir(fixture->folder.path, 0700), 0);
        assert_int_equal(mkdir(fixture->target, 0755), 0);
    }
    assert_true(cut > 20);
}

/* The rights of people, not of root. */
static int without_rights(void *ctx)
{
    struct receive_fixture *fixture = ctx;
    struct honest_peer peer;
    if (receive_open(fixture) < 0)
        return 1;
    peer_init(&peer, fixture, TREE, TREE_COUNT);
    peer_run(&peer);
    if (fixture->done.failed != 0)
        return 2;
    receive_close(fixture, false);
    assert_tree_is(fixture, TREE, TREE_COUNT);
    return 0;
}

static void closed_folders_arrive_without_roots_rights(void **state)
{
    struct receive_fixture *fixture = *state;
    char command[SCRATCH_PATH_MAX + 64];
    prepare(fixture);
    snprintf(command, sizeof(command), "chown -R 12345:12345 %s", fixture->folder.path);
    assert_int_equal(system(command), 0);
    scratch_run_as(12345, without_rights, fixture);
}

static int into_a_closed_folder(void *ctx)
{
    struct receive_fixture *fixture = ctx;
    int status = receive_open(fixture);
    return status == UV_EACCES && strlen(fixture->problem) > 0 ? 0 : 1;
}

static void a_folder_that_may_not_be_written_to_is_told(void **state)
{
    struct receive_fixture *fixture = *state;
    assert_int_equal(chmod(fixture->folder.path, 0755), 0);
    scratch_run_as(12345, into_a_closed_folder, fixture);
}

#define T(name) cmocka_unit_test_setup_teardown(name, receive_setup, receive_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(rename_finds_a_free_name),
        T(fail_leaves_what_is_there),
        T(replace_replaces_files_and_merges_folders),
        T(a_file_and_a_folder_do_not_replace_each_other),
        T(what_cannot_be_merged_is_told_before_it_is_sent),
        T(a_link_that_has_a_roots_name_is_replaced_and_not_followed),
        T(a_done_transfer_that_is_resumed_says_its_names_again),
        T(a_crash_at_any_change_of_names_loses_and_doubles_nothing),
        T(closed_folders_arrive_without_roots_rights),
        T(a_folder_that_may_not_be_written_to_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
