/* SPDX-License-Identifier: MIT */
#include "protocol/base/status.h"
#include "tests/unit/forwards/forwards_fixture.h"
#include "tests/unit/forwards/network.h"

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

static struct fixture fx;

static int start(void **state)
{
    fixture_start(&fx, NULL);
    fixture_snapshot(&fx, 0, NULL);
    return 0;
}

static int stop(void **state)
{
    fixture_stop(&fx);
    return 0;
}

static void put(const char *selector, enum policy_action action)
{
    struct policy_rule rule = rule_of(selector, action);
    assert_int_equal(forwards_put_rule(fx.forwards, &rule), 0);
}

static void drop(const char *selector)
{
    struct policy_rule rule = rule_of(selector, POLICY_ASK);
    assert_int_equal(forwards_drop_rule(fx.forwards, &rule), 0);
}

static void block_closes_listener_and_connections_until_unblocked(void **state)
{
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    const struct forward *forward = fixture_forward(&fx, "tcp-8080");
    int client = network_connect(4, 8080);
    fixture_await_flows(&fx, 1);
    fixture_clear_news(&fx);
    put("8080", POLICY_BLOCK);
    assert_int_equal(forward->state, FORWARD_BLOCKED);
    assert_int_equal(forward->host_port, 0);
    assert_int_equal(fixture_aborted(&fx), 1);
    assert_int_equal(network_connect(4, 8080), -ECONNREFUSED);
    assert_ptr_equal(forwards_port(fx.forwards, 0)->forward, forward);
    assert_string_equal(fx.news, "forward changed tcp-8080\nport changed tcp 8080\n");
    assert_int_equal(forwards_unblock(fx.forwards, 0, 8080), 0);
    assert_int_equal(forward->state, FORWARD_ACTIVE);
    assert_string_equal(forward->reason, "");
    assert_int_equal(forward->host_port, 8080);
    assert_int_equal(forwards_unblock(fx.forwards, 0, 8080), STATUS_NOT_FOUND);
    close(client);
}

static void block_reaches_connections_whose_forward_has_gone(void **state)
{
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    int client = network_connect(4, 8080);
    fixture_await_flows(&fx, 1);
    fixture_close(&fx, PORT_TCP, "0.0.0.0", 8080);
    fixture_pass(&fx, FORWARD_GRACE_MS);
    put("9000", POLICY_BLOCK);
    assert_int_equal(fixture_aborted(&fx), 0);
    put("8080", POLICY_BLOCK);
    assert_int_equal(fixture_aborted(&fx), 1);
    close(client);
}

static void blocked_port_that_opens_is_listed_but_not_reachable(void **state)
{
    put("process:server", POLICY_BLOCK);
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    assert_int_equal(fixture_forward(&fx, "tcp-8080")->state, FORWARD_BLOCKED);
    assert_int_equal(network_connect(4, 8080), -ECONNREFUSED);
    fixture_close(&fx, PORT_TCP, "0.0.0.0", 8080);
    assert_int_equal(forwards_count(fx.forwards), 0);
}

static void blocked_listener_is_not_dialled_through_its_neighbour(void **state)
{
    struct port_fact blocked = fact_of(PORT_TCP, "::1", 8080);
    strcpy(blocked.name, "secret");
    put("process:secret", POLICY_BLOCK);
    fixture_open(&fx, blocked);
    fixture_open(&fx, fact_of(PORT_TCP, "127.0.0.1", 8080));
    const struct forward *forward = fixture_forward(&fx, "tcp-8080");
    assert_int_equal(forward->state, FORWARD_ACTIVE);
    assert_int_equal(forward->target.address_count, 1);
    assert_int_equal(forward->target.addresses[0].family, 4);
}

static void block_reaches_static_forwards(void **state)
{
    const struct forward *forward = fixture_add(&fx, 80, 8080, false);
    put("80", POLICY_BLOCK);
    assert_int_equal(forward->state, FORWARD_BLOCKED);
    assert_int_equal(network_connect(4, 8080), -ECONNREFUSED);
    drop("80");
    assert_int_equal(forward->state, FORWARD_ACTIVE);
    assert_int_equal(forward->host_port, 8080);
}

static void ask_and_ignore_list_the_port_without_a_forward(void **state)
{
    put("8080", POLICY_ASK);
    put("8081", POLICY_IGNORE);
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8081));
    assert_int_equal(forwards_count(fx.forwards), 0);
    assert_int_equal(forwards_port(fx.forwards, 0)->decision.action, POLICY_ASK);
    assert_int_equal(forwards_port(fx.forwards, 1)->decision.action, POLICY_IGNORE);
    drop("8080");
    assert_int_equal(fixture_forward(&fx, "tcp-8080")->state, FORWARD_ACTIVE);
}

static void ignore_ends_a_forward_and_its_connections_at_once(void **state)
{
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    int client = network_connect(4, 8080);
    fixture_await_flows(&fx, 1);
    put("8000-8999", POLICY_IGNORE);
    assert_int_equal(forwards_count(fx.forwards), 0);
    assert_int_equal(fixture_aborted(&fx), 1);
    assert_null(forwards_port(fx.forwards, 0)->forward);
    close(client);
}

static void rule_ends_a_forward_in_its_grace_time_too(void **state)
{
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    fixture_close(&fx, PORT_TCP, "0.0.0.0", 8080);
    put("8080", POLICY_IGNORE);
    assert_int_equal(forwards_count(fx.forwards), 0);
}

static void forward_rule_beats_a_default(void **state)
{
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 2222));
    fixture_open(&fx, fact_of(PORT_UDP, "0.0.0.0", 40000));
    put("40000/udp", POLICY_FORWARD);
    assert_int_equal(fixture_forward(&fx, "udp-40000")->state, FORWARD_ACTIVE);
}

static void config_rules_apply_to_every_guest(void **state)
{
    struct policy_rule rule = rule_of("8080", POLICY_ASK);
    struct policy_set set = {1, &rule};
    fixture_stop(&fx);
    fixture_start(&fx, &set);
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    assert_int_equal(forwards_port(fx.forwards, 0)->decision.origin, POLICY_BY_CONFIG_RULE);
    assert_int_equal(forwards_count(fx.forwards), 0);
}

static void impossible_rules_are_refused(void **state)
{
    struct policy_rule rule = rule_of("8080", POLICY_ASK);
    rule.port_low = 9000;
    assert_int_equal(forwards_put_rule(fx.forwards, &rule), STATUS_INVALID);
    rule = rule_of("8080", POLICY_ASK);
    rule.action = (enum policy_action)9;
    assert_int_equal(forwards_put_rule(fx.forwards, &rule), STATUS_INVALID);
    rule = rule_of("8080", POLICY_ASK);
    rule.uid = -2;
    assert_int_equal(forwards_put_rule(fx.forwards, &rule), STATUS_INVALID);
    rule = rule_of("8080", POLICY_ASK);
    memset(rule.process, 'a', sizeof(rule.process));
    assert_int_equal(forwards_put_rule(fx.forwards, &rule), STATUS_INVALID);
    rule = rule_of("8080", POLICY_ASK);
    assert_int_equal(forwards_drop_rule(fx.forwards, &rule), STATUS_NOT_FOUND);
    assert_int_equal(fx.dirty, 0);
}

static void unblock_leaves_wider_rules_alone(void **state)
{
    put("8000-8999", POLICY_BLOCK);
    put("8080/udp", POLICY_BLOCK);
    assert_int_equal(forwards_unblock(fx.forwards, PORT_TCP, 8080), STATUS_NOT_FOUND);
    assert_int_equal(forwards_unblock(fx.forwards, 0, 8080), 0);
    assert_int_equal(forwards_rules(fx.forwards)->count, 1);
    assert_int_equal(forwards_rules(fx.forwards)->rules[0].port_low, 8000);
}

int main(void)
{
    network_isolate();
#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        CASE(block_closes_listener_and_connections_until_unblocked),
        CASE(block_reaches_connections_whose_forward_has_gone),
        CASE(blocked_port_that_opens_is_listed_but_not_reachable),
        CASE(blocked_listener_is_not_dialled_through_its_neighbour),
        CASE(block_reaches_static_forwards),
        CASE(ask_and_ignore_list_the_port_without_a_forward),
        CASE(ignore_ends_a_forward_and_its_connections_at_once),
        CASE(rule_ends_a_forward_in_its_grace_time_too),
        CASE(forward_rule_beats_a_default),
        CASE(config_rules_apply_to_every_guest),
        CASE(impossible_rules_are_refused),
        CASE(unblock_leaves_wider_rules_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
