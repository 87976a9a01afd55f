/* SPDX-License-Identifier: MIT */
/* Each kind and direction of a transfer, from beginning to end. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "tests/unit/transfers/transfers_fixture.h"

#define LARGE (3 * 1024 * 1024 + 17)

static const struct transfer *copy;

static void expect_done(void)
{
    RUN_TO_END(copy);
    if (copy->state != TRANSFER_DONE)
        fail_msg("%s: %s", status_name(copy->error), copy->error_text);
    assert_int_equal(copy->counts.failed, 0);
    assert_true(copy->counts.bytes_moved >= LARGE);
    assert_true(copy->ended_ms >= copy->started_ms);
    assert_int_equal(copy->name_count, 1);
}

static void a_tree_goes_from_the_host_to_a_guest(void **state)
{
    put_tree(below(host, "tree"), LARGE);
    assert_int_equal(add_copy("", below(host, "tree"), "one", "copied", FILES_RECURSIVE, &copy), 0);
    assert_int_equal(told.added, 1);
    assert_int_equal(copy->state, TRANSFER_WAITING);
    expect_done();
    assert_true(trees_are_equal(below(host, "tree"), below(guests[0].home, "copied")));
    assert_string_equal(copy->names[0], below(guests[0].home, "copied"));
    assert_int_equal(guests[0].last.operation, FILES_PUT);
    assert_string_equal(guests[0].last.to, "copied");
    assert_int_equal(guests[0].last.flags, FILES_RECURSIVE);
    assert_int_equal(told.dirty, 0);
    RUN_UNTIL(guests[0].visits == 0);
    assert_int_equal(entries_in(guests[0].home), 1); /* nothing partial */
}

static void a_tree_goes_from_a_guest_to_the_host(void **state)
{
    put_tree(below(guests[1].home, "tree"), LARGE);
    assert_int_equal(add_copy("two", "tree", "", below(host, "copied"), FILES_RECURSIVE, &copy), 0);
    expect_done();
    assert_true(trees_are_equal(below(guests[1].home, "tree"), below(host, "copied")));
    assert_string_equal(copy->names[0], below(host, "copied"));
    assert_int_equal(guests[1].last.operation, FILES_GET);
    assert_int_equal(entries_in(host), 1);
}

static void a_tree_goes_from_guest_to_guest(void **state)
{
    put_tree(below(guests[0].home, "tree"), LARGE);
    assert_int_equal(add_copy("one", "tree", "two", ".", FILES_RECURSIVE, &copy), 0);
    expect_done();
    assert_true(trees_are_equal(below(guests[0].home, "tree"), below(guests[1].home, "tree")));
    assert_non_null(strstr(copy->names[0], "/tree")); /* as that guest says */
    assert_int_equal(entries_in(host), 0);            /* no file touches the host */
}

static void a_folder_that_is_there_takes_the_copy_under_its_own_name(void **state)
{
    put_file(below(guests[0].home, "large"), LARGE, 1, 0644);
    put_folder(below(host, "into"));
    assert_int_equal(add_copy("one", "large", "", below(host, "into"), 0, &copy), 0);
    expect_done();
    assert_true(trees_are_equal(below(guests[0].home, "large"), below(host, "into/large")));
}

static void what_has_no_name_takes_the_targets(void **state)
{
    put_tree(below(guests[0].home, "tree"), LARGE);
    assert_int_equal(add_copy("one", "tree/.", "", below(host, "named"), FILES_RECURSIVE, &copy), 0);
    RUN_TO_END(copy);
    if (copy->state == TRANSFER_DONE) /* the guest's engine decides whether such a root has a name */
        assert_true(trees_are_equal(below(guests[0].home, "tree"), below(host, "named")));
    else
        assert_int_equal(copy->error, STATUS_INVALID);
    put_folder(below(host, "there"));
    assert_int_equal(add_copy("one", "tree/.", "", below(host, "there"), FILES_RECURSIVE, &copy), 0);
    RUN_TO_END(copy);
    assert_int_equal(copy->state, TRANSFER_FAILED);
    assert_int_equal(copy->error, STATUS_INVALID);
    assert_int_equal(entries_in(below(host, "there")), 0);
}

static void a_drop_asks_for_the_drop_folder_and_renames(void **state)
{
    put_file(below(host, "a.txt"), LARGE, 1, 0644);
    put_file(below(guests[0].home, "a.txt"), 3, 2, 0644);
    assert_int_equal(add_drop(below(host, "a.txt"), "one", &copy), 0);
    expect_done();
    assert_int_equal(guests[0].last.flags & FILES_DROP, FILES_DROP);
    assert_int_equal(guests[0].last.flags & FILES_RESUME, FILES_RESUME);
    assert_int_equal(guests[0].last.conflict, FILES_RENAME);
    assert_string_equal(guests[0].last.to, "");
    assert_true(trees_are_equal(below(host, "a.txt"), below(guests[0].home, "a (1).txt")));
    assert_int_equal(told.dirty, 2); /* added, and ended */
}

static void an_offer_is_taken_into_a_folder_that_is_made(void **state)
{
    struct stat stat_of;
    char origin[128] = "";
    put_file(below(guests[0].home, "offer-7"), LARGE, 1, 0755);
    assert_int_equal(add_take("one", 7, below(host, "Downloads/one"), &copy), 0);
    expect_done();
    assert_int_equal(guests[0].last.offer, 7);
    assert_int_equal(guests[0].last.path_count, 0);
    const char *taken = below(host, "Downloads/one/offer-7");
    assert_int_equal(stat(taken, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0644);
    assert_int_equal(stat_of.st_size, LARGE);
    if (getxattr(taken, "user.xdg.origin.url", origin, sizeof(origin) - 1) > 0) /* where disks have them */
        assert_string_equal(origin, "hospes://one/a%20name");
    assert_int_equal(stat(below(host, "Downloads"), &stat_of), 0);
    assert_true(S_ISDIR(stat_of.st_mode));
}

static void what_is_missing_fails_with_the_reason(void **state)
{
    assert_int_equal(add_copy("", below(host, "nothing"), "one", ".", 0, &copy), 0);
    RUN_TO_END(copy);
    assert_int_equal(copy->state, TRANSFER_FAILED);
    assert_int_equal(copy->error, UV_ENOENT);
    assert_int_equal(add_copy("one", "nothing", "", host, 0, &copy), 0);
    RUN_TO_END(copy);
    assert_int_equal(copy->state, TRANSFER_FAILED);
    assert_int_equal(copy->error, UV_ENOENT);
    assert_int_equal(add_copy("one", "nothing", "two", ".", 0, &copy), 0);
    RUN_TO_END(copy);
    assert_int_equal(copy->state, TRANSFER_FAILED);
    assert_int_equal(copy->error, UV_ENOENT);
    assert_int_equal(add_copy("", below(host, "nothing"), "four", ".", 0, &copy), 0);
    RUN_TO_END(copy);
    assert_int_equal(copy->error, STATUS_NOT_FOUND);
}

static void what_can_not_be_given_is_listed_and_the_rest_goes_on(void **state)
{
    put_tree(below(host, "tree"), LARGE);
    put_file(below(host, "tree/bad\nname"), 10, 1, 0644);
    assert_int_equal(add_copy("", below(host, "tree"), "one", ".", FILES_RECURSIVE, &copy), 0);
    RUN_TO_END(copy);
    assert_int_equal(copy->state, TRANSFER_DONE);
    assert_int_equal(copy->counts.failed, 1);
    assert_non_null(copy->failures);
    assert_null(copy->failures->next);
    assert_non_null(strstr(copy->failures->path, "bad"));
    assert_true(path_exists(below(guests[0].home, "tree/large")));
    assert_int_equal(entries_in(below(guests[0].home, "tree")), 7);
}

static void what_must_not_be_replaced_is_listed(void **state)
{
    put_file(below(guests[0].home, "a"), 10, 1, 0644);
    put_file(below(host, "a"), 5, 2, 0644);
    char from[] = "a", *sources[] = {from}, *targets[] = {host};
    struct transfer_request request = {.kind = TRANSFER_COPY,
                                       .conflict = FILES_FAIL,
                                       .from = {.vm = "one", .path_count = 1, .paths = sources},
                                       .to = {.path_count = 1, .paths = targets}};
    assert_int_equal(transfers_add(transfers, &request, &copy, problem), 0);
    RUN_TO_END(copy);
    assert_int_equal(copy->state, TRANSFER_DONE);
    assert_int_equal(copy->counts.failed, 1);
    assert_int_equal(copy->failures->status, UV_EEXIST);
    assert_false(trees_are_equal(below(guests[0].home, "a"), below(host, "a")));
}

static void progress_is_told_now_and_then(void **state)
{
    put_file(below(host, "large"), 40 * LARGE, 1, 0644);
    assert_int_equal(add_copy("", below(host, "large"), "one", ".", 0, &copy), 0);
    uint64_t begun = uv_hrtime();
    RUN_TO_END(copy);
    assert_int_equal(copy->state, TRANSFER_DONE);
    uint64_t took_ms = (uv_hrtime() - begun) / 1000000;
    assert_true(told.progress <= took_ms / TRANSFER_NEWS_MS + 1);
    assert_int_equal(told.changed, 2); /* it runs, it is done */
    assert_int_equal(copy->counts.bytes_done, 40 * LARGE);
    RUN_UNTIL(guests[0].visits == 0);
    assert_true(wakeups_within(600) < 20); /* and then nothing ticks */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRANSFERS_TEST(a_tree_goes_from_the_host_to_a_guest),
        TRANSFERS_TEST(a_tree_goes_from_a_guest_to_the_host),
        TRANSFERS_TEST(a_tree_goes_from_guest_to_guest),
        TRANSFERS_TEST(a_folder_that_is_there_takes_the_copy_under_its_own_name),
        TRANSFERS_TEST(what_has_no_name_takes_the_targets),
        TRANSFERS_TEST(a_drop_asks_for_the_drop_folder_and_renames),
        TRANSFERS_TEST(an_offer_is_taken_into_a_folder_that_is_made),
        TRANSFERS_TEST(what_is_missing_fails_with_the_reason),
        TRANSFERS_TEST(what_can_not_be_given_is_listed_and_the_rest_goes_on),
        TRANSFERS_TEST(what_must_not_be_replaced_is_listed),
        TRANSFERS_TEST(progress_is_told_now_and_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
