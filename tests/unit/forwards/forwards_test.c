/* SPDX-License-Identifier: MIT */
/* Automatic forwards from snapshot to last close, on real sockets. */
#include "protocol/base/clock.h"
#include "tests/unit/forwards/forwards_fixture.h"
#include "tests/unit/forwards/network.h"

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct fixture fx;

static int start(void **state)
{
    fixture_start(&fx, NULL);
    return 0;
}

static int stop(void **state)
{
    fixture_stop(&fx);
    return 0;
}

static void assert_target(const struct forward *forward, size_t count, const char *const *addresses)
{
    assert_int_equal(forward->target.address_count, count);
    for (size_t i = 0; i < count; i++) {
        char text[46];
        ip_address_format(&forward->target.addresses[i], text);
        assert_string_equal(text, addresses[i]);
    }
}

static void snapshot_opens_a_forward_on_both_loopbacks(void **state)
{
    struct port_fact fact = fact_of(PORT_TCP, "0.0.0.0", 8080);
    fixture_snapshot(&fx, 1, &fact);
    const struct forward *forward = fixture_forward(&fx, "tcp-8080");
    assert_int_equal(forward->state, FORWARD_ACTIVE);
    assert_int_equal(forward->kind, FORWARD_AUTO);
    assert_int_equal(forward->host_port, 8080);
    assert_string_equal(forward->reason, "");
    assert_true(forward->guest_listening);
    assert_target(forward, 1, (const char *const[]){"127.0.0.1"});
    assert_int_equal(forwards_port_count(fx.forwards), 1);
    assert_ptr_equal(forwards_port(fx.forwards, 0)->forward, forward);
    assert_string_equal(fx.news, "forward opened tcp-8080\nport opened tcp 8080\n");
    int v4 = network_connect(4, 8080), v6 = network_connect(6, 8080);
    assert_true(v4 >= 0 && v6 >= 0);
    fixture_await_flows(&fx, 2);
    assert_int_equal(forward->flows.active, 2);
    assert_int_equal(fx.flows[0].target.port, 8080);
    close(v4);
    close(v6);
}

static void snapshot_is_applied_only_when_its_last_part_is_there(void **state)
{
    struct port_fact first = fact_of(PORT_TCP, "0.0.0.0", 8080), second = fact_of(PORT_TCP, "0.0.0.0", 8081);
    struct ports_message part = {
        .sequence = 5, .snapshot = true, .more = true, .opened_count = 1, .opened = &first};
    forwards_apply(fx.forwards, &part);
    assert_int_equal(forwards_port_count(fx.forwards), 0);
    part.more = false;
    part.opened = &second;
    forwards_apply(fx.forwards, &part);
    assert_int_equal(forwards_port_count(fx.forwards), 2);
    assert_int_equal(forwards_count(fx.forwards), 2);
}

static void snapshot_of_another_sequence_discards_the_unfinished_one(void **state)
{
    struct port_fact first = fact_of(PORT_TCP, "0.0.0.0", 8080), second = fact_of(PORT_TCP, "0.0.0.0", 8081);
    struct ports_message part = {
        .sequence = 5, .snapshot = true, .more = true, .opened_count = 1, .opened = &first};
    forwards_apply(fx.forwards, &part);
    part = (struct ports_message){.sequence = 6, .snapshot = true, .opened_count = 1, .opened = &second};
    forwards_apply(fx.forwards, &part);
    assert_int_equal(forwards_port_count(fx.forwards), 1);
    assert_int_equal(forwards_port(fx.forwards, 0)->fact.key.port, 8081);
}

static void snapshot_with_duplicates_counts_each_listener_once(void **state)
{
    struct port_fact facts[4];
    for (size_t i = 0; i < 4; i++)
        facts[i] = fact_of(PORT_TCP, "0.0.0.0", 8080);
    fixture_snapshot(&fx, 4, facts);
    assert_int_equal(forwards_port_count(fx.forwards), 1);
    assert_int_equal(fixture_count_news(&fx, "port opened tcp 8080"), 1);
}

static void snapshot_that_is_empty_closes_the_last_port(void **state)
{
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    fixture_snapshot(&fx, 0, NULL);
    assert_int_equal(forwards_port_count(fx.forwards), 0);
    assert_int_equal(fixture_count_news(&fx, "port closed tcp 8080"), 1);
    fixture_pass(&fx, FORWARD_GRACE_MS);
    assert_int_equal(forwards_count(fx.forwards), 0);
    assert_int_equal(fixture_count_news(&fx, "forward closed tcp-8080"), 1);
}

static void snapshot_after_a_reconnect_tells_only_what_differs(void **state)
{
    struct port_fact facts[2] = {fact_of(PORT_TCP, "0.0.0.0", 8080), fact_of(PORT_TCP, "0.0.0.0", 8081)};
    fixture_snapshot(&fx, 2, facts);
    const struct forward *before = fixture_forward(&fx, "tcp-8080");
    forwards_link_lost(fx.forwards);
    fixture_pass(&fx, FORWARD_LINK_GRACE_MS - 1);
    fixture_clear_news(&fx);
    fixture_snapshot(&fx, 1, facts);
    assert_ptr_equal(fixture_forward(&fx, "tcp-8080"), before);
    assert_string_equal(fx.news, "port closed tcp 8081\nforward changed tcp-8081\n");
}

static void listeners_of_one_number_share_a_forward(void **state)
{
    fixture_open(&fx, fact_of(PORT_TCP, "192.168.7.9", 8080));
    fixture_open(&fx, fact_of(PORT_TCP, "::1", 8080));
    fixture_open(&fx, fact_of(PORT_TCP, "127.0.0.1", 8080));
    assert_int_equal(forwards_count(fx.forwards), 1);
    const struct forward *forward = fixture_forward(&fx, "tcp-8080");
    assert_target(forward, 3, (const char *const[]){"127.0.0.1", "::1", "192.168.7.9"});
    for (size_t i = 0; i < 3; i++)
        assert_ptr_equal(forwards_port(fx.forwards, i)->forward, forward);
    fixture_close(&fx, PORT_TCP, "127.0.0.1", 8080);
    assert_target(forward, 2, (const char *const[]){"::1", "192.168.7.9"});
}

static void closed_port_keeps_its_listener_for_the_grace_time(void **state)
{
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    fixture_close(&fx, PORT_TCP, "0.0.0.0", 8080);
    assert_false(fixture_forward(&fx, "tcp-8080")->guest_listening);
    fixture_pass(&fx, FORWARD_GRACE_MS - 1);
    int client = network_connect(4, 8080);
    assert_true(client >= 0);
    fixture_await_flows(&fx, 1);
    fixture_pass(&fx, 1);
    assert_int_equal(fixture_count_news(&fx, "forward closed tcp-8080"), 1);
    assert_int_equal(network_connect(4, 8080), -ECONNREFUSED);
    assert_int_equal(network_connect(6, 8080), -ECONNREFUSED);
    close(client);
}

static void port_that_reopens_within_the_grace_keeps_its_forward(void **state)
{
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    const struct forward *forward = fixture_forward(&fx, "tcp-8080");
    fixture_close(&fx, PORT_TCP, "0.0.0.0", 8080);
    fixture_pass(&fx, FORWARD_GRACE_MS - 1);
    fixture_clear_news(&fx);
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    fixture_pass(&fx, FORWARD_GRACE_MS);
    assert_ptr_equal(fixture_forward(&fx, "tcp-8080"), forward);
    assert_true(forward->guest_listening);
    assert_string_equal(fx.news, "forward changed tcp-8080\nport opened tcp 8080\n");
}

static void ephemeral_server_that_restarts_need_not_age_again(void **state)
{
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 40000));
    fixture_pass(&fx, 3000);
    const struct forward *forward = fixture_forward(&fx, "tcp-40000");
    fixture_close(&fx, PORT_TCP, "0.0.0.0", 40000);
    fixture_pass(&fx, 1000);
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 40000));
    fixture_pass(&fx, FORWARD_GRACE_MS);
    assert_ptr_equal(fixture_forward(&fx, "tcp-40000"), forward);
    assert_true(forward->guest_listening);
    assert_int_equal(fixture_count_news(&fx, "forward closed tcp-40000"), 0);
}

static void connections_outlive_a_server_that_stopped_listening(void **state)
{
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    int client = network_connect(4, 8080);
    fixture_await_flows(&fx, 1);
    fixture_close(&fx, PORT_TCP, "0.0.0.0", 8080);
    fixture_pass(&fx, FORWARD_GRACE_MS);
    assert_int_equal(forwards_count(fx.forwards), 0);
    assert_int_equal(fixture_aborted(&fx), 0);
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080)); /* a successor beside the old one's connection */
    assert_int_equal(fixture_forward(&fx, "tcp-8080")->flows.active, 0);
    fixture_end_flow(&fx, 0);
    assert_null(fx.forwards->ending);
    close(client);
}

static void ephemeral_port_is_forwarded_when_it_comes_of_age(void **state)
{
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 40000));
    assert_int_equal(forwards_count(fx.forwards), 0);
    assert_int_equal(fx.forwards->due_ms, forwards_now(fx.forwards) + 3000);
    fixture_pass(&fx, 2999);
    assert_int_equal(forwards_count(fx.forwards), 0);
    fixture_pass(&fx, 11); /* ticks keep a distance of 10 ms */
    assert_int_equal(fixture_forward(&fx, "tcp-40000")->state, FORWARD_ACTIVE);
    assert_int_equal(fx.forwards->due_ms, 0);
}

static void timer_fires_by_itself_for_what_is_due(void **state)
{
    fx.forwards->timing.grace_ms = 20;
    fx.forwards->timing.now_ms = clock_monotonic_ms;
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    fixture_close(&fx, PORT_TCP, "0.0.0.0", 8080);
    assert_int_equal(forwards_count(fx.forwards), 1);
    for (int turns = 0; forwards_count(fx.forwards) > 0 && turns < 1000; turns++)
        uv_run(&fx.loop, UV_RUN_ONCE);
    assert_int_equal(forwards_count(fx.forwards), 0);
    assert_false(uv_is_active((uv_handle_t *)&fx.forwards->timer));
}

static void idle_forwards_need_no_timer(void **state)
{
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    assert_false(uv_is_active((uv_handle_t *)&fx.forwards->timer));
}

static void udp_port_is_served_after_a_second_and_follows_its_target(void **state)
{
    fixture_open(&fx, fact_of(PORT_UDP, "0.0.0.0", 9999));
    assert_int_equal(fx.udp_count, 0);
    fixture_pass(&fx, 1000);
    assert_int_equal(fx.udp_count, 2);
    assert_true(network_is_taken(4, SOCK_DGRAM, 9999));
    assert_true(network_is_taken(6, SOCK_DGRAM, 9999));
    fixture_open(&fx, fact_of(PORT_UDP, "::1", 9999));
    assert_int_equal(fx.udp_target->address_count, 2);
    fixture_close(&fx, PORT_UDP, "0.0.0.0", 9999);
    fixture_close(&fx, PORT_UDP, "::1", 9999);
    fixture_pass(&fx, FORWARD_GRACE_MS);
    assert_int_equal(fx.udp_count, 0);
    assert_false(network_is_taken(4, SOCK_DGRAM, 9999));
}

static void client_is_refused_while_the_link_is_down(void **state)
{
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    int carried = network_connect(4, 8080);
    fixture_await_flows(&fx, 1);
    forwards_link_lost(fx.forwards);
    assert_int_equal(fixture_aborted(&fx), 1);
    int refused = network_connect(4, 8080);
    assert_true(refused >= 0);
    fixture_turn(&fx);
    assert_true(network_was_reset(refused));
    assert_int_equal(fx.flow_count, 1);
    forwards_link_restored(fx.forwards);
    int again = network_connect(4, 8080);
    fixture_await_flows(&fx, 2);
    close(carried);
    close(refused);
    close(again);
}

static void listeners_go_when_the_link_stays_away_and_return_with_it(void **state)
{
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    const struct forward *fixed = fixture_add(&fx, 80, 8090, false);
    forwards_link_lost(fx.forwards);
    fixture_pass(&fx, FORWARD_LINK_GRACE_MS);
    assert_null(forwards_find(fx.forwards, "tcp-8080"));
    assert_int_equal(fixed->state, FORWARD_FAILED);
    assert_string_equal(fixed->reason, "the guest is not connected");
    assert_int_equal(network_connect(4, 8090), -ECONNREFUSED);
    assert_int_equal(forwards_port_count(fx.forwards), 1);
    assert_int_equal(fx.forwards->due_ms, 0);
    forwards_link_restored(fx.forwards);
    assert_int_equal(fixture_forward(&fx, "tcp-8080")->host_port, 8080);
    assert_int_equal(fixed->state, FORWARD_ACTIVE);
    assert_int_equal(fixed->host_port, 8090);
}

static void close_of_an_unknown_port_changes_nothing(void **state)
{
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    fixture_clear_news(&fx);
    for (int i = 0; i < 1000; i++)
        fixture_close(&fx, PORT_TCP, "10.0.0.1", (uint16_t)(8080 + i));
    struct port_key nonsense = {.protocol = 77, .address.family = 9};
    struct ports_message message = {.closed_count = 1, .closed = &nonsense};
    forwards_apply(fx.forwards, &message);
    assert_string_equal(fx.news, "");
    assert_int_equal(forwards_port_count(fx.forwards), 1);
}

static void facts_with_impossible_keys_are_dropped(void **state)
{
    struct port_fact facts[3] = {fact_of(PORT_TCP, "0.0.0.0", 8080), fact_of(PORT_TCP, "0.0.0.0", 8081),
                                 fact_of(PORT_TCP, "0.0.0.0", 8082)};
    facts[0].key.port = 0;
    facts[1].key.protocol = 3;
    facts[2].key.address.family = 5;
    fixture_snapshot(&fx, 3, facts);
    assert_int_equal(forwards_port_count(fx.forwards), 0);
    assert_int_equal(forwards_dropped(fx.forwards), 3);
}

/* Ports that are not forwarded, so that the machine's descriptors are not what is measured. */
static void hundred_thousand_openings_stay_within_the_maximum(void **state)
{
    struct policy_rule rule = rule_of("*", POLICY_IGNORE);
    assert_int_equal(forwards_put_rule(fx.forwards, &rule), 0);
    enum { BATCH = 1000 };
    struct port_fact *facts = calloc(BATCH, sizeof(*facts));
    for (uint32_t done = 0; done < 100000; done += BATCH) {
        for (uint32_t i = 0; i < BATCH; i++) {
            facts[i] = fact_of(PORT_TCP, "0.0.0.0", (uint16_t)(1 + (done + i) % 65535));
            facts[i].key.address.bytes[3] = (uint8_t)((done + i) / 65535);
        }
        struct ports_message message = {.opened_count = BATCH, .opened = facts};
        forwards_apply(fx.forwards, &message);
    }
    assert_int_equal(forwards_port_count(fx.forwards), PORTS_MAX);
    assert_int_equal(forwards_dropped(fx.forwards), 100000 - PORTS_MAX);
    for (size_t i = 1; i < PORTS_MAX; i++)
        assert_true(forwards_port(fx.forwards, i - 1)->fact.key.port <=
                    forwards_port(fx.forwards, i)->fact.key.port);
    free(facts);
}

static void flapping_port_costs_one_listener(void **state)
{
    for (int i = 0; i < 2000; i++) {
        fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
        fixture_close(&fx, PORT_TCP, "0.0.0.0", 8080);
    }
    assert_int_equal(forwards_count(fx.forwards), 1);
    assert_null(fx.forwards->ending);
    assert_int_equal(fixture_count_news(&fx, "forward opened tcp-8080"), 1);
}

static void changed_facts_are_told_and_decided_anew(void **state)
{
    struct policy_rule rule = rule_of("process:secret*", POLICY_IGNORE);
    forwards_put_rule(fx.forwards, &rule);
    struct port_fact fact = fact_of(PORT_TCP, "0.0.0.0", 8080);
    fixture_open(&fx, fact);
    fixture_clear_news(&fx);
    fixture_open(&fx, fact);
    assert_string_equal(fx.news, "");
    strcpy(fact.name, "secret-server");
    fixture_open(&fx, fact);
    assert_int_equal(fixture_count_news(&fx, "port changed tcp 8080"), 1);
    assert_int_equal(fixture_count_news(&fx, "forward closed tcp-8080"), 1);
}

static void changed_ephemeral_range_is_applied_to_known_ports(void **state)
{
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 40000));
    struct ports_message message = {.ephemeral_low = 50000, .ephemeral_high = 60000};
    forwards_apply(fx.forwards, &message);
    assert_int_equal(fixture_forward(&fx, "tcp-40000")->state, FORWARD_ACTIVE);
}

int main(void)
{
    network_isolate();
#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        CASE(snapshot_opens_a_forward_on_both_loopbacks),
        CASE(snapshot_is_applied_only_when_its_last_part_is_there),
        CASE(snapshot_of_another_sequence_discards_the_unfinished_one),
        CASE(snapshot_with_duplicates_counts_each_listener_once),
        CASE(snapshot_that_is_empty_closes_the_last_port),
        CASE(snapshot_after_a_reconnect_tells_only_what_differs),
        CASE(listeners_of_one_number_share_a_forward),
        CASE(closed_port_keeps_its_listener_for_the_grace_time),
        CASE(port_that_reopens_within_the_grace_keeps_its_forward),
        CASE(ephemeral_server_that_restarts_need_not_age_again),
        CASE(connections_outlive_a_server_that_stopped_listening),
        CASE(ephemeral_port_is_forwarded_when_it_comes_of_age),
        CASE(timer_fires_by_itself_for_what_is_due),
        CASE(idle_forwards_need_no_timer),
        CASE(udp_port_is_served_after_a_second_and_follows_its_target),
        CASE(client_is_refused_while_the_link_is_down),
        CASE(listeners_go_when_the_link_stays_away_and_return_with_it),
        CASE(close_of_an_unknown_port_changes_nothing),
        CASE(facts_with_impossible_keys_are_dropped),
        CASE(hundred_thousand_openings_stay_within_the_maximum),
        CASE(flapping_port_costs_one_listener),
        CASE(changed_facts_are_told_and_decided_anew),
        CASE(changed_ephemeral_range_is_applied_to_known_ports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
