/* SPDX-License-Identifier: MIT */
#include "host-bridge/features/forwards/policy.h"
#include "protocol/base/status.h"

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <cmocka.h>

static struct policy_rule rule_for(uint16_t port, enum policy_action action)
{
    return (struct policy_rule){.port_low = port, .port_high = port, .uid = -1, .action = action};
}

static void newest_rule_comes_first(void **state)
{
    struct policy_set set = {0};
    struct policy_rule one = rule_for(1, POLICY_ASK), two = rule_for(2, POLICY_ASK);
    assert_int_equal(policy_set_put(&set, &one), 0);
    assert_int_equal(policy_set_put(&set, &two), 0);
    assert_int_equal(set.rules[0].port_low, 2);
    assert_int_equal(set.rules[1].port_low, 1);
    policy_set_finish(&set);
    assert_int_equal(set.count, 0);
}

static void same_conditions_replace_and_move_to_the_front(void **state)
{
    struct policy_set set = {0};
    struct policy_rule one = rule_for(1, POLICY_ASK), two = rule_for(2, POLICY_ASK);
    policy_set_put(&set, &one);
    policy_set_put(&set, &two);
    one.action = POLICY_BLOCK;
    assert_int_equal(policy_set_put(&set, &one), 0);
    assert_int_equal(set.count, 2);
    assert_int_equal(set.rules[0].action, POLICY_BLOCK);
    assert_int_equal(set.rules[1].port_low, 2);
    policy_set_finish(&set);
}

static void drop_takes_the_rule_with_the_same_conditions(void **state)
{
    struct policy_set set = {0};
    struct policy_rule one = rule_for(1, POLICY_ASK), other = rule_for(1, POLICY_BLOCK);
    policy_set_put(&set, &one);
    struct policy_rule with_protocol = one;
    with_protocol.protocol = PORT_UDP;
    assert_false(policy_set_drop(&set, &with_protocol));
    assert_true(policy_set_drop(&set, &other));
    assert_false(policy_set_drop(&set, &other));
    assert_int_equal(set.count, 0);
    policy_set_finish(&set);
}

static void full_set_refuses_another_rule_but_replaces(void **state)
{
    struct policy_set set = {0};
    for (uint16_t port = 1; port <= POLICY_RULES_MAX; port++) {
        struct policy_rule rule = rule_for(port, POLICY_ASK);
        assert_int_equal(policy_set_put(&set, &rule), 0);
    }
    struct policy_rule more = rule_for(9999, POLICY_ASK), again = rule_for(7, POLICY_BLOCK);
    assert_int_equal(policy_set_put(&set, &more), STATUS_LIMIT);
    assert_int_equal(policy_set_put(&set, &again), 0);
    assert_int_equal(set.count, POLICY_RULES_MAX);
    assert_int_equal(set.rules[0].port_low, 7);
    policy_set_finish(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newest_rule_comes_first),
        cmocka_unit_test(same_conditions_replace_and_move_to_the_front),
        cmocka_unit_test(drop_takes_the_rule_with_the_same_conditions),
        cmocka_unit_test(full_set_refuses_another_rule_but_replaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
