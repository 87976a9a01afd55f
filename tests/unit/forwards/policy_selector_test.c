/* SPDX-License-Identifier: MIT */
#include "host-bridge/features/forwards/policy.h"
#include "protocol/base/status.h"

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <cmocka.h>

#include <string.h>

static void selector_parses_and_prints_the_same(void **state)
{
    static const char *const TEXTS[] = {
        "8080",
        "3000-3999",
        "1",
        "65535",
        "1-65535",
        "process:vite",
        "command:*x",
        "unit:web.*",
        "uid:0",
        "uid:4294967295",
        "*",
        "8080/tcp",
        "1-2/udp",
        "process:a/b",
        "*/udp",
        "process:é?",
        "command:a b/tcp",
    };
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
        struct policy_rule rule;
        char problem[TEXT_REASON_MAX + 1], text[TEXT_REASON_MAX + 1];
        assert_int_equal(policy_selector_parse(TEXTS[i], &rule, problem), 0);
        policy_selector_format(&rule, text, sizeof(text));
        assert_string_equal(text, TEXTS[i]);
    }
}

static void selector_fills_the_fields(void **state)
{
    struct policy_rule rule;
    char problem[TEXT_REASON_MAX + 1];
    assert_int_equal(policy_selector_parse("3000-3999/udp", &rule, problem), 0);
    assert_int_equal(rule.port_low, 3000);
    assert_int_equal(rule.port_high, 3999);
    assert_int_equal(rule.protocol, PORT_UDP);
    assert_int_equal(rule.uid, -1);
    assert_string_equal(rule.process, "");
    assert_int_equal(policy_selector_parse("uid:1000", &rule, problem), 0);
    assert_int_equal(rule.uid, 1000);
    assert_int_equal(rule.port_high, 0);
}

static void selector_refuses_what_is_no_selector(void **state)
{
    static const char *const TEXTS[] = {
        "",
        "0",
        "65536",
        "70000",
        "-1",
        "8080-",
        "-8080",
        "90-80",
        "1-65536",
        "0-10",
        "1-2-3",
        "80 ",
        " 80",
        "+80",
        "0x50",
        "process:",
        "command:",
        "unit:",
        "uid:",
        "uid:-1",
        "uid:x",
        "uid:1x",
        "name:x",
        "/tcp",
        "8080/sctp",
        "8080/TCP",
        "process:/tcp",
        "uid:4294967296",
        "process:\x1b[2J",
        "process:\xff",
        "99999999999999999999999999999999",
    };
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
        struct policy_rule rule = {.port_low = 7};
        char problem[TEXT_REASON_MAX + 1] = "";
        assert_int_equal(policy_selector_parse(TEXTS[i], &rule, problem), STATUS_INVALID);
        assert_true(strlen(problem) > 0);
        assert_int_equal(rule.port_low, 7);
    }
}

static void selector_refuses_patterns_longer_than_their_field(void **state)
{
    char text[1024], problem[TEXT_REASON_MAX + 1];
    struct policy_rule rule;
    memset(text, 'a', sizeof(text));
    memcpy(text, "process:", 8);
    text[8 + TEXT_NAME_MAX] = '\0';
    assert_int_equal(policy_selector_parse(text, &rule, problem), 0);
    assert_int_equal(strlen(rule.process), TEXT_NAME_MAX);
    text[8 + TEXT_NAME_MAX] = 'a';
    text[8 + TEXT_NAME_MAX + 1] = '\0';
    assert_int_equal(policy_selector_parse(text, &rule, problem), STATUS_INVALID);
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    memcpy(text, "command:", 8);
    assert_int_equal(policy_selector_parse(text, &rule, problem), STATUS_INVALID);
    text[8 + TEXT_COMMAND_MAX] = '\0';
    assert_int_equal(policy_selector_parse(text, &rule, problem), 0);
}

static void several_conditions_are_joined_and_cut_to_fit(void **state)
{
    struct policy_rule rule = {
        .port_low = 80, .port_high = 90, .protocol = PORT_TCP, .uid = 5, .process = "vite", .unit = "web"};
    char text[64], small[10];
    policy_selector_format(&rule, text, sizeof(text));
    assert_string_equal(text, "80-90 process:vite unit:web uid:5/tcp");
    policy_selector_format(&rule, small, sizeof(small));
    assert_string_equal(small, "80-90 pro");
}

static void action_names_go_both_ways(void **state)
{
    static const char *const NAMES[] = {"forward", "ask", "ignore", "block"};
    for (int i = 0; i < 4; i++) {
        enum policy_action action;
        assert_true(policy_action_parse(NAMES[i], &action));
        assert_int_equal(action, POLICY_FORWARD + i);
        assert_string_equal(policy_action_name(action), NAMES[i]);
    }
    enum policy_action action = POLICY_BLOCK;
    assert_false(policy_action_parse("Forward", &action));
    assert_false(policy_action_parse("", &action));
    assert_int_equal(action, POLICY_BLOCK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selector_parses_and_prints_the_same),
        cmocka_unit_test(selector_fills_the_fields),
        cmocka_unit_test(selector_refuses_what_is_no_selector),
        cmocka_unit_test(selector_refuses_patterns_longer_than_their_field),
        cmocka_unit_test(several_conditions_are_joined_and_cut_to_fit),
        cmocka_unit_test(action_names_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
