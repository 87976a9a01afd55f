/* SPDX-License-Identifier: MIT */
/* "clients" and "apiSocketGroup" of the configuration: what is taken, and where a mistake is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/base/status.h"
#include "tests/unit/bridge/config_text.h"

#define OTHER "54321" /* a user and a group by number; names depend on the machine */

static struct bridge_config config;
static char problem[CONFIG_PROBLEM_MAX];

static int load(const char *text)
{
    return config_text_load(text, &config, problem);
}

static int finish(void **state)
{
    bridge_config_finish(&config);
    return 0;
}

static void expect_problem(const char *text, const char *place, const char *words)
{
    assert_int_equal(load(text), STATUS_MALFORMED);
    if (strstr(problem, place) == NULL || strstr(problem, words) == NULL)
        fail_msg("%s", problem);
    bridge_config_finish(&config);
}

static void without_a_list_there_are_no_others(void **state)
{
    assert_int_equal(load("{}"), 0);
    assert_int_equal(config.client_count, 0);
    assert_false(config.has_api_group);
}

static void listed_users_get_the_classes_named(void **state)
{
    assert_int_equal(load("{\"apiSocketGroup\":\"" OTHER "\",\"clients\":["
                          "{\"user\":\"" OTHER "\",\"classes\":[\"observe\",\"ports\"]},"
                          "{\"user\":\"54322\",\"classes\":[\"admin\"]}]}"),
                     0);
    assert_true(config.has_api_group);
    assert_int_equal(config.api_group, 54321);
    assert_int_equal(config.client_count, 2);
    assert_int_equal(config.clients[0].uid, 54321);
    for (int i = 1; i <= REQUEST_CLASS_COUNT; i++) {
        assert_int_equal(request_classes_has(config.clients[0].classes, (enum request_class)i),
                         i == CLASS_OBSERVE || i == CLASS_PORTS);
        assert_int_equal(request_classes_has(config.clients[1].classes, (enum request_class)i),
                         i == CLASS_ADMIN);
    }
}

static void a_list_without_a_group_is_refused_and_says_why(void **state)
{
    expect_problem("{\n\"clients\":[{\"user\":\"" OTHER "\",\"classes\":[\"observe\"]}]}",
                   ":2:", "\"apiSocketGroup\"");
}

static void mistakes_in_the_list_are_named_with_their_place(void **state)
{
#define GROUP "\"apiSocketGroup\":\"" OTHER "\",\n"
    expect_problem("{" GROUP "\"clients\":[{\"user\":\"no-such-user-here\",\"classes\":[\"observe\"]}]}",
                   ":2:", "no user \"no-such-user-here\"");
    expect_problem("{" GROUP "\"clients\":[{\"user\":\"0\",\"classes\":[\"observe\"]}]}",
                   ":2:", "always have every class");
    expect_problem("{" GROUP "\"clients\":[{\"user\":\"4294967295\",\"classes\":[\"observe\"]}]}",
                   ":2:", "no user");
    expect_problem("{" GROUP "\"clients\":[{\"user\":\"-1\",\"classes\":[\"observe\"]}]}", ":2:", "no user");
    expect_problem("{" GROUP "\"clients\":[{\"user\":\"" OTHER "\",\"classes\":[\"everything\"]}]}",
                   ":2:", "\"observe\"");
    expect_problem("{" GROUP "\"clients\":[{\"user\":\"" OTHER "\",\"classes\":[7]}]}", ":2:", "\"observe\"");
    expect_problem("{" GROUP "\"clients\":[{\"user\":\"" OTHER "\",\"classes\":[]}]}",
                   ":2:", "at least one class");
    expect_problem("{" GROUP "\"clients\":[{\"user\":\"" OTHER "\"}]}", ":2:", "classes");
    expect_problem("{" GROUP "\"clients\":[{\"user\":\"" OTHER "\",\"classes\":[\"open\"]},\n"
                   "{\"user\":\"" OTHER "\",\"classes\":[\"apps\"]}]}",
                   ":3:", "listed already");
    expect_problem("{\"apiSocketGroup\":\"no-such-group-here\"}", ":1:", "no group \"no-such-group-here\"");
    expect_problem("{\"clients\":{}}", ":1:", "clients");
}

static void the_bridges_own_user_is_not_to_be_listed(void **state)
{
    char text[256];
    snprintf(text, sizeof(text), "{" GROUP "\"clients\":[{\"user\":\"%u\",\"classes\":[\"observe\"]}]}",
             (unsigned)getuid());
    expect_problem(text, ":2:", "always have every class");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(without_a_list_there_are_no_others, finish),
        cmocka_unit_test_teardown(listed_users_get_the_classes_named, finish),
        cmocka_unit_test_teardown(a_list_without_a_group_is_refused_and_says_why, finish),
        cmocka_unit_test_teardown(mistakes_in_the_list_are_named_with_their_place, finish),
        cmocka_unit_test_teardown(the_bridges_own_user_is_not_to_be_listed, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
