/* SPDX-License-Identifier: MIT */
/* "inbox" of the configuration: what is taken, and where a mistake is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/base/status.h"
#include "tests/unit/bridge/config_text.h"

static struct bridge_config config;
static char problem[CONFIG_PROBLEM_MAX];

static void folder_and_rules_are_read(void **state)
{
    assert_int_equal(config_text_load("{\"inbox\":{\"folder\":\"/srv/in\",\"accept\":[{\"vm\":\"web\"},{}]}}",
                                      &config, problem),
                     0);
    assert_string_equal(config.inbox_folder, "/srv/in");
    assert_int_equal(config.inbox_rule_count, 2);
    assert_string_equal(config.inbox_rules[0].vm, "web");
    bridge_config_finish(&config);
}

static void without_it_there_are_no_rules(void **state)
{
    assert_int_equal(config_text_load("{}", &config, problem), 0);
    assert_null(config.inbox_folder);
    assert_int_equal(config.inbox_rule_count, 0);
    bridge_config_finish(&config);
    assert_int_equal(config_text_load("{\"inbox\":{}}", &config, problem), 0);
    assert_int_equal(config.inbox_rule_count, 0);
    bridge_config_finish(&config);
}

static void expect_problem(const char *text, const char *words)
{
    assert_int_equal(config_text_load(text, &config, problem), STATUS_MALFORMED);
    if (strstr(problem, words) == NULL)
        fail_msg("%s", problem);
    bridge_config_finish(&config);
}

static void mistakes_are_told_with_their_place(void **state)
{
    expect_problem("{\"inbox\":[]}", "object");
    expect_problem("{\"inbox\":{\"folder\":\"in\"}}", "absolute folder");
    expect_problem("{\"inbox\":{\"x\":1}}", "x");
    expect_problem("{\"inbox\":{\"accept\":[{},{\"maxBytes\":-1}]}}", "[1].maxBytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folder_and_rules_are_read),
        cmocka_unit_test(without_it_there_are_no_rules),
        cmocka_unit_test(mistakes_are_told_with_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
