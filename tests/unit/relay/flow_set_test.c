/* SPDX-License-Identifier: MIT */
/* Membership, counting, and the one report that a set is empty. */
#include "services/relay/flow_set.h"

#include "tests/unit/base/testing.h"

struct flow {
    struct flow_member member;
    int aborted;
    bool leaves_at_once;
};

static struct flow_set set;
static int empty;

static void abort_flow(struct flow_member *member, int status)
{
    struct flow *flow = (struct flow *)member;
    assert_int_equal(status, -7);
    flow->aborted++;
    if (flow->leaves_at_once)
        flow_set_remove(member);
}

static void on_empty(void *ctx)
{
    assert_ptr_equal(ctx, &empty);
    assert_null(set.first);
    empty++;
}

static int setup(void **state)
{
    flow_set_init(&set);
    empty = 0;
    return 0;
}

static void add(struct flow *flow)
{
    flow->member.abort = abort_flow;
    flow_set_add(&set, &flow->member);
}

static void members_are_counted_in_any_order_of_leaving(void **state)
{
    struct flow flows[3] = {{.aborted = 0}};
    for (size_t i = 0; i < 3; i++)
        add(&flows[i]);
    assert_int_equal(set.active, 3);
    flow_set_remove(&flows[1].member);
    flow_set_remove(&flows[1].member); /* once more: nothing */
    flow_set_remove(&flows[2].member);
    flow_set_remove(&flows[0].member);
    assert_int_equal(set.active, 0);
    assert_int_equal(set.total, 3);
    assert_null(set.first);
    add(&flows[1]);
    assert_int_equal(set.total, 4);
    flow_set_remove(&flows[1].member);
    assert_int_equal(empty, 0); /* the set is in use */
}

static void abort_all_reaches_members_that_leave_at_once_and_later(void **state)
{
    struct flow flows[4] = {{.aborted = 0}};
    for (size_t i = 0; i < 4; i++) {
        flows[i].leaves_at_once = i % 2 == 0;
        add(&flows[i]);
    }
    flow_set_abort_all(&set, -7);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(flows[i].aborted, 1);
    assert_int_equal(set.active, 2);
}

static void closing_reports_once_when_the_last_is_gone(void **state)
{
    struct flow flows[2] = {{.leaves_at_once = true}, {.aborted = 0}};
    add(&flows[0]);
    add(&flows[1]);
    flow_set_close(&set, -7, on_empty, &empty);
    assert_int_equal(empty, 0);
    flow_set_remove(&flows[1].member);
    assert_int_equal(empty, 1);
    setup(state);
    add(&flows[0]);
    flow_set_close(&set, -7, on_empty, &empty); /* from within */
    assert_int_equal(empty, 1);
    setup(state);
    flow_set_close(&set, -7, on_empty, &empty);
    assert_int_equal(empty, 1);
}

static void draining_waits_and_may_be_hurried(void **state)
{
    struct flow flow = {.leaves_at_once = true};
    add(&flow);
    flow_set_drain(&set, on_empty, &empty);
    assert_int_equal(flow.aborted, 0);
    assert_int_equal(empty, 0);
    flow_set_abort_all(&set, -7);
    assert_int_equal(empty, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(members_are_counted_in_any_order_of_leaving, setup),
        cmocka_unit_test_setup(abort_all_reaches_members_that_leave_at_once_and_later, setup),
        cmocka_unit_test_setup(closing_reports_once_when_the_last_is_gone, setup),
        cmocka_unit_test_setup(draining_waits_and_may_be_hurried, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
