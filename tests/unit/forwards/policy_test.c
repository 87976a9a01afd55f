/* SPDX-License-Identifier: MIT */
/* The table of decisions: each default, each condition of a rule, the order of rules. */
#include "host-bridge/features/forwards/policy.h"

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static struct port_fact make(uint8_t protocol, const char *address, uint16_t port)
{
    struct port_fact fact = {.key = {.protocol = protocol, .port = port}, .uid = 1000};
    assert_true(ip_address_parse(address, &fact.key.address));
    snprintf(fact.name, sizeof(fact.name), "vite");
    snprintf(fact.command, sizeof(fact.command), "node /srv/vite --port 3000");
    snprintf(fact.unit, sizeof(fact.unit), "web.service");
    snprintf(fact.container, sizeof(fact.container), "0123abcd");
    return fact;
}

static struct policy_decision decide(const struct policy_set *guest, const struct policy_set *config,
                                     const struct port_fact *fact, uint64_t age_ms)
{
    struct policy_context context = {.guest_rules = guest, .config_rules = config};
    struct policy_decision decision;
    policy_decide(&context, fact, age_ms, &decision);
    return decision;
}

static void defaults_decide_as_listed(void **state)
{
    static const struct {
        uint8_t protocol;
        const char *address;
        uint16_t port;
        uint64_t age_ms;
        enum policy_action action;
        uint32_t again_at_age_ms;
    } CASES[] = {
        {PORT_TCP, "0.0.0.0", 3000, 0, POLICY_FORWARD, 0},
        {PORT_TCP, "127.0.0.1", 80, 0, POLICY_FORWARD, 0},
        {PORT_TCP, "::", 1, 0, POLICY_FORWARD, 0},
        {PORT_TCP, "0.0.0.0", 65535, 0, POLICY_FORWARD, 0},
        {PORT_TCP, "0.0.0.0", 22, 9999, POLICY_IGNORE, 0},
        {PORT_TCP, "0.0.0.0", 53, 9999, POLICY_IGNORE, 0},
        {PORT_UDP, "0.0.0.0", 53, 9999, POLICY_IGNORE, 0},
        {PORT_TCP, "0.0.0.0", 111, 9999, POLICY_IGNORE, 0},
        {PORT_UDP, "127.0.0.1", 323, 9999, POLICY_IGNORE, 0},
        {PORT_TCP, "127.0.0.1", 631, 9999, POLICY_IGNORE, 0},
        {PORT_UDP, "0.0.0.0", 5353, 9999, POLICY_IGNORE, 0},
        {PORT_TCP, "0.0.0.0", 5355, 9999, POLICY_IGNORE, 0},
        {PORT_TCP, "0.0.0.0", 5002, 0, POLICY_FORWARD, 0}, /* of another process than the agent */
        {PORT_TCP, "fe80::1", 3000, 9999, POLICY_IGNORE, 0},
        {PORT_TCP, "169.254.1.1", 3000, 9999, POLICY_IGNORE, 0},
        {PORT_UDP, "224.0.0.251", 3000, 9999, POLICY_IGNORE, 0},
        {PORT_UDP, "ff02::fb", 3000, 9999, POLICY_IGNORE, 0},
        {PORT_TCP, "0.0.0.0", 32767, 0, POLICY_FORWARD, 0},
        {PORT_TCP, "0.0.0.0", 32768, 0, POLICY_IGNORE, 3000},
        {PORT_TCP, "0.0.0.0", 32768, 2999, POLICY_IGNORE, 3000},
        {PORT_TCP, "0.0.0.0", 32768, 3000, POLICY_FORWARD, 0},
        {PORT_TCP, "0.0.0.0", 60999, 2999, POLICY_IGNORE, 3000},
        {PORT_TCP, "0.0.0.0", 61000, 0, POLICY_FORWARD, 0},
        {PORT_UDP, "0.0.0.0", 9999, 0, POLICY_IGNORE, 1000},
        {PORT_UDP, "0.0.0.0", 9999, 999, POLICY_IGNORE, 1000},
        {PORT_UDP, "0.0.0.0", 9999, 1000, POLICY_FORWARD, 0},
        {PORT_UDP, "0.0.0.0", 40000, UINT64_MAX, POLICY_IGNORE, 0},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct port_fact fact = make(CASES[i].protocol, CASES[i].address, CASES[i].port);
        struct policy_decision decision = decide(NULL, NULL, &fact, CASES[i].age_ms);
        assert_int_equal(decision.action, CASES[i].action);
        assert_int_equal(decision.again_at_age_ms, CASES[i].again_at_age_ms);
        assert_int_equal(decision.origin, POLICY_BY_DEFAULT);
        assert_int_equal(strncmp(decision.reason, "default: ", 9), 0);
    }
}

static void agents_own_ports_are_ignored(void **state)
{
    struct port_fact fact = make(PORT_TCP, "0.0.0.0", PORT_CONTROL_DEFAULT);
    strcpy(fact.name, "hospes-agent");
    assert_int_equal(decide(NULL, NULL, &fact, 9999).action, POLICY_IGNORE);
    fact.key.port = PORT_EVENTS_DEFAULT;
    assert_int_equal(decide(NULL, NULL, &fact, 9999).action, POLICY_IGNORE);
}

static void a_bridges_own_forwards_are_ignored(void **state)
{
    struct port_fact fact = make(PORT_TCP, "127.0.0.1", 8080);
    strcpy(fact.name, "hospes-bridge");
    assert_int_equal(decide(NULL, NULL, &fact, 9999).action, POLICY_IGNORE);
}

static void guests_ephemeral_range_replaces_the_assumed_one(void **state)
{
    struct port_fact fact = make(PORT_TCP, "0.0.0.0", 40000);
    struct policy_context context = {.ephemeral_low = 50000, .ephemeral_high = 50010};
    struct policy_decision decision;
    policy_decide(&context, &fact, 0, &decision);
    assert_int_equal(decision.action, POLICY_FORWARD);
    fact.key.port = 50010;
    policy_decide(&context, &fact, 0, &decision);
    assert_int_equal(decision.again_at_age_ms, 3000);
    context.ephemeral_high = 5; /* nonsense: assume the usual one */
    policy_decide(&context, &fact, 0, &decision);
    assert_int_equal(decision.again_at_age_ms, 3000);
    fact.key.port = 5;
    policy_decide(&context, &fact, 0, &decision);
    assert_int_equal(decision.action, POLICY_FORWARD);
}

static void each_condition_of_a_rule_must_match(void **state)
{
    static const struct {
        struct policy_rule rule;
        bool matches;
    } CASES[] = {
        {{.uid = -1}, true},
        {{.uid = -1, .port_low = 3000, .port_high = 3000}, true},
        {{.uid = -1, .port_low = 2000, .port_high = 3000}, true},
        {{.uid = -1, .port_low = 3000, .port_high = 4000}, true},
        {{.uid = -1, .port_low = 2000, .port_high = 2999}, false},
        {{.uid = -1, .port_low = 3001, .port_high = 4000}, false},
        {{.uid = -1, .protocol = PORT_TCP}, true},
        {{.uid = -1, .protocol = PORT_UDP}, false},
        {{.uid = 1000}, true},
        {{.uid = 0}, false},
        {{.uid = -1, .process = "vi*"}, true},
        {{.uid = -1, .process = "vi"}, false},
        {{.uid = -1, .command = "*--port 3000"}, true},
        {{.uid = -1, .command = "python*"}, false},
        {{.uid = -1, .unit = "web.*"}, true},
        {{.uid = -1, .unit = "0123*"}, true}, /* the container */
        {{.uid = -1, .unit = "db.*"}, false},
        {{.uid = 1000, .process = "vite", .port_low = 3000, .port_high = 3000}, true},
        {{.uid = 1000, .process = "vite", .port_low = 3001, .port_high = 3001}, false},
    };
    struct port_fact fact = make(PORT_TCP, "0.0.0.0", 3000);
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct policy_rule rule = CASES[i].rule;
        rule.action = POLICY_ASK;
        struct policy_set set = {.count = 1, .rules = &rule};
        struct policy_decision decision = decide(&set, NULL, &fact, 0);
        assert_int_equal(decision.action, CASES[i].matches ? POLICY_ASK : POLICY_FORWARD);
    }
}

static void unknown_name_matches_no_glob(void **state)
{
    struct port_fact fact = make(PORT_TCP, "0.0.0.0", 3000);
    struct policy_rule rule = {.uid = -1, .process = "*", .action = POLICY_BLOCK};
    struct policy_set set = {.count = 1, .rules = &rule};
    assert_int_equal(decide(&set, NULL, &fact, 0).action, POLICY_BLOCK);
    fact.name[0] = '\0';
    assert_int_equal(decide(&set, NULL, &fact, 0).action, POLICY_FORWARD);
}

static void first_match_wins_and_guest_rules_come_first(void **state)
{
    struct port_fact fact = make(PORT_TCP, "0.0.0.0", 22);
    struct policy_rule guest_rules[] = {
        {.uid = -1, .port_low = 9, .port_high = 9, .action = POLICY_BLOCK},
        {.uid = -1, .process = "vite", .action = POLICY_FORWARD},
        {.uid = -1, .port_low = 22, .port_high = 22, .action = POLICY_ASK},
    };
    struct policy_rule config_rules[] = {{.uid = -1, .action = POLICY_BLOCK}};
    struct policy_set guest = {3, guest_rules}, config = {1, config_rules};
    struct policy_decision decision = decide(&guest, &config, &fact, 0);
    assert_int_equal(decision.action, POLICY_FORWARD);
    assert_int_equal(decision.origin, POLICY_BY_GUEST_RULE);
    assert_string_equal(decision.reason, "process:vite → forward");
    strcpy(fact.name, "other");
    assert_int_equal(decide(&guest, &config, &fact, 0).action, POLICY_ASK);
    fact.key.port = 23;
    decision = decide(&guest, &config, &fact, 0);
    assert_int_equal(decision.origin, POLICY_BY_CONFIG_RULE);
    assert_string_equal(decision.reason, "* → block");
}

static void rule_allows_udp_and_ephemeral_ports_at_once(void **state)
{
    struct port_fact fact = make(PORT_UDP, "0.0.0.0", 40000);
    struct policy_rule rule = {.uid = -1, .port_low = 40000, .port_high = 40000, .action = POLICY_FORWARD};
    struct policy_set set = {1, &rule};
    struct policy_decision decision = decide(&set, NULL, &fact, 0);
    assert_int_equal(decision.action, POLICY_FORWARD);
    assert_int_equal(decision.again_at_age_ms, 0);
}

static void long_reason_is_cut_between_characters(void **state)
{
    struct port_fact fact = make(PORT_TCP, "0.0.0.0", 3000);
    struct policy_rule rule = {.uid = -1, .action = POLICY_ASK};
    for (size_t i = 0; i + 3 <= TEXT_COMMAND_MAX; i += 3)
        memcpy(rule.command + i, "€", 3);
    memcpy(fact.command, rule.command, sizeof(rule.command));
    struct policy_set set = {1, &rule};
    struct policy_decision decision = decide(&set, NULL, &fact, 0);
    assert_int_equal(decision.action, POLICY_ASK);
    size_t size = strlen(decision.reason);
    assert_int_equal((size - strlen("command:")) % 3, 0);
    assert_true(size > TEXT_REASON_MAX - 4 && size <= TEXT_REASON_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_decide_as_listed),
        cmocka_unit_test(agents_own_ports_are_ignored),
        cmocka_unit_test(a_bridges_own_forwards_are_ignored),
        cmocka_unit_test(guests_ephemeral_range_replaces_the_assumed_one),
        cmocka_unit_test(each_condition_of_a_rule_must_match),
        cmocka_unit_test(unknown_name_matches_no_glob),
        cmocka_unit_test(first_match_wins_and_guest_rules_come_first),
        cmocka_unit_test(rule_allows_udp_and_ephemeral_ports_at_once),
        cmocka_unit_test(long_reason_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
