/* SPDX-License-Identifier: MIT */
/* Saving and loading, and GhostVM's list: what fits survives, what does not is refused whole, by name. */
#include "protocol/base/status.h"
#include "tests/unit/forwards/forwards_fixture.h"
#include "tests/unit/forwards/network.h"

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <cmocka.h>

#include <stdlib.h>
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

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, JSON_DECODE_ANY, &error);
    assert_non_null(json);
    return json;
}

/* Ends the bridge's life and begins the next with what was saved. */
static void restart(void)
{
    char problem[TEXT_REASON_MAX + 1] = "";
    json_t *saved = forwards_save(fx.forwards);
    assert_non_null(saved);
    char *text = json_dumps(saved, 0);
    json_decref(saved);
    fixture_stop(&fx);
    fixture_start(&fx, NULL);
    saved = parse(text);
    free(text);
    assert_int_equal(forwards_load(fx.forwards, saved, problem), 0);
    json_decref(saved);
    assert_int_equal(fx.dirty, 0);
    fixture_snapshot(&fx, 0, NULL);
}

static void remembered_port_is_used_again_after_a_restart(void **state)
{
    int held = network_hold(4, SOCK_STREAM, 8080);
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    assert_int_equal(fixture_forward(&fx, "tcp-8080")->host_port, 8081);
    assert_int_equal(fx.dirty, 1);
    close(held);
    restart();
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    const struct forward *forward = fixture_forward(&fx, "tcp-8080");
    assert_int_equal(forward->host_port, 8081);
    assert_int_equal(forward->requested_host_port, 8081);
    assert_string_equal(forward->reason, "the same host port as before");
    assert_int_equal(fx.dirty, 0);
}

static void remembered_port_that_is_taken_gives_way_to_the_guests_own(void **state)
{
    char problem[TEXT_REASON_MAX + 1];
    json_t *saved =
        parse("{\"version\":1,\"hostPorts\":[{\"protocol\":\"tcp\",\"guestPort\":8080,\"hostPort\":9000}]}");
    assert_int_equal(forwards_load(fx.forwards, saved, problem), 0);
    json_decref(saved);
    int held = network_hold(4, SOCK_STREAM, 9000);
    fixture_open(&fx, fact_of(PORT_TCP, "0.0.0.0", 8080));
    const struct forward *forward = fixture_forward(&fx, "tcp-8080");
    assert_int_equal(forward->host_port, 8080);
    assert_non_null(strstr(forward->reason, "9000 is held by"));
    assert_int_equal(fx.dirty, 1);
    close(held);
}

static void static_forwards_and_rules_survive_with_their_ids(void **state)
{
    struct policy_rule block = rule_of("9000-9001/udp", POLICY_BLOCK);
    struct policy_rule ask = {
        .uid = 1000, .process = "vé*", .command = "c?", .unit = "u", .action = POLICY_ASK};
    forwards_put_rule(fx.forwards, &block);
    forwards_put_rule(fx.forwards, &ask);
    fixture_add(&fx, 81, 8081, false);
    fixture_add(&fx, 80, 8080, true);
    forwards_remove(fx.forwards, "static-1");
    char problem[TEXT_REASON_MAX + 1];
    const struct forward *forward;
    struct forward_request request = {.protocol = PORT_UDP, .guest_port = 53, .host_port = 5300};
    ip_address_parse("0.0.0.0", &request.bind);
    assert_int_equal(forwards_add(fx.forwards, &request, &forward, problem), 0);
    restart();
    assert_int_equal(forwards_count(fx.forwards), 2);
    forward = fixture_forward(&fx, "static-2");
    assert_int_equal(forward->guest_port, 80);
    assert_int_equal(forward->host_port, 8080);
    assert_true(forward->allow_fallback);
    assert_true(forward->bind_both_loopbacks);
    forward = fixture_forward(&fx, "static-3");
    assert_int_equal(forward->state, FORWARD_DISABLED);
    assert_int_equal(forward->protocol, PORT_UDP);
    assert_true(ip_address_is_any(&forward->bind) && forward->bind.family == 4);
    assert_int_equal(fixture_add(&fx, 7, 7007, false)->id[7], '4');
    const struct policy_set *rules = forwards_rules(fx.forwards);
    assert_int_equal(rules->count, 2);
    assert_memory_equal(&rules->rules[0], &ask, sizeof(ask));
    assert_memory_equal(&rules->rules[1], &block, sizeof(block));
}

static void loading_refuses_a_wrong_state_whole_and_by_name(void **state)
{
#define GOOD "{\"number\":1,\"protocol\":\"tcp\",\"guestPort\":80,\"hostPort\":8080}"
    static const struct {
        const char *text, *problem;
    } CASES[] = {
        {"7", "expected an object"},
        {"[]", "expected an object"},
        {"{}", "version is missing"},
        {"{\"version\":2}", "version"},
        {"{\"version\":1,\"color\":1}", "color"},
        {"{\"version\":1,\"nextStatic\":0}", "nextStatic"},
        {"{\"version\":1,\"forwards\":{}}", "forwards: expected a list"},
        {"{\"version\":1,\"forwards\":[" GOOD ",3]}", "forwards[1]"},
        {"{\"version\":1,\"forwards\":[" GOOD "," GOOD "]}", "forwards[1] repeats forwards[0]"},
        {"{\"version\":1,\"forwards\":[{\"number\":1,\"guestPort\":80,\"hostPort\":1}]}",
         "forwards[0].protocol"},
        {"{\"version\":1,\"forwards\":[{\"number\":1,\"protocol\":\"tcp\",\"guestPort\":0,\"hostPort\":1}]}",
         "forwards[0].guestPort: expected a whole number from 1 to 65535"},
        {"{\"version\":1,\"forwards\":[{\"number\":1,\"protocol\":\"tcp\",\"guestPort\":1,\"hostPort\":70000}"
         "]}",
         "forwards[0].hostPort"},
        {"{\"version\":1,\"forwards\":[{\"number\":1,\"protocol\":\"tcp\",\"guestPort\":1,\"hostPort\":1,"
         "\"bind\":\"224.0.0.1\"}]}",
         "forwards[0].bind"},
        {"{\"version\":1,\"forwards\":[{\"number\":1,\"protocol\":\"tcp\",\"guestPort\":1,\"hostPort\":1,"
         "\"enabled\":1}]}",
         "forwards[0].enabled: expected true or false"},
        {"{\"version\":1,\"rules\":[{}]}", "rules[0].action"},
        {"{\"version\":1,\"rules\":[{\"action\":\"no\"}]}", "rules[0].action"},
        {"{\"version\":1,\"rules\":[{\"action\":\"ask\",\"portHigh\":5}]}", "rules[0].portLow"},
        {"{\"version\":1,\"rules\":[{\"action\":\"ask\",\"portLow\":9,\"portHigh\":5}]}",
         "rules[0].portHigh"},
        {"{\"version\":1,\"rules\":[{\"action\":\"ask\",\"uid\":-1}]}", "rules[0].uid"},
        {"{\"version\":1,\"rules\":[{\"action\":\"ask\",\"process\":\"a\\u0000b\"}]}", "rules[0].process"},
        {"{\"version\":1,\"rules\":[{\"action\":\"ask\",\"protocol\":\"sctp\"}]}", "rules[0].protocol"},
        {"{\"version\":1,\"hostPorts\":[{\"protocol\":\"tcp\",\"guestPort\":1}]}",
         "hostPorts[0].hostPort is missing"},
        {"{\"version\":1,\"hostPorts\":[{\"guestPort\":1,\"hostPort\":2}]}", "hostPorts[0].protocol"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        char problem[TEXT_REASON_MAX + 1] = "";
        json_t *json = json_loads(CASES[i].text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(json);
        assert_int_equal(forwards_load(fx.forwards, json, problem), STATUS_MALFORMED);
        json_decref(json);
        if (strstr(problem, CASES[i].problem) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", problem, CASES[i].problem);
        assert_int_equal(forwards_count(fx.forwards), 0);
        assert_int_equal(forwards_rules(fx.forwards)->count, 0);
    }
}

static void loading_refuses_more_than_fits(void **state)
{
    char problem[TEXT_REASON_MAX + 1];
    json_t *json = parse("{\"version\":1}"), *list = json_array();
    for (int i = 0; i <= REMEMBERED_PORTS_MAX; i++)
        json_array_append_new(list, json_object());
    json_object_set_new(json, "hostPorts", list);
    assert_int_equal(forwards_load(fx.forwards, json, problem), STATUS_MALFORMED);
    assert_non_null(strstr(problem, "at most 1024 entries"));
    json_decref(json);
}

static int load_ghostvm(const char *text, char *problem)
{
    json_t *list = parse(text);
    int status = forwards_load_ghostvm(fx.forwards, list, problem);
    json_decref(list);
    return status;
}

static void ghostvm_list_becomes_static_forwards_that_are_not_saved(void **state)
{
    char problem[TEXT_REASON_MAX + 1];
    assert_int_equal(load_ghostvm("[{\"hostPort\":8080,\"guestPort\":80},"
                                  "{\"hostPort\":8080,\"guestPort\":80},"
                                  "{\"id\":\"x\",\"hostPort\":8081,\"guestPort\":81,\"enabled\":false}]",
                                  problem),
                     0);
    assert_int_equal(forwards_count(fx.forwards), 2);
    assert_int_equal(fixture_forward(&fx, "static-1")->state, FORWARD_ACTIVE);
    assert_int_equal(fixture_forward(&fx, "static-1")->host_port, 8080);
    assert_int_equal(fixture_forward(&fx, "static-2")->state, FORWARD_DISABLED);
    json_t *saved = forwards_save(fx.forwards);
    assert_int_equal(json_array_size(json_object_get(saved, "forwards")), 0);
    json_decref(saved);
}

static void ghostvm_entry_does_not_fall_back(void **state)
{
    char problem[TEXT_REASON_MAX + 1];
    int held = network_hold(4, SOCK_STREAM, 8080);
    assert_int_equal(load_ghostvm("[{\"hostPort\":8080,\"guestPort\":80}]", problem), 0);
    assert_int_equal(fixture_forward(&fx, "static-1")->state, FORWARD_FAILED);
    close(held);
}

static void ghostvm_list_that_changed_replaces_the_earlier_one(void **state)
{
    char problem[TEXT_REASON_MAX + 1];
    load_ghostvm("[{\"hostPort\":8080,\"guestPort\":80},{\"hostPort\":8081,\"guestPort\":81}]", problem);
    const struct forward *kept = fixture_forward(&fx, "static-2");
    fixture_add(&fx, 90, 9090, false);
    assert_int_equal(
        load_ghostvm("[{\"hostPort\":8081,\"guestPort\":81},{\"hostPort\":8080,\"guestPort\":82}]", problem),
        0);
    assert_null(forwards_find(fx.forwards, "static-1"));
    assert_ptr_equal(fixture_forward(&fx, "static-2"), kept);
    assert_int_equal(fixture_forward(&fx, "static-3")->guest_port, 90);
    assert_int_equal(fixture_forward(&fx, "static-4")->host_port, 8080);
    assert_int_equal(fixture_count_news(&fx, "forward closed static-2"), 0);
}

static void ghostvm_list_with_an_error_changes_nothing(void **state)
{
    static const struct {
        const char *text, *problem;
    } CASES[] = {
        {"{}", "portForwards: expected a list"},
        {"[5]", "portForwards[0]: expected an object"},
        {"[{\"guestPort\":80}]", "portForwards[0].hostPort is missing"},
        {"[{\"hostPort\":80}]", "portForwards[0].guestPort is missing"},
        {"[{\"hostPort\":8080,\"guestPort\":80},{\"hostPort\":0,\"guestPort\":80}]",
         "portForwards[1].hostPort: expected a whole number from 1 to 65535"},
        {"[{\"hostPort\":80,\"guestPort\":70000}]", "portForwards[0].guestPort"},
        {"[{\"hostPort\":80,\"guestPort\":-1}]", "portForwards[0].guestPort"},
        {"[{\"hostPort\":\"80\",\"guestPort\":80}]", "portForwards[0].hostPort"},
        {"[{\"hostPort\":80.5,\"guestPort\":80}]", "portForwards[0].hostPort"},
        {"[{\"hostPort\":80,\"guestPort\":80,\"enabled\":\"yes\"}]", "portForwards[0].enabled"},
    };
    char problem[TEXT_REASON_MAX + 1];
    load_ghostvm("[{\"hostPort\":9090,\"guestPort\":90}]", problem);
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        assert_int_equal(load_ghostvm(CASES[i].text, problem), STATUS_MALFORMED);
        if (strstr(problem, CASES[i].problem) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", problem, CASES[i].problem);
        assert_int_equal(forwards_count(fx.forwards), 1);
        assert_int_equal(fixture_forward(&fx, "static-1")->state, FORWARD_ACTIVE);
    }
}

int main(void)
{
    network_isolate();
#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        CASE(remembered_port_is_used_again_after_a_restart),
        CASE(remembered_port_that_is_taken_gives_way_to_the_guests_own),
        CASE(static_forwards_and_rules_survive_with_their_ids),
        CASE(loading_refuses_a_wrong_state_whole_and_by_name),
        CASE(loading_refuses_more_than_fits),
        CASE(ghostvm_list_becomes_static_forwards_that_are_not_saved),
        CASE(ghostvm_entry_does_not_fall_back),
        CASE(ghostvm_list_that_changed_replaces_the_earlier_one),
        CASE(ghostvm_list_with_an_error_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
