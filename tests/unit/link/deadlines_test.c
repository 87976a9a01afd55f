/* SPDX-License-Identifier: MIT */
/* Many deadlines of one length on a real loop. */
#include "protocol/link/deadlines.h"

#include "tests/unit/link/link_fixture.h"

#define LENGTH_MS 20

struct item {
    struct deadline deadline;
    int order; /* 0: not due yet */
    bool restart;
    struct item *stops; /* when due */
};

static struct deadlines list;
static struct item items[8];
static int due_count;
static bool closed;

static void on_due(struct deadline *deadline)
{
    struct item *item = (struct item *)deadline;
    item->order = ++due_count;
    if (item->stops != NULL)
        deadline_stop(&item->stops->deadline);
    if (item->restart) {
        item->restart = false;
        deadline_start(&list, deadline, on_due);
    }
}

static void on_closed(void *ctx)
{
    *(bool *)ctx = true;
}

static int setup(void **state)
{
    link_fixture_setup(state);
    for (size_t i = 0; i < 8; i++)
        items[i] = (struct item){0};
    due_count = 0;
    closed = false;
    deadlines_init(&list, &uv, LENGTH_MS);
    return 0;
}

static int teardown(void **state)
{
    if (!uv_is_closing((uv_handle_t *)&list.timer))
        deadlines_close(&list, NULL, NULL);
    return link_fixture_teardown(state);
}

static void deadlines_come_in_order_and_not_early(void **state)
{
    uv_update_time(&uv);
    uint64_t started = uv_now(&uv);
    for (size_t i = 0; i < 8; i++)
        deadline_start(&list, &items[i].deadline, on_due);
    RUN_UNTIL(due_count == 8);
    assert_true(uv_now(&uv) >= started + LENGTH_MS);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(items[i].order, i + 1);
}

static void a_stopped_deadline_is_never_due_and_the_timer_rests(void **state)
{
    deadline_stop(&items[0].deadline); /* not running: nothing happens */
    for (size_t i = 0; i < 3; i++)
        deadline_start(&list, &items[i].deadline, on_due);
    deadline_stop(&items[1].deadline);
    deadline_stop(&items[1].deadline);
    RUN_UNTIL(due_count == 2);
    assert_int_equal(items[1].order, 0);
    deadline_start(&list, &items[1].deadline, on_due);
    deadline_stop(&items[1].deadline);
    assert_false(uv_is_active((uv_handle_t *)&list.timer));
}

static void starting_again_moves_a_deadline_behind_the_others(void **state)
{
    deadline_start(&list, &items[0].deadline, on_due);
    deadline_start(&list, &items[1].deadline, on_due);
    deadline_start(&list, &items[0].deadline, on_due);
    RUN_UNTIL(due_count == 2);
    assert_int_equal(items[1].order, 1);
    assert_int_equal(items[0].order, 2);
}

static void a_due_deadline_may_start_itself_and_stop_others(void **state)
{
    items[0].restart = true;
    items[0].stops = &items[1];
    deadline_start(&list, &items[0].deadline, on_due);
    deadline_start(&list, &items[1].deadline, on_due);
    deadline_start(&list, &items[2].deadline, on_due);
    RUN_UNTIL(due_count == 3);
    assert_int_equal(items[1].order, 0);
    assert_int_equal(items[0].order, 3);
}

static void closing_stops_everything_and_tells_when_done(void **state)
{
    deadline_start(&list, &items[0].deadline, on_due);
    deadlines_close(&list, on_closed, &closed);
    assert_false(closed);
    assert_null(items[0].deadline.list);
    RUN_UNTIL(closed);
    assert_int_equal(due_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(deadlines_come_in_order_and_not_early, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stopped_deadline_is_never_due_and_the_timer_rests, setup, teardown),
        cmocka_unit_test_setup_teardown(starting_again_moves_a_deadline_behind_the_others, setup, teardown),
        cmocka_unit_test_setup_teardown(a_due_deadline_may_start_itself_and_stop_others, setup, teardown),
        cmocka_unit_test_setup_teardown(closing_stops_everything_and_tells_when_done, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
