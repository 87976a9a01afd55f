/* SPDX-License-Identifier: MIT */
/* READ: whole files and ranges, what can't be read, and works that end early. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "tests/unit/agent/files_fixture.h"

#define LARGE_SIZE (5 * 1024 * 1024 + 77) /* several blocks, and a last one that is not full */

static uint8_t *make_large(const char *name)
{
    uint8_t *bytes = malloc(LARGE_SIZE);
    assert_non_null(bytes);
    fill_pattern(bytes, LARGE_SIZE, 3);
    scratch_write(&folder, name, bytes, LARGE_SIZE, 0640);
    return bytes;
}

static void read_is(uint64_t offset, uint64_t length, const uint8_t *bytes, size_t size)
{
    struct files_open_message open = files_ask(FILES_READ, "large");
    struct buffer data;
    open.offset = offset;
    open.length = length;
    files_open_work(&open);
    expect_opened(NULL);
    expect_data(&data);
    assert_int_equal(buffer_size(&data), size);
    if (size > 0)
        assert_memory_equal(buffer_span(&data).data, bytes, size);
    buffer_finish(&data);
    bridge_says_fin();
    wait_for_no_work();
}

static void a_file_is_read_whole(void **state)
{
    uint8_t *bytes = make_large("large");
    read_is(0, 0, bytes, LARGE_SIZE);
    free(bytes);
}

static void a_range_is_read_exactly(void **state)
{
    uint8_t *bytes = make_large("large");
    read_is(100, 1, bytes + 100, 1);
    read_is(1, 1024 * 1024, bytes + 1, 1024 * 1024);
    read_is(1024 * 1024 - 1, 2, bytes + 1024 * 1024 - 1, 2);
    read_is(LARGE_SIZE - 5, 0, bytes + LARGE_SIZE - 5, 5);
    read_is(LARGE_SIZE - 5, 500, bytes + LARGE_SIZE - 5, 5);
    read_is(LARGE_SIZE, 0, NULL, 0);
    free(bytes);
}

static void an_empty_file_is_nothing_but_its_end(void **state)
{
    scratch_write(&folder, "large", "", 0, 0600);
    read_is(0, 0, NULL, 0);
    read_is(0, 10, NULL, 0);
}

static void the_answer_describes_the_file(void **state)
{
    struct files_opened_message opened;
    struct stat info;
    scratch_write(&folder, "a", "abc", 3, 0741);
    assert_int_equal(stat(files_full("a"), &info), 0);
    struct files_open_message open = files_ask(FILES_READ, "a");
    files_open_work(&open);
    expect_opened(&opened);
    assert_int_equal(opened.type, ENTRY_FILE);
    assert_int_equal(opened.size, 3);
    assert_int_equal(opened.mode, 0741);
    assert_int_equal(opened.mtime.s, info.st_mtim.tv_sec);
    assert_int_equal(opened.mtime.ns, info.st_mtim.tv_nsec);
    assert_int_equal(opened.inode, info.st_ino);
    assert_int_equal(opened.check, 0);
    assert_string_equal(opened.path, files_full("a"));
}

static void is_refused(const char *path, int status, const char *words)
{
    struct files_open_message open = files_ask(FILES_READ, path);
    files_open_work(&open);
    const char *text = expect_reset(status);
    if (strstr(text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", text, words);
    wait_for_no_work();
}

static void what_is_no_regular_file_is_refused_with_its_path(void **state)
{
    mkdir(files_full("folder"), 0700);
    assert_int_equal(mkfifo(files_full("pipe"), 0600), 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", files_full("socket"));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    is_refused("folder", UV_EISDIR, files_full("folder"));
    is_refused("pipe", UV_EINVAL, files_full("pipe"));
    is_refused("socket", UV_EINVAL, "not a regular file");
    is_refused("/dev/null", UV_EINVAL, "/dev/null");
    is_refused("missing", UV_ENOENT, files_full("missing"));
    is_refused("~/there is no such file of a test", UV_ENOENT, "/there is no such file of a test");
}

static void a_range_behind_the_end_is_refused(void **state)
{
    scratch_write_text(&folder, "a", "abc");
    struct files_open_message open = files_ask(FILES_READ, "a");
    open.offset = 4;
    files_open_work(&open);
    expect_reset(STATUS_INVALID);
}

static void no_path_and_two_paths_are_refused(void **state)
{
    struct files_open_message open = files_ask(FILES_READ, NULL);
    files_open_work(&open);
    expect_reset(STATUS_INVALID);
    struct files_path two[2] = {{"/a"}, {"/b"}};
    open.paths = two;
    open.path_count = 2;
    files_open_work(&open);
    expect_reset(STATUS_INVALID);
}

static void data_from_the_bridge_ends_the_work(void **state)
{
    free(make_large("large"));
    struct files_open_message open = files_ask(FILES_READ, "large");
    files_open_work(&open);
    peer_write_frame(&peer, FRAME_DATA, "x", 1);
    expect_reset(STATUS_UNEXPECTED);
}

/* More than a socket and the blocks under way hold: the rest is read after the file was cut. */
static void a_file_that_shrinks_ends_the_work(void **state)
{
    size_t size = (size_t)16 << 20;
    uint8_t *bytes = calloc(1, size);
    scratch_write(&folder, "large", bytes, size, 0600);
    free(bytes);
    struct files_open_message open = files_ask(FILES_READ, "large");
    files_open_work(&open);
    expect_opened(NULL);
    assert_int_equal(truncate(files_full("large"), 1000), 0);
    assert_non_null(strstr(expect_reset(UV_EIO), "shorter"));
}

static void a_work_can_be_given_up_at_any_moment(void **state)
{
    free(make_large("large"));
    for (size_t steps = 0; steps < 30; steps++) {
        struct files_open_message open = files_ask(FILES_READ, "large");
        files_open_work(&open);
        for (size_t i = 0; i < steps; i++)
            uv_run(&uv, UV_RUN_NOWAIT);
        if (steps % 2 == 0)
            bridge_gives_up(UV_ECANCELED);
        else
            peer_hang_up(&peer);
        wait_for_no_work();
    }
}

/* A bridge that reads nothing: why waits behind what was sent, but not beyond the session. */
static void a_session_that_ends_does_not_wait_for_a_slow_bridge(void **state)
{
    size_t size = (size_t)16 << 20;
    uint8_t *bytes = calloc(1, size);
    scratch_write(&folder, "large", bytes, size, 0600);
    free(bytes);
    struct files_open_message open = files_ask(FILES_READ, "large");
    files_open_work(&open);
    expect_opened(NULL);
    assert_int_equal(truncate(files_full("large"), 0), 0);
    peer_write_frame(&peer, FRAME_DATAGRAM, "x", 1); /* a reason to fail at once */
    for (int i = 0; i < 50; i++)
        uv_run(&uv, UV_RUN_NOWAIT);
    files_fixture_end_session();
    assert_int_equal(works.active, 0);
}

static void the_sessions_end_ends_what_runs(void **state)
{
    free(make_large("large"));
    struct files_open_message open = files_ask(FILES_READ, "large");
    files_open_work(&open);
    expect_opened(NULL);
    files_fixture_end_session();
    assert_int_equal(works.active, 0);
    expect_end();
}

int main(void)
{
#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, files_fixture_setup, files_fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH_FILES(a_file_is_read_whole),
        WITH_FILES(a_range_is_read_exactly),
        WITH_FILES(an_empty_file_is_nothing_but_its_end),
        WITH_FILES(the_answer_describes_the_file),
        WITH_FILES(what_is_no_regular_file_is_refused_with_its_path),
        WITH_FILES(a_range_behind_the_end_is_refused),
        WITH_FILES(no_path_and_two_paths_are_refused),
        WITH_FILES(data_from_the_bridge_ends_the_work),
        WITH_FILES(a_file_that_shrinks_ends_the_work),
        WITH_FILES(a_work_can_be_given_up_at_any_moment),
        WITH_FILES(a_session_that_ends_does_not_wait_for_a_slow_bridge),
        WITH_FILES(the_sessions_end_ends_what_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
