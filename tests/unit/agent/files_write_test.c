/* SPDX-License-Identifier: MIT */
/* WRITE: a file is there whole or not at all. */
#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "tests/unit/agent/files_fixture.h"

#define LARGE_SIZE (7 * 1024 * 1024 + 5) /* more than the blocks under way hold */

static struct files_open_message ask_write(const char *to)
{
    struct files_open_message open = files_ask(FILES_WRITE, NULL);
    snprintf(open.to, sizeof(open.to), "%s", files_full(to));
    return open;
}

static size_t count_entries(const char *name)
{
    size_t count = 0;
    DIR *all = opendir(files_full(name));
    assert_non_null(all);
    for (struct dirent *entry; (entry = readdir(all)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(all);
    return count;
}

static void send_text(const char *text)
{
    peer_write_frame(&peer, FRAME_DATA, text, strlen(text));
}

/* The whole of a small write; gives where it is. */
static const char *write_text(const struct files_open_message *open, const char *text)
{
    static char name[FILES_PATH_MAX + 1];
    files_open_work(open);
    expect_opened(NULL);
    send_text(text);
    bridge_says_fin();
    expect_done(NULL, name);
    expect_fin();
    wait_for_no_work();
    expect_end();
    return name;
}

static void refuses(const struct files_open_message *open, int status, const char *words)
{
    files_open_work(open);
    const char *text = expect_reset(status);
    if (strstr(text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", text, words);
    wait_for_no_work();
}

static void a_new_file_gets_its_bytes_and_the_digest_is_told(void **state)
{
    struct files_done_message done;
    struct files_open_message open = ask_write("a");
    uint8_t digest[FILES_DIGEST_SIZE];
    char name[FILES_PATH_MAX + 1];
    files_open_work(&open);
    struct files_opened_message opened;
    expect_opened(&opened);
    assert_string_equal(opened.path, files_full("a"));
    send_text("one ");
    send_text("two");
    bridge_says_fin();
    expect_done(&done, name);
    expect_fin();
    expect_end();
    crypto_generichash(digest, sizeof(digest), (const uint8_t *)"one two", 7, NULL, 0);
    assert_int_equal(done.bytes, 7);
    assert_int_equal(done.digest_size, FILES_DIGEST_SIZE);
    assert_memory_equal(done.digest, digest, sizeof(digest));
    assert_string_equal(name, files_full("a"));
    assert_string_equal(scratch_read(&folder, "a"), "one two");
    assert_int_equal(scratch_mode(&folder, "a"), 0644);
}

static void bytes_that_come_before_the_answer_wait(void **state)
{
    struct files_open_message open = ask_write("a");
    files_open_work(&open);
    send_text("early");
    bridge_says_fin();
    expect_opened(NULL);
    expect_done(NULL, NULL);
    expect_fin();
    assert_string_equal(scratch_read(&folder, "a"), "early");
}

static void an_empty_file_can_be_written(void **state)
{
    struct files_open_message open = ask_write("a");
    files_open_work(&open);
    expect_opened(NULL);
    bridge_says_fin();
    expect_done(NULL, NULL);
    assert_string_equal(scratch_read(&folder, "a"), "");
}

static void a_large_file_comes_whole_however_it_is_split(void **state)
{
    uint8_t *bytes = malloc(LARGE_SIZE), *found = malloc(LARGE_SIZE + 1);
    struct files_open_message ask = ask_write("large");
    fill_pattern(bytes, LARGE_SIZE, 9);
    files_open_work(&ask);
    expect_opened(NULL);
    size_t at = 0;
    for (size_t piece = 1; at < LARGE_SIZE; piece = piece * 3 % 200003 + 1) {
        size_t size = piece < LARGE_SIZE - at ? piece : LARGE_SIZE - at;
        peer_write_frame(&peer, FRAME_DATA, bytes + at, size);
        at += size;
    }
    bridge_says_fin();
    expect_done(NULL, NULL);
    int fd = open(files_full("large"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, found, LARGE_SIZE + 1), LARGE_SIZE);
    close(fd);
    assert_memory_equal(found, bytes, LARGE_SIZE);
    free(bytes);
    free(found);
}

static void a_file_that_is_replaced_gives_its_mode(void **state)
{
    struct files_open_message open = ask_write("a");
    scratch_write(&folder, "a", "old", 3, 0751);
    write_text(&open, "new");
    assert_string_equal(scratch_read(&folder, "a"), "new");
    assert_int_equal(scratch_mode(&folder, "a"), 0751);
    open.mode = 06600;
    write_text(&open, "newer");
    assert_int_equal(scratch_mode(&folder, "a"), 0600); /* no setuid, no setgid */
}

static void the_owner_of_a_replaced_file_stays_where_root_writes(void **state)
{
    struct stat info;
    scratch_write(&folder, "a", "old", 3, 0600);
    uid_t owner = geteuid() == 0 ? 65534 : geteuid();
    assert_int_equal(chown(files_full("a"), owner, (gid_t)-1), 0);
    struct files_open_message open = ask_write("a");
    write_text(&open, "new");
    assert_int_equal(stat(files_full("a"), &info), 0);
    assert_int_equal(info.st_uid, owner);
}

static void a_link_is_written_through(void **state)
{
    mkdir(files_full("below"), 0700);
    scratch_write_text(&folder, "below/real", "old");
    assert_int_equal(symlink("below/real", files_full("one")), 0);
    assert_int_equal(symlink("one", files_full("two")), 0);
    assert_int_equal(symlink("below/fresh", files_full("dangling")), 0);
    struct files_open_message open = ask_write("two");
    const char *name = write_text(&open, "new");
    assert_string_equal(name, files_full("below/real"));
    assert_string_equal(scratch_read(&folder, "below/real"), "new");
    open = ask_write("dangling");
    write_text(&open, "made");
    assert_string_equal(scratch_read(&folder, "below/fresh"), "made");
    assert_int_equal(symlink("round", files_full("round")), 0);
    open = ask_write("round");
    refuses(&open, UV_ELOOP, files_full("round"));
    assert_int_equal(count_entries("below"), 2);
}

static void taken_names_fail_or_are_numbered_as_asked(void **state)
{
    scratch_write_text(&folder, "a.txt", "old");
    struct files_open_message open = ask_write("a.txt");
    open.conflict = FILES_FAIL;
    refuses(&open, UV_EEXIST, files_full("a.txt"));
    open.conflict = FILES_RENAME;
    assert_string_equal(write_text(&open, "1"), files_full("a (1).txt"));
    assert_string_equal(write_text(&open, "2"), files_full("a (2).txt"));
    assert_string_equal(scratch_read(&folder, "a.txt"), "old");
    open = ask_write("b.txt");
    open.conflict = FILES_FAIL;
    assert_string_equal(write_text(&open, "b"), files_full("b.txt"));
}

static void a_name_that_is_taken_meanwhile_is_not_replaced(void **state)
{
    struct files_open_message open = ask_write("a");
    open.conflict = FILES_FAIL;
    files_open_work(&open);
    expect_opened(NULL);
    scratch_write_text(&folder, "a", "somebody's");
    send_text("mine");
    bridge_says_fin();
    expect_reset(UV_EEXIST);
    wait_for_no_work();
    assert_string_equal(scratch_read(&folder, "a"), "somebody's");
    assert_int_equal(count_entries("."), 1);
}

static void what_can_not_be_a_file_is_refused(void **state)
{
    mkdir(files_full("folder"), 0700);
    mkfifo(files_full("pipe"), 0600);
    struct files_open_message open = ask_write("folder");
    refuses(&open, UV_EISDIR, files_full("folder"));
    open = ask_write("folder/");
    refuses(&open, UV_EISDIR, files_full("folder"));
    open = ask_write("new/");
    refuses(&open, UV_EISDIR, files_full("new"));
    open = ask_write("folder/..");
    refuses(&open, UV_EISDIR, "is a folder");
    open = ask_write("pipe");
    refuses(&open, UV_EINVAL, files_full("pipe"));
    open = ask_write("/dev/null");
    refuses(&open, UV_EINVAL, "/dev/null");
    open = ask_write("missing/a");
    refuses(&open, UV_ENOENT, files_full("missing"));
    open = files_ask(FILES_WRITE, NULL);
    refuses(&open, STATUS_INVALID, "path");
    char long_name[300];
    memset(long_name, 'x', 256);
    long_name[256] = '\0';
    snprintf(open.to, sizeof(open.to), "%s/%s", folder.path, long_name);
    refuses(&open, UV_ENAMETOOLONG, "xxx");
    assert_int_equal(count_entries("folder"), 0);
    assert_int_equal(count_entries("."), 2);
}

/* Whenever the bridge goes, the old file is untouched, or the new one there whole; never a partial. */
static void a_write_that_is_broken_off_leaves_the_old_file(void **state)
{
    for (size_t steps = 0; steps < 40; steps++) {
        struct files_open_message open = ask_write("a");
        scratch_write_text(&folder, "a", "old");
        files_open_work(&open);
        send_text("new");
        for (size_t i = 0; i < steps; i++)
            uv_run(&uv, UV_RUN_NOWAIT);
        if (steps % 2 == 0)
            bridge_gives_up(UV_ECANCELED);
        else
            peer_hang_up(&peer);
        wait_for_no_work();
        assert_string_equal(scratch_read(&folder, "a"), "old");
        assert_int_equal(count_entries("."), 1);
    }
}

static void a_write_given_up_after_its_end_is_whole_or_not_there(void **state)
{
    for (size_t steps = 0; steps < 40; steps++) {
        struct files_open_message open = ask_write("a");
        scratch_write_text(&folder, "a", "old");
        files_open_work(&open);
        send_text("new");
        bridge_says_fin();
        for (size_t i = 0; i < steps; i++)
            uv_run(&uv, UV_RUN_NOWAIT);
        peer_hang_up(&peer);
        wait_for_no_work();
        const char *found = scratch_read(&folder, "a");
        assert_true(strcmp(found, "old") == 0 || strcmp(found, "new") == 0);
        assert_int_equal(count_entries("."), 1);
    }
}

static void the_sessions_end_leaves_no_partial(void **state)
{
    struct files_open_message open = ask_write("a");
    files_open_work(&open);
    expect_opened(NULL);
    send_text("half");
    RUN_UNTIL(count_entries(".") == 1); /* the partial */
    files_fixture_end_session();
    assert_int_equal(count_entries("."), 0);
    expect_end();
}

static void bytes_behind_the_end_break_the_rules(void **state)
{
    struct files_open_message open = ask_write("a");
    files_open_work(&open);
    expect_opened(NULL);
    uint8_t frames[100];
    size_t size = frame_put(frames, FRAME_FIN, NULL, 0);
    size += frame_put(frames + size, FRAME_DATA, "x", 1);
    peer_write(&peer, frames, size);
    expect_reset(STATUS_UNEXPECTED);
    wait_for_no_work();
    size = frame_put(frames, FRAME_FIN, NULL, 0);
    size += frame_put(frames + size, FRAME_FIN, NULL, 0);
    files_open_work(&open);
    expect_opened(NULL);
    peer_write(&peer, frames, size);
    expect_reset(STATUS_UNEXPECTED);
}

int main(void)
{
#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, files_fixture_setup, files_fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH_FILES(a_new_file_gets_its_bytes_and_the_digest_is_told),
        WITH_FILES(bytes_that_come_before_the_answer_wait),
        WITH_FILES(an_empty_file_can_be_written),
        WITH_FILES(a_large_file_comes_whole_however_it_is_split),
        WITH_FILES(a_file_that_is_replaced_gives_its_mode),
        WITH_FILES(the_owner_of_a_replaced_file_stays_where_root_writes),
        WITH_FILES(a_link_is_written_through),
        WITH_FILES(taken_names_fail_or_are_numbered_as_asked),
        WITH_FILES(a_name_that_is_taken_meanwhile_is_not_replaced),
        WITH_FILES(what_can_not_be_a_file_is_refused),
        WITH_FILES(a_write_that_is_broken_off_leaves_the_old_file),
        WITH_FILES(a_write_given_up_after_its_end_is_whole_or_not_there),
        WITH_FILES(the_sessions_end_leaves_no_partial),
        WITH_FILES(bytes_behind_the_end_break_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
