/* SPDX-License-Identifier: MIT */
/* Transfers whose guests go away and come back: at the end the trees are identical, and nothing partial is
 * left. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/transfers/transfers_fixture.h"

#define LARGE  (9 * 1024 * 1024 + 1)
#define LOSSES 12

static const struct transfer *copy;

/* Runs a while, shorter or longer, or until it has ended. */
static void run_a_while(uint32_t turns)
{
    for (uint32_t i = 0; i < turns && !has_ended(copy); i++)
        uv_run(&uv, UV_RUN_NOWAIT);
}

static void lose_it_again_and_again(struct fake_guest *guest, uint32_t seed)
{
    srand(seed);
    for (size_t i = 0; i < LOSSES && !has_ended(copy); i++) {
        run_a_while((uint32_t)rand() % 3000);
        if (has_ended(copy))
            return;
        if (rand() % 3 == 0) {
            fake_guest_cut(guest); /* the connection only */
        } else {
            guest_goes_down(guest);
            assert_int_equal(copy->state, TRANSFER_WAITING);
            assert_int_equal(copy->error, STATUS_NOT_CONNECTED);
            run_a_while((uint32_t)rand() % 300);
            guest_comes_up(guest);
        }
    }
}

static void expect_same(const char *a, const char *b, const char *folder)
{
    RUN_TO_END(copy);
    if (copy->state != TRANSFER_DONE)
        fail_msg("%s: %s", status_name(copy->error), copy->error_text);
    assert_int_equal(copy->counts.failed, 0);
    assert_true(trees_are_equal(a, b));
    RUN_UNTIL(guests[0].visits + guests[1].visits == 0);
    assert_false(path_exists(below(folder, ".hospes-partial")));
}

static void a_copy_to_a_guest_survives_losses(void **state)
{
    put_tree(below(host, "tree"), LARGE);
    for (uint32_t seed = 1; seed <= 6; seed++) {
        char to[16];
        snprintf(to, sizeof(to), "copy%u", seed);
        guests[0].resolved = false;
        assert_int_equal(add_copy("", below(host, "tree"), "one", to, FILES_RECURSIVE, &copy), 0);
        lose_it_again_and_again(&guests[0], seed);
        expect_same(below(host, "tree"), below(guests[0].home, to), guests[0].home);
    }
}

static void a_copy_from_a_guest_survives_losses(void **state)
{
    put_tree(below(guests[0].home, "tree"), LARGE);
    for (uint32_t seed = 1; seed <= 6; seed++) {
        char to[16];
        snprintf(to, sizeof(to), "copy%u", seed);
        assert_int_equal(add_copy("one", "tree", "", below(host, to), FILES_RECURSIVE, &copy), 0);
        lose_it_again_and_again(&guests[0], seed);
        expect_same(below(guests[0].home, "tree"), below(host, to), host);
    }
}

static void a_copy_between_guests_survives_losses_of_either(void **state)
{
    put_tree(below(guests[0].home, "tree"), LARGE);
    for (uint32_t seed = 1; seed <= 6; seed++) {
        char to[16];
        snprintf(to, sizeof(to), "copy%u", seed);
        guests[1].resolved = false;
        assert_int_equal(add_copy("one", "tree", "two", to, FILES_RECURSIVE, &copy), 0);
        lose_it_again_and_again(&guests[seed % 2], seed);
        expect_same(below(guests[0].home, "tree"), below(guests[1].home, to), guests[1].home);
    }
}

static void what_was_moved_is_not_moved_again(void **state)
{
    put_file(below(host, "large"), 16 * LARGE, 1, 0644);
    assert_int_equal(add_copy("", below(host, "large"), "one", ".", 0, &copy), 0);
    RUN_UNTIL(copy->counts.bytes_moved > 4 * LARGE || has_ended(copy));
    if (!has_ended(copy)) {
        uint64_t moved = copy->counts.bytes_moved;
        guest_goes_down(&guests[0]);
        guest_comes_up(&guests[0]);
        assert_true(copy->counts.bytes_moved >= moved);
    }
    RUN_TO_END(copy);
    assert_int_equal(copy->state, TRANSFER_DONE);
    assert_int_equal(guests[0].last.flags & FILES_RESUME, FILES_RESUME);
    assert_true(copy->counts.bytes_moved >= 16 * LARGE);
    assert_true(copy->counts.bytes_moved < 30 * (uint64_t)LARGE);
    assert_true(trees_are_equal(below(host, "large"), below(guests[0].home, "large")));
}

static void without_its_guest_it_waits_and_nothing_ticks(void **state)
{
    put_file(below(host, "a"), 10, 1, 0644);
    guests[0].up = false;
    assert_int_equal(add_copy("", below(host, "a"), "one", ".", 0, &copy), 0);
    RUN_UNTIL(copy->error == STATUS_NOT_CONNECTED);
    assert_int_equal(copy->state, TRANSFER_WAITING);
    assert_true(wakeups_within(300) < 10);
    guest_comes_up(&guests[1]); /* another one */
    uv_run(&uv, UV_RUN_NOWAIT);
    assert_int_equal(copy->state, TRANSFER_WAITING);
    guest_comes_up(&guests[0]);
    RUN_TO_END(copy);
    assert_int_equal(copy->state, TRANSFER_DONE);
    assert_int_equal(copy->error, 0);
}

static void a_lock_that_is_still_held_is_waited_for(void **state)
{
    put_file(below(host, "a"), 10, 1, 0644);
    guests[0].refuse = STATUS_CONFLICT;
    assert_int_equal(add_copy("", below(host, "a"), "one", ".", 0, &copy), 0);
    RUN_UNTIL(copy->error == STATUS_CONFLICT);
    assert_int_equal(copy->state, TRANSFER_WAITING);
    guests[0].refuse = 0;
    uint64_t begun = uv_hrtime();
    RUN_TO_END(copy);
    assert_int_equal(copy->state, TRANSFER_DONE);
    assert_true((uv_hrtime() - begun) / 1000000 >= 400);
}

static void refusals_are_final(void **state)
{
    static const int REFUSALS[] = {UV_EACCES, UV_ENOENT, STATUS_NOT_ALLOWED, STATUS_NOT_SUPPORTED, UV_EROFS};
    put_file(below(host, "a"), 10, 1, 0644);
    for (size_t i = 0; i < sizeof(REFUSALS) / sizeof(REFUSALS[0]); i++) {
        size_t opens = guests[0].opens;
        guests[0].refuse = REFUSALS[i];
        assert_int_equal(add_copy("", below(host, "a"), "one", ".", 0, &copy), 0);
        RUN_TO_END(copy);
        assert_int_equal(copy->state, TRANSFER_FAILED);
        assert_int_equal(copy->error, REFUSALS[i]);
        assert_string_equal(copy->error_text, "so says the test");
        assert_int_equal(guests[0].opens, opens + 1);
    }
    guests[0].refuse_at_open = STATUS_NOT_SUPPORTED;
    assert_int_equal(add_copy("", below(host, "a"), "one", ".", 0, &copy), 0);
    RUN_TO_END(copy);
    assert_int_equal(copy->error, STATUS_NOT_SUPPORTED);
}

static void losses_without_a_new_byte_end_it_some_time(void **state)
{
    put_file(below(host, "a"), 10, 1, 0644);
    guests[0].refuse = UV_ECONNRESET;
    assert_int_equal(add_copy("", below(host, "a"), "one", ".", 0, &copy), 0);
    for (size_t i = 0; i <= TRANSFER_RESUMES_MAX; i++) {
        RUN_UNTIL(guests[0].opens == i + 1 || has_ended(copy));
        RUN_UNTIL(copy->state == TRANSFER_WAITING || has_ended(copy));
        transfers_guest_up(transfers, "one"); /* so that the test needs no patience */
    }
    RUN_TO_END(copy);
    assert_int_equal(copy->state, TRANSFER_FAILED);
    assert_int_equal(copy->error, UV_ECONNRESET);
    assert_int_equal(guests[0].opens, TRANSFER_RESUMES_MAX + 1);
}

static void without_resume_an_earlier_try_is_not_gone_on_with(void **state)
{
    put_file(below(host, "a"), 10, 1, 0644);
    assert_int_equal(add_copy("", below(host, "a"), "one", ".", 0, &copy), 0);
    char id[33];
    memcpy(id, copy->id, sizeof(id));
    RUN_TO_END(copy);
    assert_int_equal(guests[0].last.flags & FILES_RESUME, 0);
    assert_int_equal(add_copy("", below(host, "a"), "one", ".", FILES_RESUME, &copy), 0);
    assert_string_equal(copy->id, id);
    RUN_TO_END(copy);
    assert_int_equal(guests[0].last.flags & FILES_RESUME, FILES_RESUME);
    assert_int_equal(transfers_count(transfers), 1); /* it took the ended one's place */
}

static void a_guest_that_is_removed_takes_its_transfers_along(void **state)
{
    put_file(below(host, "a"), LARGE, 1, 0644);
    guests[0].hangs = true;
    const struct transfer *waiting;
    assert_int_equal(add_copy("", below(host, "a"), "one", ".", 0, &copy), 0);
    guests[1].up = false;
    assert_int_equal(add_copy("", below(host, "a"), "two", ".", 0, &waiting), 0);
    RUN_UNTIL(guests[0].visits == 1 && waiting->error == STATUS_NOT_CONNECTED);
    transfers_guest_removed(transfers, "one");
    transfers_guest_removed(transfers, "two");
    assert_int_equal(copy->state, TRANSFER_FAILED);
    assert_int_equal(copy->error, STATUS_NOT_FOUND);
    assert_int_equal(waiting->state, TRANSFER_FAILED);
    RUN_UNTIL(guests[0].visits == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRANSFERS_TEST(a_copy_to_a_guest_survives_losses),
        TRANSFERS_TEST(a_copy_from_a_guest_survives_losses),
        TRANSFERS_TEST(a_copy_between_guests_survives_losses_of_either),
        TRANSFERS_TEST(what_was_moved_is_not_moved_again),
        TRANSFERS_TEST(without_its_guest_it_waits_and_nothing_ticks),
        TRANSFERS_TEST(a_lock_that_is_still_held_is_waited_for),
        TRANSFERS_TEST(refusals_are_final),
        TRANSFERS_TEST(losses_without_a_new_byte_end_it_some_time),
        TRANSFERS_TEST(without_resume_an_earlier_try_is_not_gone_on_with),
        TRANSFERS_TEST(a_guest_that_is_removed_takes_its_transfers_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
