/* SPDX-License-Identifier: MIT */
/* How many run at a time, and who is next. */
#include <stdio.h>

#include "tests/unit/transfers/transfers_fixture.h"

static size_t running(void)
{
    size_t count = 0;
    for (size_t i = 0; i < transfers_count(transfers); i++)
        count += transfers_at(transfers, i)->state == TRANSFER_RUNNING;
    return count;
}

static const struct transfer *add_one(const char *vm, unsigned number)
{
    char name[16];
    const struct transfer *transfer;
    snprintf(name, sizeof(name), "file%u", number);
    put_file(below(host, name), 10, number, 0644);
    assert_int_equal(add_copy("", below(host, name), vm, ".", 0, &transfer), 0);
    return transfer;
}

static void a_guest_has_so_many_at_a_time_in_their_order(void **state)
{
    const struct transfer *all[TRANSFERS_GUEST_MAX + 3];
    guests[0].mute = true;
    for (unsigned i = 0; i < TRANSFERS_GUEST_MAX + 3; i++)
        all[i] = add_one("one", i);
    RUN_UNTIL(guests[0].opens == TRANSFERS_GUEST_MAX);
    uv_run(&uv, UV_RUN_NOWAIT);
    assert_int_equal(running(), TRANSFERS_GUEST_MAX);
    for (unsigned i = 0; i < TRANSFERS_GUEST_MAX + 3; i++) {
        assert_int_equal(all[i]->state, i < TRANSFERS_GUEST_MAX ? TRANSFER_RUNNING : TRANSFER_WAITING);
        assert_int_equal(all[i]->error, 0);
    }
    assert_int_equal(transfers_cancel(transfers, all[1]->id, false), 0);
    RUN_UNTIL(all[TRANSFERS_GUEST_MAX]->state == TRANSFER_RUNNING);
    assert_int_equal(all[TRANSFERS_GUEST_MAX + 1]->state, TRANSFER_WAITING);
}

static void all_guests_together_have_so_many(void **state)
{
    for (size_t i = 0; i < FAKE_GUESTS; i++)
        guests[i].mute = true;
    for (unsigned i = 0; i < 12; i++)
        add_one(guests[i % 3].name, i);
    RUN_UNTIL(running() == TRANSFERS_RUNNING_MAX);
    for (int i = 0; i < 10; i++)
        uv_run(&uv, UV_RUN_NOWAIT);
    assert_int_equal(running(), TRANSFERS_RUNNING_MAX);
    assert_int_equal(guests[0].opens + guests[1].opens + guests[2].opens, TRANSFERS_RUNNING_MAX);
}

static void those_that_wait_for_a_guest_take_nobodys_turn(void **state)
{
    guests[0].up = false;
    for (unsigned i = 0; i < 12; i++)
        add_one("one", i);
    const struct transfer *other = add_one("two", 20);
    RUN_TO_END(other);
    assert_int_equal(other->state, TRANSFER_DONE);
    assert_int_equal(running(), 0);
}

static void all_of_many_are_done_in_the_end(void **state)
{
    for (unsigned i = 0; i < 60; i++)
        add_one(guests[i % 3].name, i);
    for (size_t i = 0; i < 60; i++) {
        RUN_TO_END(transfers_at(transfers, i));
        assert_int_equal(transfers_at(transfers, i)->state, TRANSFER_DONE);
        assert_true(running() <= TRANSFERS_RUNNING_MAX);
    }
}

static void the_oldest_ended_one_makes_room(void **state)
{
    const struct transfer *transfer;
    char path[32];
    guests[0].up = false;
    const struct transfer *first = add_one("two", 0), *second = add_one("two", 1);
    RUN_TO_END(first);
    RUN_TO_END(second);
    for (unsigned i = 2; i < TRANSFERS_MAX + 2; i++) {
        snprintf(path, sizeof(path), "/nothing/%u", i);
        assert_int_equal(add_copy("", path, "one", ".", 0, &transfer), 0);
    }
    assert_int_equal(transfers_count(transfers), TRANSFERS_MAX);
    assert_int_equal(told.removed, 2);
    assert_int_equal(add_copy("", "/nothing/0", "one", ".", 0, &transfer), STATUS_LIMIT);
    assert_int_equal(transfers_count(transfers), TRANSFERS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRANSFERS_TEST(a_guest_has_so_many_at_a_time_in_their_order),
        TRANSFERS_TEST(all_guests_together_have_so_many),
        TRANSFERS_TEST(those_that_wait_for_a_guest_take_nobodys_turn),
        TRANSFERS_TEST(all_of_many_are_done_in_the_end),
        TRANSFERS_TEST(the_oldest_ended_one_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
