/* SPDX-License-Identifier: MIT */
/* services/transfer/send: what is announced of a tree, and what is left out. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "tests/unit/transfer/send/send_fixture.h"

static int set_up(void **state)
{
    struct send_fixture *fixture = malloc(sizeof(*fixture));
    assert_non_null(fixture);
    send_fixture_init(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    send_fixture_finish(*state);
    free(*state);
    return 0;
}

static void make_folder(struct send_fixture *fixture, const char *name)
{
    assert_int_equal(mkdir(scratch_path(&fixture->folder, name), 0755), 0);
}

static void make_link(struct send_fixture *fixture, const char *target, const char *name)
{
    assert_int_equal(symlink(target, scratch_path(&fixture->folder, name)), 0);
}

static void begin(struct send_fixture *fixture, uint32_t flags, uint8_t links)
{
    assert_int_equal(send_fixture_begin_one(fixture, flags | FILES_RECURSIVE, links, "src"), 0);
}

static void tree_is_sent_with_empty_and_hidden_folders_and_empty_files(void **state)
{
    struct send_fixture *fixture = *state;
    scratch_write(&fixture->folder, "src/a.txt", "alpha", 5, 0640);
    scratch_write(&fixture->folder, "src/.hidden/.x", "", 0, 0600);
    scratch_write(&fixture->folder, "src/b/c/d/e", "deep", 4, 04755);
    scratch_write(&fixture->folder, "src/gr\xc3\xbc\xc3\x9f dich", "name", 4, 0600);
    make_folder(fixture, "src/empty");
    assert_int_equal(chmod(scratch_path(&fixture->folder, "src/empty"), 0710), 0);
    begin(fixture, 0, FILES_LINKS_SKIP);
    send_fixture_run(fixture);
    assert_int_equal(fixture->engine->counts.failed, 0);
    assert_int_equal(fixture->totals.files, 4);
    assert_int_equal(fixture->totals.bytes, 13);
    assert_int_equal(fixture->engine->counts.files_done, 4);
    assert_int_equal(fixture->engine->counts.bytes_done, 13);
    assert_int_equal(fixture->engine->counts.bytes_moved, 13);
    assert_int_equal(send_fixture_find(fixture, "src/empty", ENTRY_FOLDER)->said.mode, 0710);
    assert_int_equal(send_fixture_find(fixture, "src/.hidden/.x", ENTRY_FILE)->said.mode, 0600);
    assert_int_equal(send_fixture_find(fixture, "src/b/c/d/e", ENTRY_FILE)->said.mode, 04755);
    static const char *const files[] = {"src/a.txt", "src/.hidden/.x", "src/b/c/d/e",
                                        "src/gr\xc3\xbc\xc3\x9f dich"};
    for (size_t i = 0; i < 4; i++)
        send_fixture_compare(fixture, send_fixture_find(fixture, files[i], ENTRY_FILE), files[i]);
    struct stat facts;
    assert_int_equal(stat(scratch_path(&fixture->folder, "src/b"), &facts), 0);
    const struct got_entry *folder = send_fixture_find(fixture, "src/b", ENTRY_FOLDER);
    assert_int_equal(folder->said.mtime.s, facts.st_mtim.tv_sec);
    assert_int_equal(folder->said.mtime.ns, facts.st_mtim.tv_nsec);
    assert_int_equal(folder->said.uid, 0);
}

static void only_empty_files_are_packed_without_bytes(void **state)
{
    struct send_fixture *fixture = *state;
    scratch_write(&fixture->folder, "src/a", "", 0, 0600);
    scratch_write(&fixture->folder, "src/b", "", 0, 0600);
    begin(fixture, 0, FILES_LINKS_SKIP);
    send_fixture_run(fixture);
    assert_int_equal(fixture->packs, 1);
    assert_int_equal(fixture->checks, 1);
    assert_int_equal(fixture->engine->counts.bytes_moved, 0);
}

static void owner_is_told_when_asked_for(void **state)
{
    struct send_fixture *fixture = *state;
    scratch_write(&fixture->folder, "src/a", "x", 1, 0600);
    if (geteuid() == 0)
        assert_int_equal(chown(scratch_path(&fixture->folder, "src/a"), 1234, 4321), 0);
    begin(fixture, FILES_OWNER, FILES_LINKS_SKIP);
    send_fixture_run(fixture);
    const struct got_entry *entry = send_fixture_find(fixture, "src/a", ENTRY_FILE);
    assert_int_equal(entry->said.uid, geteuid() == 0 ? 1234 : geteuid());
    assert_int_equal(entry->said.gid, geteuid() == 0 ? 4321 : getegid());
}

static void several_roots_keep_their_order_and_names(void **state)
{
    struct send_fixture *fixture = *state;
    scratch_write(&fixture->folder, "one", "1", 1, 0600);
    scratch_write(&fixture->folder, "two/x", "2", 1, 0600);
    make_link(fixture, "one", "three");
    char first[300], second[300], third[300];
    snprintf(first, sizeof(first), "%s", scratch_path(&fixture->folder, "one"));
    snprintf(second, sizeof(second), "%s//", scratch_path(&fixture->folder, "two"));
    snprintf(third, sizeof(third), "%s", scratch_path(&fixture->folder, "three"));
    const char *paths[] = {first, second, third};
    assert_int_equal(send_fixture_begin(fixture, FILES_RECURSIVE, FILES_LINKS_SKIP, 3, paths), 0);
    send_fixture_run(fixture);
    assert_int_equal(fixture->entry_count, 5); /* one, two, x, leave, three */
    assert_string_equal(fixture->entries[0].said.name, "one");
    assert_string_equal(fixture->entries[1].said.name, "two");
    assert_string_equal(fixture->entries[4].said.name, "three");
    send_fixture_compare(fixture, &fixture->entries[4], "one"); /* a root that is a link is followed */
    assert_string_equal(fixture->engine->counts.current, "one");
}

static void roots_that_cannot_be_sent_are_refused_with_a_sentence(void **state)
{
    struct send_fixture *fixture = *state;
    scratch_write(&fixture->folder, "src/a", "x", 1, 0600);
    assert_int_equal(mkfifo(scratch_path(&fixture->folder, "pipe"), 0600), 0);
    assert_int_equal(send_fixture_begin_one(fixture, 0, 0, "nothing"), UV_ENOENT);
    assert_non_null(strstr(fixture->problem, "nothing"));
    assert_int_equal(send_fixture_begin_one(fixture, 0, 0, "src"), UV_EISDIR);
    assert_true(fixture->problem[0] != '\0');
    assert_int_equal(send_fixture_begin_one(fixture, FILES_RECURSIVE, 0, "src/.."), STATUS_INVALID);
    assert_int_equal(send_fixture_begin_one(fixture, FILES_RECURSIVE, 0, "src/a/x"), UV_ENOTDIR);
    assert_int_equal(send_fixture_begin_one(fixture, FILES_RECURSIVE, 0, "pipe"), STATUS_INVALID);
    const char *root = "/";
    assert_int_equal(send_fixture_begin(fixture, FILES_RECURSIVE, 0, 1, &root), STATUS_INVALID);
    assert_int_equal(send_fixture_begin(fixture, FILES_RECURSIVE, 0, 0, NULL), STATUS_INVALID);
    assert_null(fixture->engine);
}

static void names_that_may_not_be_are_left_out_and_told(void **state)
{
    struct send_fixture *fixture = *state;
    scratch_write(&fixture->folder, "src/good", "x", 1, 0600);
    scratch_write(&fixture->folder, "src/bell\x07", "x", 1, 0600);
    scratch_write(&fixture->folder, "src/latin\xe9", "x", 1, 0600);
    scratch_write(&fixture->folder, "src/line\n/inner", "x", 1, 0600);
    scratch_write(&fixture->folder, "src/.hospes-partial/0123/x", "x", 1, 0600);
    begin(fixture, 0, FILES_LINKS_SKIP);
    send_fixture_run(fixture);
    assert_int_equal(fixture->entry_count, 3); /* src, good, leave */
    assert_int_equal(fixture->engine->counts.failed, 3);
    assert_int_equal(fixture->left_out, 3);
    assert_int_equal(send_fixture_failure(fixture, "src/bell?"), STATUS_INVALID);
    assert_int_equal(send_fixture_failure(fixture, "src/latin?"), STATUS_INVALID);
    assert_int_equal(send_fixture_failure(fixture, "src/line?"), STATUS_INVALID);
}

static void sockets_and_pipes_are_left_out_and_told(void **state)
{
    struct send_fixture *fixture = *state;
    scratch_write(&fixture->folder, "src/good", "x", 1, 0600);
    assert_int_equal(mkfifo(scratch_path(&fixture->folder, "src/pipe"), 0600), 0);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/src/socket", fixture->folder.path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    begin(fixture, 0, FILES_LINKS_FOLLOW);
    send_fixture_run(fixture);
    assert_int_equal(fixture->entry_count, 3);
    assert_int_equal(send_fixture_failure(fixture, "src/pipe"), STATUS_NOT_SUPPORTED);
    assert_int_equal(send_fixture_failure(fixture, "src/socket"), STATUS_NOT_SUPPORTED);
    assert_int_equal(fixture->left_out, 2);
}

static void what_failed_at_the_very_end_is_counted_and_told(void **state)
{
    struct send_fixture *fixture = *state;
    scratch_write(&fixture->folder, "src/good", "x", 1, 0600);
    scratch_write(&fixture->folder, "src/bell\x07", "x", 1, 0600);
    fixture->done_failed = 3; /* the one that was left out, and two more */
    begin(fixture, 0, FILES_LINKS_SKIP);
    send_fixture_run(fixture);
    assert_int_equal(fixture->engine->counts.failed, 3);
    assert_int_equal(fixture->engine->failures->status, UV_EIO);
    assert_non_null(strstr(fixture->engine->failures->text, "2 came"));
}

static void make_links(struct send_fixture *fixture)
{
    scratch_write(&fixture->folder, "src/in/file", "inside", 6, 0600);
    scratch_write(&fixture->folder, "outside", "outside", 7, 0600);
    make_link(fixture, "in/file", "src/good");
    make_link(fixture, "../in/file", "src/in/up");
    make_link(fixture, "../../outside", "src/in/out");
    make_link(fixture, "/etc/passwd", "src/absolute");
    make_link(fixture, "nowhere", "src/dangling");
}

static void links_are_skipped(void **state)
{
    struct send_fixture *fixture = *state;
    make_links(fixture);
    begin(fixture, 0, FILES_LINKS_SKIP);
    send_fixture_run(fixture);
    assert_int_equal(fixture->totals.files, 1);
    assert_int_equal(fixture->engine->counts.failed, 5);
    assert_int_equal(send_fixture_failure(fixture, "src/in/up"), STATUS_NOT_ALLOWED);
    assert_null(send_fixture_entry(fixture, "src/good"));
}

static void links_are_kept_where_they_stay_inside(void **state)
{
    struct send_fixture *fixture = *state;
    make_links(fixture);
    begin(fixture, 0, FILES_LINKS_KEEP);
    send_fixture_run(fixture);
    assert_string_equal(send_fixture_find(fixture, "src/good", ENTRY_LINK)->said.target, "in/file");
    assert_string_equal(send_fixture_find(fixture, "src/in/up", ENTRY_LINK)->said.target, "../in/file");
    assert_string_equal(send_fixture_find(fixture, "src/dangling", ENTRY_LINK)->said.target, "nowhere");
    assert_int_equal(send_fixture_failure(fixture, "src/in/out"), STATUS_NOT_ALLOWED);
    assert_int_equal(send_fixture_failure(fixture, "src/absolute"), STATUS_NOT_ALLOWED);
    assert_int_equal(fixture->engine->counts.failed, 2);
    assert_int_equal(fixture->engine->counts.files_done, 1);
}

static void root_that_is_a_link_is_kept_when_links_are(void **state)
{
    struct send_fixture *fixture = *state;
    scratch_write(&fixture->folder, "target", "x", 1, 0600);
    make_link(fixture, "target", "src");
    begin(fixture, 0, FILES_LINKS_KEEP);
    send_fixture_run(fixture);
    assert_string_equal(send_fixture_find(fixture, "src", ENTRY_LINK)->said.target, "target");
}

static void targets_that_are_too_long_are_left_out(void **state)
{
    struct send_fixture *fixture = *state;
    char target[FILES_LINK_MAX + 2];
    make_folder(fixture, "src");
    memset(target, 'a', sizeof(target));
    for (size_t i = 100; i < sizeof(target); i += 100)
        target[i] = '/';
    target[FILES_LINK_MAX + 1] = '\0';
    make_link(fixture, target, "src/long");
    target[FILES_LINK_MAX] = '\0';
    make_link(fixture, target, "src/longest");
    begin(fixture, 0, FILES_LINKS_KEEP);
    send_fixture_run(fixture);
    assert_string_equal(send_fixture_find(fixture, "src/longest", ENTRY_LINK)->said.target, target);
    assert_int_equal(send_fixture_failure(fixture, "src/long"), STATUS_NOT_ALLOWED);
}

static void links_are_followed_but_not_in_circles(void **state)
{
    struct send_fixture *fixture = *state;
    make_links(fixture);
    make_link(fixture, "..", "src/in/circle");
    make_link(fixture, "in", "src/other");
    begin(fixture, 0, FILES_LINKS_FOLLOW);
    send_fixture_run(fixture);
    send_fixture_compare(fixture, send_fixture_find(fixture, "src/good", ENTRY_FILE), "src/in/file");
    send_fixture_compare(fixture, send_fixture_find(fixture, "src/in/out", ENTRY_FILE), "outside");
    send_fixture_compare(fixture, send_fixture_find(fixture, "src/other/file", ENTRY_FILE), "src/in/file");
    assert_int_equal(send_fixture_failure(fixture, "src/dangling"), UV_ENOENT);
    assert_int_equal(send_fixture_failure(fixture, "src/in/circle"), UV_ELOOP);
    assert_int_equal(send_fixture_failure(fixture, "src/other/circle"), UV_ELOOP);
}

static int unreadable(void *ctx)
{
    struct send_fixture fixture;
    send_fixture_init(&fixture);
    scratch_write(&fixture.folder, "src/shut/a", "x", 1, 0600);
    scratch_write(&fixture.folder, "src/shut/b", "x", 1, 0600);
    scratch_write(&fixture.folder, "src/open", "x", 1, 0600);
    scratch_write(&fixture.folder, "src/secret", "x", 1, 0000);
    assert_int_equal(chmod(scratch_path(&fixture.folder, "src/shut"), 0), 0);
    begin(&fixture, 0, FILES_LINKS_SKIP);
    send_fixture_run(&fixture);
    assert_int_equal(fixture.entry_count, 4); /* src, open, secret, leave */
    assert_int_equal(fixture.engine->counts.failed, 2);
    assert_int_equal(send_fixture_failure(&fixture, "src/shut"), UV_EACCES);
    assert_int_equal(send_fixture_failure(&fixture, "src/secret"), UV_EACCES);
    assert_int_equal(send_fixture_find(&fixture, "src/secret", ENTRY_FILE)->failed, UV_EACCES);
    assert_int_equal(fixture.engine->counts.files_done, 1);
    assert_int_equal(chmod(scratch_path(&fixture.folder, "src/shut"), 0700), 0);
    send_fixture_finish(&fixture);
    return 0;
}

static void what_cannot_be_opened_fails_once_and_the_rest_goes_on(void **state)
{
    scratch_run_as(65534, unreadable, NULL);
}

/* A chain of `depth` folders below src, with a file in the last. */
static void make_deep(struct send_fixture *fixture, int depth)
{
    make_folder(fixture, "src");
    int at = open(scratch_path(&fixture->folder, "src"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(at >= 0);
    for (int i = 0; i < depth; i++) {
        assert_int_equal(mkdirat(at, "d", 0755), 0);
        int next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        close(at);
        at = next;
        int fd = openat(at, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
        assert_int_equal(write(fd, "x", 1), 1);
        close(fd);
        assert_int_equal(symlinkat("file", at, "z"), 0); /* so that there is something behind the folder */
    }
    close(at);
}

static void deepest_tree_is_sent_and_what_is_deeper_fails(void **state)
{
    struct send_fixture *fixture = *state;
    make_deep(fixture, FILES_DEPTH_MAX + 3);
    begin(fixture, 0, FILES_LINKS_KEEP);
    send_fixture_run(fixture);
    assert_int_equal(fixture->totals.files, FILES_DEPTH_MAX - 1);
    assert_int_equal(fixture->engine->counts.files_done, FILES_DEPTH_MAX - 1);
    assert_int_equal(fixture->entry_count, 2 + 4 * (FILES_DEPTH_MAX - 1));
    assert_int_equal(fixture->engine->counts.failed, 1);
    assert_int_equal(fixture->engine->failures->status, STATUS_TOO_LARGE);
}

static int with_few_descriptors(void *ctx)
{
    struct send_fixture fixture;
    send_fixture_init(&fixture);
    make_deep(&fixture, 200);
    for (int i = 0; i < 300; i++) {
        char name[64];
        snprintf(name, sizeof(name), "src/wide%03d/file", i);
        scratch_write(&fixture.folder, name, "y", 1, 0600);
    }
    int probe = dup(0);
    close(probe);
    struct rlimit limit = {(rlim_t)probe + 6, (rlim_t)probe + 6};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    begin(&fixture, 0, FILES_LINKS_KEEP);
    send_fixture_scan(&fixture); /* everything is announced before anything is read */
    send_fixture_run(&fixture);
    assert_int_equal(fixture.engine->counts.failed, 0);
    assert_int_equal(fixture.engine->counts.files_done, 500);
    send_fixture_finish(&fixture);
    int after = dup(0);
    assert_int_equal(after, probe); /* all are closed */
    return 0;
}

static void few_descriptors_are_enough_for_deep_and_wide_trees(void **state)
{
    scratch_run_as(0, with_few_descriptors, NULL);
}

static size_t descriptors_open(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void descriptors_are_bounded_and_closed_when_not_needed(void **state)
{
    struct send_fixture *fixture = *state;
    for (int i = 0; i < 300; i++) {
        char name[64];
        snprintf(name, sizeof(name), "src/d%03d/file", i);
        scratch_write(&fixture->folder, name, "y", 1, 0600);
    }
    size_t before = descriptors_open();
    begin(fixture, 0, FILES_LINKS_SKIP);
    send_fixture_scan(fixture);
    assert_true(descriptors_open() - before <= 64);
    assert_true(descriptors_open() - before > 0);
    send_fixture_run(fixture);
    assert_int_equal(descriptors_open(), before);
}

static void folder_that_vanished_fails_its_files(void **state)
{
    struct send_fixture *fixture = *state;
    char name[64];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "src/d%03d/file", i);
        scratch_write(&fixture->folder, name, "y", 1, 0600);
    }
    begin(fixture, 0, FILES_LINKS_SKIP);
    send_fixture_scan(fixture);
    for (int i = 0; i < 100; i++) { /* more than can be open: others are in their places */
        snprintf(name, sizeof(name), "src/d%03d", i);
        char other[300];
        snprintf(other, sizeof(other), "%s", scratch_path(&fixture->folder, "gone"));
        snprintf(other + strlen(other), 16, "%03d", i);
        assert_int_equal(rename(scratch_path(&fixture->folder, name), other), 0);
        snprintf(name, sizeof(name), "src/d%03d/file", i);
        scratch_write(&fixture->folder, name, "FALSE", 5, 0600);
    }
    send_fixture_run(fixture);
    const struct transfer_counts *counts = &fixture->engine->counts;
    assert_int_equal(counts->files_done + counts->failed, 100);
    assert_true(counts->failed >= 36);
    assert_int_equal(fixture->engine->failures->status, STATUS_CHANGED);
    assert_int_equal(counts->bytes_moved, counts->files_done); /* nothing of the others */
}

static void listing_tells_one_folder_as_it_is(void **state)
{
    struct send_fixture *fixture = *state;
    make_links(fixture);
    scratch_write(&fixture->folder, "src/latin\xe9", "x", 1, 0600);
    assert_int_equal(mkfifo(scratch_path(&fixture->folder, "src/pipe"), 0600), 0);
    assert_int_equal(send_fixture_begin_list(fixture, scratch_path(&fixture->folder, "src")), 0);
    assert_true(send_fixture_produce(fixture) > 0);
    assert_true(fixture->last);
    assert_true(fixture->done);
    assert_int_equal(fixture->entry_count, 4); /* in, good, absolute, dangling */
    for (size_t i = 0; i < fixture->entry_count; i++)
        assert_int_equal(fixture->entries[i].said.uid, geteuid());
    assert_int_equal(fixture->files_done.failed, 1);
    assert_true(fixture->engine->says_fin);
    assert_int_equal(engine_take_fin(fixture->engine), 0);
    assert_true(fixture->engine->is_done);
    bool seen = false;
    for (size_t i = 0; i < fixture->entry_count; i++)
        if (strcmp(fixture->entries[i].said.name, "absolute") == 0)
            seen = strcmp(fixture->entries[i].said.target, "/etc/passwd") == 0;
    assert_true(seen);
    assert_int_equal(send_fixture_tell_done(fixture), STATUS_UNEXPECTED);
}

static void listing_takes_a_root_without_name_and_no_file(void **state)
{
    struct send_fixture *fixture = *state;
    scratch_write(&fixture->folder, "src", "x", 1, 0600);
    assert_int_equal(send_fixture_begin_list(fixture, scratch_path(&fixture->folder, "src")), UV_ENOTDIR);
    assert_int_equal(send_fixture_begin_list(fixture, "/"), 0);
    assert_true(send_fixture_produce(fixture) > 0);
    assert_true(fixture->entry_count > 0);
}

static void listing_of_many_entries_comes_in_parts_within_the_budget(void **state)
{
    struct send_fixture *fixture = *state;
    for (int i = 0; i < 1000; i++) {
        char name[64];
        snprintf(name, sizeof(name), "src/file-with-a-name-%d", i);
        scratch_write(&fixture->folder, name, "", 0, 0600);
    }
    fixture->budget = 1;
    assert_int_equal(send_fixture_begin_list(fixture, scratch_path(&fixture->folder, "src")), 0);
    int calls = 0;
    for (; !fixture->done; calls++)
        assert_true(send_fixture_produce(fixture) <= 2);
    assert_int_equal(calls, 4);
    assert_int_equal(fixture->entry_count, 1000);
    assert_int_equal(fixture->files_done.files, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tree_is_sent_with_empty_and_hidden_folders_and_empty_files, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(only_empty_files_are_packed_without_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(owner_is_told_when_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(several_roots_keep_their_order_and_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(roots_that_cannot_be_sent_are_refused_with_a_sentence, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(names_that_may_not_be_are_left_out_and_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sockets_and_pipes_are_left_out_and_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_failed_at_the_very_end_is_counted_and_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(links_are_skipped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(links_are_kept_where_they_stay_inside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(root_that_is_a_link_is_kept_when_links_are, set_up, tear_down),
        cmocka_unit_test_setup_teardown(targets_that_are_too_long_are_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(links_are_followed_but_not_in_circles, set_up, tear_down),
        cmocka_unit_test(what_cannot_be_opened_fails_once_and_the_rest_goes_on),
        cmocka_unit_test_setup_teardown(deepest_tree_is_sent_and_what_is_deeper_fails, set_up, tear_down),
        cmocka_unit_test(few_descriptors_are_enough_for_deep_and_wide_trees),
        cmocka_unit_test_setup_teardown(descriptors_are_bounded_and_closed_when_not_needed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(folder_that_vanished_fails_its_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(listing_tells_one_folder_as_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(listing_takes_a_root_without_name_and_no_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(listing_of_many_entries_comes_in_parts_within_the_budget, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
