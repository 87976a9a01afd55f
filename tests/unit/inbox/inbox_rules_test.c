/* SPDX-License-Identifier: MIT */
/* Rules of the inbox: what a configuration may say, and which offers they take. */
#include "host-bridge/features/inbox/inbox_rules.h"

#include <stdio.h>
#include <string.h>

#include "protocol/base/status.h"
#include "tests/unit/base/testing.h"

static struct inbox_rule *rules;
static size_t count;
static char problem[TEXT_REASON_MAX + 1];

static int parse(const char *text)
{
    json_t *list = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(list);
    int status = inbox_rules_parse(list, &rules, &count, problem);
    json_decref(list);
    return status;
}

static const struct inbox_rule *find(const char *vm, const char *name, uint64_t roots, uint64_t bytes)
{
    struct inbox_item item = {.offer = {.roots = roots, .bytes = bytes}};
    snprintf(item.vm, sizeof(item.vm), "%s", vm);
    snprintf(item.offer.name, sizeof(item.offer.name), "%s", name);
    return inbox_rule_find(rules, count, &item);
}

static void the_first_rule_of_which_all_holds_decides(void **state)
{
    assert_int_equal(parse("[{\"vm\":\"web*\",\"maxBytes\":100,\"name\":\"*.png\",\"to\":\"/in\"},"
                           "{\"vm\":\"db\"}]"),
                     0);
    assert_int_equal(count, 2);
    assert_ptr_equal(find("web1", "a.png", 1, 100), &rules[0]);
    assert_string_equal(rules[0].to, "/in");
    assert_null(find("web1", "a.png", 1, 101));
    assert_null(find("web1", "a.jpg", 1, 1));
    assert_null(find("web1", "a.png", 2, 1)); /* the others may have any name */
    assert_null(find("mail", "a.png", 1, 1));
    assert_ptr_equal(find("db", "anything", 9, UINT64_MAX), &rules[1]);
    inbox_rules_free(rules, count);
}

static void no_rule_takes_nothing(void **state)
{
    assert_int_equal(parse("[]"), 0);
    assert_null(find("web", "a", 1, 0));
    inbox_rules_free(rules, count);
    assert_int_equal(inbox_rules_parse(NULL, &rules, &count, problem), 0);
    assert_int_equal(count, 0);
    inbox_rules_free(rules, count);
}

static void an_empty_rule_takes_everything(void **state)
{
    assert_int_equal(parse("[{}]"), 0);
    assert_non_null(find("web", "a", 5, UINT64_MAX));
    inbox_rules_free(rules, count);
}

static void a_hostile_name_costs_little(void **state)
{
    char name[FILES_NAME_MAX + 1];
    memset(name, 'a', FILES_NAME_MAX);
    name[FILES_NAME_MAX] = '\0';
    assert_int_equal(parse("[{\"name\":\"*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b\"}]"), 0);
    for (int i = 0; i < 1000; i++)
        assert_null(find("web", name, 1, 1));
    inbox_rules_free(rules, count);
}

static void expect_problem(const char *text, const char *words)
{
    assert_int_equal(parse(text), STATUS_MALFORMED);
    if (strstr(problem, words) == NULL)
        fail_msg("%s", problem);
}

static void mistakes_are_named_with_their_index(void **state)
{
    expect_problem("{}", "a list");
    expect_problem("[{},1]", "[1]");
    expect_problem("[{\"size\":1}]", "[0]: unknown key \"size\"");
    expect_problem("[{},{\"maxBytes\":-1}]", "[1].maxBytes");
    expect_problem("[{\"maxBytes\":1.5}]", "[0].maxBytes");
    expect_problem("[{\"to\":\"in\"}]", "[0].to: expected an absolute folder");
    expect_problem("[{\"name\":\"\"}]", "[0].name");
    expect_problem("[{\"vm\":7}]", "[0].vm");
    char many[8 * INBOX_RULES_MAX] = "[{}";
    for (int i = 0; i < INBOX_RULES_MAX; i++)
        strcat(many, ",{}");
    strcat(many, "]");
    expect_problem(many, "more than 64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_rule_of_which_all_holds_decides),
        cmocka_unit_test(no_rule_takes_nothing),
        cmocka_unit_test(an_empty_rule_takes_everything),
        cmocka_unit_test(a_hostile_name_costs_little),
        cmocka_unit_test(mistakes_are_named_with_their_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
