/* SPDX-License-Identifier: MIT */
/* Cancelling, in every state, and forgetting. */
#include <string.h>

#include "tests/unit/transfers/transfers_fixture.h"

#define LARGE (64 * 1024 * 1024)

static const struct transfer *copy;

static void cancel(void)
{
    assert_int_equal(transfers_cancel(transfers, copy->id, false), 0);
    assert_int_equal(copy->state, TRANSFER_CANCELLED);
    assert_int_equal(copy->error, 0);
    assert_true(copy->ended_ms > 0);
}

static void before_it_began_nothing_is_asked(void **state)
{
    assert_int_equal(add_copy("", below(host, "a"), "one", ".", 0, &copy), 0);
    cancel();
    uv_run(&uv, UV_RUN_NOWAIT);
    assert_int_equal(guests[0].opens, 0);
}

static void while_it_is_opened(void **state)
{
    guests[0].mute = true;
    assert_int_equal(add_copy("", below(host, "a"), "one", ".", 0, &copy), 0);
    RUN_UNTIL(guests[0].opens == 1);
    assert_int_equal(copy->state, TRANSFER_RUNNING);
    cancel();
    uv_run(&uv, UV_RUN_NOWAIT);
    assert_int_equal(guests[0].opens, 1);
}

static void while_the_other_guest_is_opened(void **state)
{
    guests[0].mute = true;
    assert_int_equal(add_copy("one", "a", "two", ".", 0, &copy), 0);
    RUN_UNTIL(guests[0].opens == 1 && guests[1].visits == 1);
    cancel();
    RUN_UNTIL(guests[1].visits == 0);
    RUN_UNTIL(!path_exists(below(guests[1].home, ".hospes-partial")));
}

static void while_it_runs_nothing_is_left_in_the_guest(void **state)
{
    put_file(below(host, "a"), LARGE, 1, 0644);
    assert_int_equal(add_copy("", below(host, "a"), "one", ".", 0, &copy), 0);
    RUN_UNTIL(copy->counts.bytes_moved > 0);
    assert_true(path_exists(below(guests[0].home, ".hospes-partial")));
    cancel();
    RUN_UNTIL(guests[0].visits == 0);
    assert_int_equal(entries_in(guests[0].home), 0);
}

static void while_it_runs_nothing_is_left_on_the_host(void **state)
{
    put_file(below(guests[0].home, "a"), LARGE, 1, 0644);
    assert_int_equal(add_copy("one", "a", "", host, 0, &copy), 0);
    RUN_UNTIL(copy->counts.bytes_moved > 0);
    cancel();
    RUN_UNTIL(guests[0].visits == 0 && entries_in(host) == 0);
}

static void while_it_runs_between_guests_nothing_is_left_in_either(void **state)
{
    put_file(below(guests[0].home, "a"), LARGE, 1, 0644);
    assert_int_equal(add_copy("one", "a", "two", ".", 0, &copy), 0);
    RUN_UNTIL(copy->counts.bytes_moved > 0);
    cancel();
    RUN_UNTIL(guests[0].visits + guests[1].visits == 0);
    assert_int_equal(entries_in(guests[1].home), 0);
}

static void while_it_waits_for_its_guest_the_hosts_part_is_removed(void **state)
{
    put_file(below(guests[0].home, "a"), LARGE, 1, 0644);
    assert_int_equal(add_copy("one", "a", "", host, 0, &copy), 0);
    RUN_UNTIL(copy->counts.bytes_moved > LARGE / 2);
    guest_goes_down(&guests[0]);
    assert_true(path_exists(below(host, ".hospes-partial")));
    cancel(); /* its engine is still ending */
    RUN_UNTIL(entries_in(host) == 0);
}

static void while_it_waits_for_a_while_the_guests_part_is_removed(void **state)
{
    put_file(below(host, "a"), LARGE, 1, 0644);
    assert_int_equal(add_copy("", below(host, "a"), "one", ".", 0, &copy), 0);
    RUN_UNTIL(copy->counts.bytes_moved > LARGE / 2); /* so that there is something to go on from */
    fake_guest_cut(&guests[0]);
    RUN_UNTIL(copy->state == TRANSFER_WAITING);
    RUN_UNTIL(guests[0].visits == 0);
    assert_true(path_exists(below(guests[0].home, ".hospes-partial")));
    cancel();
    RUN_UNTIL(entries_in(guests[0].home) == 0);
}

static void cancelling_twice_forgets(void **state)
{
    char id[33];
    guests[0].mute = true;
    assert_int_equal(add_copy("", below(host, "a"), "one", ".", 0, &copy), 0);
    memcpy(id, copy->id, sizeof(id));
    RUN_UNTIL(guests[0].opens == 1);
    cancel();
    assert_int_equal(transfers_cancel(transfers, id, false), 0); /* while its try still closes */
    assert_int_equal(told.removed, 1);
    assert_null(transfers_find(transfers, id));
    assert_int_equal(transfers_count(transfers), 0);
    assert_int_equal(transfers_cancel(transfers, id, false), STATUS_NOT_FOUND);
    assert_int_equal(transfers_cancel(transfers, "", false), STATUS_NOT_FOUND);
}

static void the_table_can_close_at_any_moment(void **state)
{
    put_tree(below(host, "tree"), LARGE / 8);
    for (size_t turns = 0; turns < 400; turns = 2 * turns + 1) {
        guests[0].resolved = false;
        assert_int_equal(add_copy("", below(host, "tree"), "one", "copied", FILES_RECURSIVE, &copy), 0);
        assert_int_equal(add_copy("one", "copied", "two", ".", FILES_RECURSIVE, &copy), 0);
        for (size_t i = 0; i < turns; i++)
            uv_run(&uv, UV_RUN_NOWAIT);
        transfers_fixture_reopen();
        RUN_UNTIL(guests[0].visits + guests[1].visits == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRANSFERS_TEST(before_it_began_nothing_is_asked),
        TRANSFERS_TEST(while_it_is_opened),
        TRANSFERS_TEST(while_the_other_guest_is_opened),
        TRANSFERS_TEST(while_it_runs_nothing_is_left_in_the_guest),
        TRANSFERS_TEST(while_it_runs_nothing_is_left_on_the_host),
        TRANSFERS_TEST(while_it_runs_between_guests_nothing_is_left_in_either),
        TRANSFERS_TEST(while_it_waits_for_its_guest_the_hosts_part_is_removed),
        TRANSFERS_TEST(while_it_waits_for_a_while_the_guests_part_is_removed),
        TRANSFERS_TEST(cancelling_twice_forgets),
        TRANSFERS_TEST(the_table_can_close_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
