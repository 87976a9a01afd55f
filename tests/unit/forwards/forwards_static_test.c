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
#include <sys/socket.h>
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

static int add(struct forward_request request, const struct forward **ret)
{
    char problem[TEXT_REASON_MAX + 1] = "";
    int status = forwards_add(fx.forwards, &request, ret, problem);
    assert_true(status == 0 || strlen(problem) > 0);
    return status;
}

static struct forward_request request_for(uint16_t guest_port, uint16_t host_port)
{
    return (struct forward_request){
        .protocol = PORT_TCP, .guest_port = guest_port, .host_port = host_port, .enabled = true};
}

static void static_forward_listens_before_the_guest_does(void **state)
{
    const struct forward *forward = fixture_add(&fx, 80, 8080, false);
    assert_string_equal(forward->id, "static-1");
    assert_int_equal(forward->state, FORWARD_ACTIVE);
    assert_int_equal(forward->target.address_count, 2);
    assert_false(forward->guest_listening);
    assert_int_equal(fx.dirty, 1);
    int client = network_connect(6, 8080);
    fixture_await_flows(&fx, 1);
    assert_int_equal(fx.flows[0].target.port, 80);
    close(client);
}

static void static_forward_replaces_the_automatic_one_and_gives_it_back(void **state)
{
    fixture_open(&fx, fact_of(PORT_TCP, "10.9.8.7", 3000));
    assert_int_equal(fixture_forward(&fx, "tcp-3000")->host_port, 3000);
    const struct forward *forward = fixture_add(&fx, 3000, 3000, false);
    assert_int_equal(forward->state, FORWARD_ACTIVE);
    assert_null(forwards_find(fx.forwards, "tcp-3000"));
    assert_ptr_equal(forwards_port(fx.forwards, 0)->forward, forward);
    assert_int_equal(forward->target.address_count, 1); /* where the guest listens */
    assert_true(forward->guest_listening);
    assert_int_equal(forwards_remove(fx.forwards, "static-1"), 0);
    assert_int_equal(fixture_forward(&fx, "tcp-3000")->host_port, 3000);
    assert_int_equal(fixture_count_news(&fx, "forward closed static-1"), 1);
}

static void removed_forward_closes_its_connections_before_it_is_freed(void **state)
{
    fixture_add(&fx, 80, 8080, false);
    int client = network_connect(4, 8080);
    fixture_await_flows(&fx, 1);
    assert_int_equal(forwards_remove(fx.forwards, "static-1"), 0);
    assert_int_equal(forwards_count(fx.forwards), 0);
    assert_int_equal(fixture_aborted(&fx), 1);
    assert_non_null(fx.forwards->ending);
    assert_int_equal(network_connect(4, 8080), -ECONNREFUSED);
    fixture_end_aborted(&fx);
    assert_null(fx.forwards->ending);
    assert_int_equal(forwards_remove(fx.forwards, "static-1"), STATUS_NOT_FOUND);
    close(client);
}

static void removed_automatic_forward_stays_away(void **state)
{
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 3000));
    assert_int_equal(forwards_remove(fx.forwards, "tcp-3000"), 0);
    assert_int_equal(forwards_count(fx.forwards), 0);
    fixture_close(&fx, PORT_TCP, "0.0.0.0", 3000);
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 3000));
    assert_int_equal(forwards_count(fx.forwards), 0);
    assert_int_equal(forwards_rules(fx.forwards)->count, 1);
}

static void requests_out_of_range_are_refused(void **state)
{
    const struct forward *forward = NULL;
    struct forward_request request = request_for(0, 80);
    assert_int_equal(add(request, &forward), STATUS_INVALID);
    request = request_for(80, 80);
    request.protocol = 3;
    assert_int_equal(add(request, &forward), STATUS_INVALID);
    static const char *const BINDS[] = {"224.0.0.1", "255.255.255.255", "ff02::1", "fe80::1"};
    for (size_t i = 0; i < sizeof(BINDS) / sizeof(BINDS[0]); i++) {
        request = request_for(80, 80);
        assert_true(ip_address_parse(BINDS[i], &request.bind));
        assert_int_equal(add(request, &forward), STATUS_INVALID);
    }
    assert_null(forward);
    assert_int_equal(forwards_count(fx.forwards), 0);
    assert_int_equal(fx.dirty, 0);
}

static void same_forward_twice_is_a_conflict(void **state)
{
    const struct forward *forward;
    fixture_add(&fx, 80, 8080, false);
    assert_int_equal(add(request_for(80, 8080), &forward), STATUS_CONFLICT);
    assert_int_equal(add(request_for(80, 8081), &forward), 0);
    struct forward_request request = request_for(80, 8080);
    ip_address_parse("127.0.0.2", &request.bind);
    assert_int_equal(add(request, &forward), 0);
    assert_int_equal(add(request, &forward), STATUS_CONFLICT);
    assert_int_equal(forwards_count(fx.forwards), 3);
}

static void explicit_bind_address_is_the_only_one(void **state)
{
    const struct forward *forward;
    struct forward_request request = request_for(80, 8080);
    ip_address_parse("::1", &request.bind);
    assert_int_equal(add(request, &forward), 0);
    assert_false(forward->bind_both_loopbacks);
    assert_true(network_is_taken(6, SOCK_STREAM, 8080));
    assert_false(network_is_taken(4, SOCK_STREAM, 8080));
}

static void any_address_takes_both_families_when_asked_for(void **state)
{
    const struct forward *forward;
    struct forward_request request = request_for(80, 8080);
    ip_address_parse("::", &request.bind);
    assert_int_equal(add(request, &forward), 0);
    int v4 = network_connect(4, 8080), v6 = network_connect(6, 8080);
    assert_true(v4 >= 0 && v6 >= 0);
    close(v4);
    close(v6);
}

static void address_of_another_host_fails_with_its_reason(void **state)
{
    const struct forward *forward;
    struct forward_request request = request_for(80, 8080);
    request.allow_fallback = true;
    ip_address_parse("192.0.2.1", &request.bind);
    assert_int_equal(add(request, &forward), 0);
    assert_int_equal(forward->state, FORWARD_FAILED);
    assert_string_equal(forward->reason, "192.0.2.1 is not an address of this host");
}

static void disabled_forward_is_kept_and_leaves_the_automatic_one(void **state)
{
    const struct forward *forward;
    struct forward_request request = request_for(3000, 3000);
    request.enabled = false;
    assert_int_equal(add(request, &forward), 0);
    assert_int_equal(forward->state, FORWARD_DISABLED);
    assert_int_equal(fixture_count_news(&fx, "forward opened static-1"), 1);
    assert_false(network_is_taken(4, SOCK_STREAM, 3000));
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 3000));
    assert_int_equal(fixture_forward(&fx, "tcp-3000")->state, FORWARD_ACTIVE);
    fixture_pass(&fx, FORWARD_RETRY_MS);
    assert_int_equal(forward->state, FORWARD_DISABLED);
}

static void static_udp_forward_is_served_at_once(void **state)
{
    const struct forward *forward;
    struct forward_request request = request_for(53, 5300);
    request.protocol = PORT_UDP;
    assert_int_equal(add(request, &forward), 0);
    assert_int_equal(fx.udp_count, 2);
    assert_int_equal(fx.udp_target->port, 53);
    assert_int_equal(forwards_remove(fx.forwards, forward->id), 0);
    assert_int_equal(fx.udp_count, 0);
}

static void static_forwards_have_a_maximum(void **state)
{
    const struct forward *forward;
    for (uint16_t i = 0; i < FORWARDS_STATIC_MAX; i++) {
        struct forward_request request = request_for(80, (uint16_t)(1000 + i));
        request.enabled = false;
        assert_int_equal(add(request, &forward), 0);
    }
    assert_int_equal(add(request_for(81, 9), &forward), STATUS_LIMIT);
}

static void host_port_finds_who_listens_before_who_asks(void **state)
{
    const struct forward *asking = fixture_add(&fx, 80, 8080, false);
    assert_ptr_equal(forwards_find_host_port(fx.forwards, 0, 8080), asking);
    assert_ptr_equal(forwards_find_host_port(fx.forwards, PORT_TCP, 8080), asking);
    assert_null(forwards_find_host_port(fx.forwards, PORT_UDP, 8080));
    assert_null(forwards_find_host_port(fx.forwards, 0, 80));
    int held = network_hold(4, SOCK_STREAM, 9000);
    const struct forward *failed = fixture_add(&fx, 70, 9000, false);
    assert_ptr_equal(forwards_find_host_port(fx.forwards, 0, 9000), failed);
    close(held);
}

int main(void)
{
    network_isolate();
#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        CASE(static_forward_listens_before_the_guest_does),
        CASE(static_forward_replaces_the_automatic_one_and_gives_it_back),
        CASE(removed_forward_closes_its_connections_before_it_is_freed),
        CASE(removed_automatic_forward_stays_away),
        CASE(requests_out_of_range_are_refused),
        CASE(same_forward_twice_is_a_conflict),
        CASE(explicit_bind_address_is_the_only_one),
        CASE(any_address_takes_both_families_when_asked_for),
        CASE(address_of_another_host_fails_with_its_reason),
        CASE(disabled_forward_is_kept_and_leaves_the_automatic_one),
        CASE(static_udp_forward_is_served_at_once),
        CASE(static_forwards_have_a_maximum),
        CASE(host_port_finds_who_listens_before_who_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
