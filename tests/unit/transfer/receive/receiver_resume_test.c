/* SPDX-License-Identifier: MIT */
/* A transfer that is cut off after any item, again and again, ends as if it had not been. */
#include "tests/unit/transfer/receive/honest_peer.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"

#define MIB FILES_CHUNK_SIZE

static const struct peer_entry TREE[] = {
    {ENTRY_FOLDER, "src", 0, 0755, 100, 0, NULL},
    {ENTRY_FILE, "a", 4096, 0644, 200, 1, NULL},
    {ENTRY_FOLDER, "sub", 0, 0500, 300, 0, NULL},
    {ENTRY_FILE, "b", 100, 0400, 400, 2, NULL},
    {ENTRY_FILE, "large", 3 * MIB + 5, 0640, 500, 3, NULL},
    {ENTRY_LINK, "l", 0, 0777, 600, 0, "b"},
    {ENTRY_LEAVE, NULL, 0, 0, 0, 0, NULL},
    {ENTRY_FOLDER, "empty", 0, 0750, 700, 0, NULL},
    {ENTRY_LEAVE, NULL, 0, 0, 0, 0, NULL},
    {ENTRY_LEAVE, NULL, 0, 0, 0, 0, NULL},
    {ENTRY_FILE, "hole", 2 * MIB, 0644, 800, 0, NULL},
    {ENTRY_FILE, "c", 7, 0644, 900, 4, NULL},
};
#define TREE_COUNT (sizeof(TREE) / sizeof(TREE[0]))

/* So many items; false: it was over before. */
static bool run_items(struct receive_fixture *fixture, struct honest_peer *peer, size_t items)
{
    assert_int_equal(receive_open(fixture), 0);
    peer_init(peer, fixture, TREE, TREE_COUNT);
    for (size_t i = 0; i < items; i++)
        if (!peer_step(peer))
            return false;
    return true;
}

static void clear_target(struct receive_fixture *fixture)
{
    scratch_remove(&fixture->folder);
    assert_int_equal(mkdir(fixture->folder.path, 0700), 0);
    assert_int_equal(mkdir(fixture->target, 0755), 0);
}

static void a_transfer_goes_on_from_every_item(void **state)
{
    struct receive_fixture *fixture = *state;
    struct honest_peer peer;
    bool was_cut = true;
    for (size_t items = 0; was_cut; items++) {
        fixture->options.flags = FILES_RECURSIVE;
        was_cut = run_items(fixture, &peer, items);
        receive_close(fixture, false);
        fixture->options.flags |= FILES_RESUME;
        assert_int_equal(receive_open(fixture), 0);
        peer_init(&peer, fixture, TREE, TREE_COUNT);
        peer_run(&peer);
        assert_int_equal(fixture->done.failed, 0);
        assert_int_equal(fixture->done.name_count, 3);
        receive_close(fixture, false);
        assert_tree_is(fixture, TREE, TREE_COUNT);
        clear_target(fixture);
    }
}

static void a_transfer_that_is_cut_off_ever_and_again_gets_done(void **state)
{
    struct receive_fixture *fixture = *state;
    struct honest_peer peer;
    size_t runs = 0;
    fixture->options.flags |= FILES_RESUME;
    for (size_t items = 16; run_items(fixture, &peer, items); items++) {
        receive_close(fixture, false);
        if (runs++ > 10) /* one that is cut off early keeps what others had */
            run_items(fixture, &peer, 3), receive_close(fixture, false);
    }
    receive_close(fixture, false);
    assert_true(runs < 24);
    assert_tree_is(fixture, TREE, TREE_COUNT);
}

static void verified_chunks_are_not_sent_again(void **state)
{
    struct receive_fixture *fixture = *state;
    static const struct peer_entry tree[] = {{ENTRY_FILE, "large", 6 * MIB, 0640, 500, 3, NULL}};
    struct honest_peer peer;
    assert_int_equal(receive_open(fixture), 0);
    peer_init(&peer, fixture, tree, 1);
    while (peer.offset < 4 * MIB)
        assert_true(peer_step(&peer));
    receive_close(fixture, false);
    fixture->options.flags |= FILES_RESUME;
    assert_int_equal(receive_open(fixture), 0);
    peer_init(&peer, fixture, tree, 1);
    peer_run(&peer);
    assert_int_equal(peer.kept, 4);
    assert_int_equal(peer.chunks_sent, 2);
    assert_tree_is(fixture, tree, 1);
}

static void a_damaged_chunk_is_found_and_sent_again(void **state)
{
    struct receive_fixture *fixture = *state;
    static const struct peer_entry tree[] = {{ENTRY_FILE, "large", 6 * MIB, 0640, 500, 3, NULL}};
    struct honest_peer peer;
    assert_int_equal(receive_open(fixture), 0);
    peer_init(&peer, fixture, tree, 1);
    while (peer.offset < 4 * MIB)
        assert_true(peer_step(&peer));
    receive_close(fixture, false);
    int fd = open(staged_path(fixture, "tree/0"), O_WRONLY);
    assert_int_equal(pwrite(fd, "damage", 6, MIB + 3), 6);
    close(fd);
    fixture->options.flags |= FILES_RESUME;
    assert_int_equal(receive_open(fixture), 0);
    peer_init(&peer, fixture, tree, 1);
    peer_run(&peer);
    assert_int_equal(peer.chunks_sent, 3);
    assert_tree_is(fixture, tree, 1);
}

static void a_file_that_shrank_meanwhile_is_not_mixed(void **state)
{
    struct receive_fixture *fixture = *state;
    struct peer_entry tree[] = {{ENTRY_FILE, "large", 6 * MIB, 0640, 500, 3, NULL}};
    struct honest_peer peer;
    assert_int_equal(receive_open(fixture), 0);
    peer_init(&peer, fixture, tree, 1);
    while (peer.offset < 4 * MIB)
        assert_true(peer_step(&peer));
    receive_close(fixture, false);
    tree[0].size = 2 * MIB + 77;
    tree[0].mtime = 501;
    fixture->options.flags |= FILES_RESUME;
    assert_int_equal(receive_open(fixture), 0);
    peer_init(&peer, fixture, tree, 1);
    peer_run(&peer);
    assert_tree_is(fixture, tree, 1);
}

static void without_resume_it_begins_anew(void **state)
{
    struct receive_fixture *fixture = *state;
    struct honest_peer peer;
    run_items(fixture, &peer, 30);
    receive_close(fixture, false);
    assert_int_equal(access(staged_path(fixture, "tree/0/a"), F_OK), 0);
    assert_int_equal(receive_open(fixture), 0);
    assert_int_not_equal(access(staged_path(fixture, "tree/0/a"), F_OK), 0);
}

static void two_receivers_of_one_transfer_do_not_meet(void **state)
{
    struct receive_fixture *fixture = *state;
    struct engine *other = NULL;
    char problem[TEXT_REASON_MAX + 1];
    assert_int_equal(receive_open(fixture), 0);
    assert_int_equal(receiver_create(&fixture->options, &other, problem), STATUS_CONFLICT);
    assert_true(strlen(problem) > 0);
    fixture->options.id.bytes[0]++;
    assert_int_equal(receiver_create(&fixture->options, &other, problem), 0);
    other->ops->destroy(other, true);
    fixture->options.id.bytes[0]--;
    receive_close(fixture, true);
    assert_no_partial(fixture);
}

static void discarding_leaves_nothing_behind(void **state)
{
    struct receive_fixture *fixture = *state;
    struct honest_peer peer;
    run_items(fixture, &peer, 30);
    receive_close(fixture, true);
    assert_no_partial(fixture);
    assert_false(target_has(fixture, "src"));
}

static void a_transfer_without_a_file_yet_leaves_nothing_behind(void **state)
{
    struct receive_fixture *fixture = *state;
    struct honest_peer peer;
    run_items(fixture, &peer, 3);
    receive_close(fixture, false);
    assert_no_partial(fixture);
}

static void leftovers_of_yesterday_go_with_the_next_transfer(void **state)
{
    struct receive_fixture *fixture = *state;
    struct honest_peer peer;
    struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    run_items(fixture, &peer, 30);
    receive_close(fixture, false);
    char first[2 * SCRATCH_PATH_MAX];
    strcpy(first, staged_path(fixture, ""));
    assert_int_equal(utimensat(AT_FDCWD, first, old, 0), 0);
    fixture->options.id.bytes[0]++;
    assert_int_equal(receive_open(fixture), 0);
    assert_int_not_equal(access(first, F_OK), 0);
    receive_close(fixture, false);
    assert_no_partial(fixture);
}

static void leftovers_that_are_in_use_or_young_stay(void **state)
{
    struct receive_fixture *fixture = *state;
    struct honest_peer peer;
    struct engine *other = NULL;
    struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    char problem[TEXT_REASON_MAX + 1], young[2 * SCRATCH_PATH_MAX], used[2 * SCRATCH_PATH_MAX];
    run_items(fixture, &peer, 30);
    receive_close(fixture, false);
    strcpy(young, staged_path(fixture, ""));
    fixture->options.id.bytes[0]++;
    assert_int_equal(receiver_create(&fixture->options, &other, problem), 0);
    strcpy(used, staged_path(fixture, ""));
    assert_int_equal(utimensat(AT_FDCWD, used, old, 0), 0);
    fixture->options.id.bytes[0]++;
    assert_int_equal(receive_open(fixture), 0);
    assert_int_equal(access(young, F_OK), 0);
    assert_int_equal(access(used, F_OK), 0);
    other->ops->destroy(other, true);
}

static void a_partial_folder_of_another_user_is_not_used(void **state)
{
    struct receive_fixture *fixture = *state;
    char path[2 * SCRATCH_PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", fixture->target, PARTIAL_FOLDER);
    assert_int_equal(mkdir(path, 0777), 0);
    assert_int_equal(chown(path, 12345, 12345), 0);
    assert_int_equal(receive_open(fixture), UV_EACCES);
    assert_non_null(strstr(fixture->problem, "another user"));
}

static void a_link_in_place_of_the_partial_folder_is_not_followed(void **state)
{
    struct receive_fixture *fixture = *state;
    char path[2 * SCRATCH_PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", fixture->target, PARTIAL_FOLDER);
    assert_int_equal(symlink(fixture->folder.path, path), 0);
    assert_true(receive_open(fixture) < 0);
}

static void a_target_that_is_not_there_is_told(void **state)
{
    struct receive_fixture *fixture = *state;
    fixture->options.folder = "/nonexistent/folder";
    assert_int_equal(receive_open(fixture), UV_ENOENT);
    assert_non_null(strstr(fixture->problem, "/nonexistent/folder"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, receive_setup, receive_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_transfer_goes_on_from_every_item),
        T(a_transfer_that_is_cut_off_ever_and_again_gets_done),
        T(verified_chunks_are_not_sent_again),
        T(a_damaged_chunk_is_found_and_sent_again),
        T(a_file_that_shrank_meanwhile_is_not_mixed),
        T(without_resume_it_begins_anew),
        T(two_receivers_of_one_transfer_do_not_meet),
        T(discarding_leaves_nothing_behind),
        T(a_transfer_without_a_file_yet_leaves_nothing_behind),
        T(leftovers_of_yesterday_go_with_the_next_transfer),
        T(leftovers_that_are_in_use_or_young_stay),
        T(a_partial_folder_of_another_user_is_not_used),
        T(a_link_in_place_of_the_partial_folder_is_not_followed),
        T(a_target_that_is_not_there_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
