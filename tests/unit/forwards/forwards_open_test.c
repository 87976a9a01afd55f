/* SPDX-License-Identifier: MIT */
/* Which host port a forward gets when others hold it, with real sockets as the others. */
#include "protocol/base/log.h"
#include "tests/unit/forwards/forwards_fixture.h"
#include "tests/unit/forwards/network.h"

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
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
    network_set_privilege(true);
    fixture_stop(&fx);
    return 0;
}

static void taken_port_falls_back_to_the_next_and_names_the_holder(void **state)
{
    int held = network_hold(4, SOCK_STREAM, 8080);
    char expected[80];
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    const struct forward *forward = fixture_forward(&fx, "tcp-8080");
    assert_int_equal(forward->state, FORWARD_ACTIVE);
    assert_int_equal(forward->host_port, 8081);
    assert_int_equal(forward->requested_host_port, 8080);
    snprintf(expected, sizeof(expected), "(pid %d)", getpid());
    assert_non_null(strstr(forward->reason, "8080 is held by "));
    assert_non_null(strstr(forward->reason, expected));
    close(held);
}

static void port_taken_on_v6_alone_is_not_used_on_v4_either(void **state)
{
    int held = network_hold(6, SOCK_STREAM, 8080);
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    assert_int_equal(fixture_forward(&fx, "tcp-8080")->host_port, 8081);
    assert_int_equal(network_connect(4, 8080), -ECONNREFUSED);
    assert_false(network_is_taken(4, SOCK_STREAM, 8080));
    close(held);
}

static void port_of_another_protocol_is_no_conflict(void **state)
{
    int held = network_hold(4, SOCK_DGRAM, 8080);
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    assert_int_equal(fixture_forward(&fx, "tcp-8080")->host_port, 8080);
    close(held);
}

static void hundred_taken_ports_lead_to_any_free_one(void **state)
{
    int held[FORWARD_FALLBACK_TRIES + 1];
    for (int i = 0; i <= FORWARD_FALLBACK_TRIES; i++)
        held[i] = network_hold(i % 2 == 0 ? 4 : 6, SOCK_STREAM, (uint16_t)(8000 + i));
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8000));
    const struct forward *forward = fixture_forward(&fx, "tcp-8000");
    assert_int_equal(forward->state, FORWARD_ACTIVE);
    assert_true(forward->host_port > 8099 || forward->host_port < 8000);
    assert_true(network_is_taken(4, SOCK_STREAM, forward->host_port));
    assert_true(network_is_taken(6, SOCK_STREAM, forward->host_port));
    for (int i = 0; i <= FORWARD_FALLBACK_TRIES; i++)
        close(held[i]);
}

static void fallback_stops_at_the_last_port(void **state)
{
    int held = network_hold(4, SOCK_STREAM, 65535);
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 65535));
    const struct forward *forward = fixture_forward(&fx, "tcp-65535");
    assert_int_equal(forward->state, FORWARD_ACTIVE);
    assert_true(forward->host_port != 65535 && forward->host_port != 0);
    close(held);
}

static void udp_port_is_not_shared(void **state)
{
    int on = 1, held = network_hold(4, SOCK_DGRAM, 9999);
    setsockopt(held, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    fixture_open(&fx, fact_of(PORT_UDP, "0.0.0.0", 9999));
    fixture_pass(&fx, 1000);
    assert_int_equal(fixture_forward(&fx, "udp-9999")->host_port, 10000);
    close(held);
}

static void two_guests_share_the_numbers_and_say_who_holds_them(void **state)
{
    static struct fixture other;
    fixture_start_beside(&other, &fx);
    fixture_snapshot(&other, 0, NULL);
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    other.holder = "guest first";
    fixture_open(&other, fact_of(PORT_TCP, "0.0.0.0", 8080));
    const struct forward *forward = fixture_forward(&other, "tcp-8080");
    assert_int_equal(forward->host_port, 8081);
    assert_string_equal(forward->reason, "8080 is held by guest first");
    fixture_stop_beside(&other, &fx);
}

static void restarted_bridge_binds_beside_connections_in_time_wait(void **state)
{
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    int client = network_connect(4, 8080);
    fixture_await_flows(&fx, 1);
    fixture_end_flow(&fx, 0); /* the accepting side closes first: TIME_WAIT stays with it */
    close(client);
    fixture_stop(&fx);
    start(state);
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    assert_int_equal(fixture_forward(&fx, "tcp-8080")->host_port, 8080);
}

static void low_port_without_privilege_becomes_a_well_known_high_one(void **state)
{
    network_set_privilege(false);
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 80));
    const struct forward *forward = fixture_forward(&fx, "tcp-80");
    assert_int_equal(forward->host_port, 8080);
    assert_non_null(strstr(forward->reason, "80 needs privilege"));
    assert_int_equal(fx.dirty, 1); /* remembered */
}

static void static_low_port_without_privilege_or_fallback_fails_with_a_hint(void **state)
{
    network_set_privilege(false);
    const struct forward *forward = fixture_add(&fx, 80, 0, false);
    assert_int_equal(forward->state, FORWARD_FAILED);
    assert_int_equal(forward->host_port, 0);
    assert_non_null(strstr(forward->reason, "80 needs privilege"));
    assert_non_null(strstr(forward->reason, "1024"));
    network_set_privilege(true);
    fixture_pass(&fx, FORWARD_RETRY_MS);
    assert_int_equal(forward->state, FORWARD_ACTIVE);
    assert_int_equal(forward->host_port, 80);
}

static void failed_forward_is_retried_only_while_there_is_one(void **state)
{
    int held = network_hold(4, SOCK_STREAM, 8080);
    const struct forward *forward = fixture_add(&fx, 80, 8080, false);
    assert_int_equal(forward->state, FORWARD_FAILED);
    fixture_clear_news(&fx);
    fixture_pass(&fx, FORWARD_RETRY_MS);
    assert_int_equal(forward->state, FORWARD_FAILED);
    assert_string_equal(fx.news, ""); /* the same failure is not told again */
    assert_int_equal(fx.forwards->due_ms, forwards_now(fx.forwards) + FORWARD_RETRY_MS);
    close(held);
    fixture_pass(&fx, FORWARD_RETRY_MS);
    assert_int_equal(forward->state, FORWARD_ACTIVE);
    assert_string_equal(forward->reason, "");
    assert_string_equal(fx.news, "forward changed static-1\n");
    assert_int_equal(fx.forwards->due_ms, 0);
}

static void failed_forward_takes_over_a_listener_of_ours_at_once(void **state)
{
    const struct forward *holder = fixture_add(&fx, 81, 8080, false);
    const struct forward *waiting = fixture_add(&fx, 80, 8080, false);
    assert_int_equal(waiting->state, FORWARD_FAILED);
    assert_string_equal(waiting->reason, "8080 is held by this guest's forward static-1");
    assert_int_equal(forwards_remove(fx.forwards, holder->id), 0);
    fixture_pass(&fx, 10);
    assert_int_equal(waiting->state, FORWARD_ACTIVE);
}

static void owner_can_ask_for_a_retry(void **state)
{
    int held = network_hold(4, SOCK_STREAM, 8080);
    const struct forward *forward = fixture_add(&fx, 80, 8080, false);
    close(held);
    forwards_retry_failed(fx.forwards);
    fixture_pass(&fx, 10);
    assert_int_equal(forward->state, FORWARD_ACTIVE);
}

/* Leaves `spare` descriptors. */
static struct rlimit exhaust_descriptors(int spare, int *fillers, size_t *ret_count)
{
    struct rlimit before, low;
    getrlimit(RLIMIT_NOFILE, &before);
    low = before;
    low.rlim_cur = 256;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    size_t count = 0;
    while ((fillers[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        count++;
    for (int i = 0; i < spare; i++)
        close(fillers[--count]);
    *ret_count = count;
    return before;
}

static void restore_descriptors(struct rlimit before, const int *fillers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(fillers[i]);
    setrlimit(RLIMIT_NOFILE, &before);
}

static unsigned log_lines;

static void count_line(void *ctx, enum log_level level, const char *line)
{
    log_lines++;
}

static void client_without_a_descriptor_is_refused_and_logged_once(void **state)
{
    enum { CLIENTS = 20 };
    int fillers[256], clients[CLIENTS];
    size_t count;
    log_lines = 0;
    log_set_sink(count_line, NULL);
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    fixture_turn(&fx);
    struct rlimit before = exhaust_descriptors(CLIENTS, fillers, &count);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = network_connect(4, 8080);
    fixture_turn(&fx);
    for (int i = 0; i < CLIENTS; i++) {
        assert_true(clients[i] >= 0);
        assert_true(network_was_reset(clients[i]));
    }
    assert_int_equal(fx.flow_count, 0);
    assert_int_equal(log_lines, 1);
    assert_true(fx.forwards->reserve.fd >= 0);
    restore_descriptors(before, fillers, count);
    int client = network_connect(4, 8080);
    fixture_await_flows(&fx, 1);
    close(client);
    for (int i = 0; i < CLIENTS; i++)
        close(clients[i]);
    log_set_sink(NULL, NULL);
}

static void listener_without_even_a_reserve_pauses_and_resumes(void **state)
{
    int fillers[256];
    size_t count;
    log_set_sink(count_line, NULL);
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    fixture_turn(&fx);
    struct rlimit before = exhaust_descriptors(1, fillers, &count);
    int client = network_connect(4, 8080);
    struct rlimit none = before;
    none.rlim_cur = 0; /* even the reserve's number is above the limit now */
    setrlimit(RLIMIT_NOFILE, &none);
    fixture_turn(&fx);
    assert_true(fx.forwards->resume_at_ms != 0);
    assert_int_equal(fx.flow_count, 0);
    restore_descriptors(before, fillers, count);
    fixture_pass(&fx, FORWARD_RESUME_MS);
    fixture_await_flows(&fx, 1);
    close(client);
    log_set_sink(NULL, NULL);
}

static void forward_without_descriptors_fails_and_comes_back(void **state)
{
    int fillers[256];
    size_t count;
    fixture_turn(&fx);
    struct rlimit before = exhaust_descriptors(0, fillers, &count);
    struct port_fact facts[100];
    for (uint16_t i = 0; i < 100; i++)
        facts[i] = fact_of(PORT_TCP, "0.0.0.0", (uint16_t)(3000 + i));
    fixture_snapshot(&fx, 100, facts);
    assert_int_equal(fixture_forward(&fx, "tcp-3000")->state, FORWARD_FAILED);
    assert_non_null(strstr(fixture_forward(&fx, "tcp-3099")->reason, "descriptor"));
    restore_descriptors(before, fillers, count);
    fixture_pass(&fx, FORWARD_RETRY_MS);
    fixture_pass(&fx, 10); /* the second slice */
    assert_int_equal(fixture_forward(&fx, "tcp-3000")->state, FORWARD_ACTIVE);
    assert_int_equal(fixture_forward(&fx, "tcp-3099")->state, FORWARD_ACTIVE);
}

static void many_taken_ports_are_worked_off_in_slices(void **state)
{
    enum { COUNT = 300 };
    static struct fixture other;
    static struct port_fact facts[COUNT];
    for (uint16_t i = 0; i < COUNT; i++)
        facts[i] = fact_of(PORT_TCP, "0.0.0.0", (uint16_t)(20000 + i));
    fixture_start_beside(&other, &fx);
    fixture_snapshot(&other, COUNT, facts);
    while (other.forwards->opening_count > 0)
        fixture_pass(&other, 10);
    fixture_snapshot(&fx, COUNT, facts);
    assert_true(fx.forwards->opening_count > 0); /* not all at once */
    assert_true(fx.forwards->due_ms != 0);
    for (int ticks = 0; fx.forwards->opening_count > 0 && ticks < COUNT; ticks++)
        fixture_pass(&fx, 10);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(forwards_at(fx.forwards, i)->state, FORWARD_ACTIVE);
    fixture_stop_beside(&other, &fx);
}

int main(void)
{
    network_isolate();
#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        CASE(taken_port_falls_back_to_the_next_and_names_the_holder),
        CASE(port_taken_on_v6_alone_is_not_used_on_v4_either),
        CASE(port_of_another_protocol_is_no_conflict),
        CASE(hundred_taken_ports_lead_to_any_free_one),
        CASE(fallback_stops_at_the_last_port),
        CASE(udp_port_is_not_shared),
        CASE(two_guests_share_the_numbers_and_say_who_holds_them),
        CASE(restarted_bridge_binds_beside_connections_in_time_wait),
        CASE(low_port_without_privilege_becomes_a_well_known_high_one),
        CASE(static_low_port_without_privilege_or_fallback_fails_with_a_hint),
        CASE(failed_forward_is_retried_only_while_there_is_one),
        CASE(failed_forward_takes_over_a_listener_of_ours_at_once),
        CASE(owner_can_ask_for_a_retry),
        CASE(client_without_a_descriptor_is_refused_and_logged_once),
        CASE(listener_without_even_a_reserve_pauses_and_resumes),
        CASE(forward_without_descriptors_fails_and_comes_back),
        CASE(many_taken_ports_are_worked_off_in_slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
