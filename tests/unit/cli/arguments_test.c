/* SPDX-License-Identifier: MIT */
/* The command line against the table of commands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <uv.h>

#include "host-bridge/cli/arguments.h"

static struct arguments parsed;
static char problem[ARGUMENTS_PROBLEM_MAX + 1], hint[ARGUMENTS_PROBLEM_MAX + 1];

#define PARSE(...) parse((const char *[]){"hospes", __VA_ARGS__, NULL})

static int parse(const char *const *list)
{
    int count = 0;
    while (list[count] != NULL)
        count++;
    problem[0] = hint[0] = '\0';
    return arguments_parse(count, (char *const *)list, &parsed, problem, hint);
}

static void operands_and_options_are_taken_in_any_order(void **state)
{
    assert_int_equal(PARSE("--json", "forward", "--udp", "web", "--bind", "10.0.0.1", "53:5353", "--quiet"),
                     0);
    assert_string_equal(parsed.command->name, "forward");
    assert_int_equal(parsed.operand_count, 2);
    assert_string_equal(parsed.operands[0], "web");
    assert_string_equal(parsed.operands[1], "53:5353");
    assert_string_equal(parsed.options[OPTION_BIND], "10.0.0.1");
    assert_non_null(parsed.options[OPTION_UDP]);
    assert_non_null(parsed.options[OPTION_JSON]);
    assert_non_null(parsed.options[OPTION_QUIET]);
    assert_null(parsed.options[OPTION_NO_FALLBACK]);
}

static void a_value_may_follow_an_equals_sign(void **state)
{
    assert_int_equal(PARSE("events", "--since=42", "--socket=/tmp/a=b"), 0);
    assert_string_equal(parsed.options[OPTION_SINCE], "42");
    assert_string_equal(parsed.options[OPTION_SOCKET], "/tmp/a=b");
}

static void two_dashes_end_the_options(void **state)
{
    assert_int_equal(PARSE("policy", "--", "--web", "--x", "block"), 0);
    assert_string_equal(parsed.operands[0], "--web");
    assert_int_equal(parsed.operand_count, 3);
}

static void an_unknown_command_names_the_nearest(void **state)
{
    assert_int_equal(PARSE("statsu"), UV_EINVAL);
    assert_string_equal(problem, "unknown command \"statsu\"");
    assert_non_null(strstr(hint, "hospes status"));
    assert_int_equal(PARSE("vsm"), UV_EINVAL);
    assert_non_null(strstr(hint, "hospes vms"));
    assert_int_equal(PARSE("forwrad"), UV_EINVAL);
    assert_non_null(strstr(hint, "hospes forward"));
    assert_int_equal(PARSE("exec"), UV_EINVAL);
    assert_string_equal(hint, "hospes help lists the commands");
    assert_int_equal(PARSE("a-very-long-word-that-is-no-command-at-all"), UV_EINVAL);
    assert_string_equal(hint, "hospes help lists the commands");
}

static void wrong_options_are_named(void **state)
{
    assert_int_equal(PARSE("vms", "--colour"), UV_EINVAL);
    assert_string_equal(problem, "unknown option \"--colour\"");
    assert_int_equal(PARSE("vms", "--watch"), UV_EINVAL);
    assert_string_equal(problem, "vms has no option --watch");
    assert_int_equal(PARSE("events", "--since"), UV_EINVAL);
    assert_string_equal(problem, "option --since needs a value: --since SEQ");
    assert_int_equal(PARSE("events", "--since="), UV_EINVAL);
    assert_int_equal(PARSE("vms", "--json=yes"), UV_EINVAL);
    assert_string_equal(problem, "option --json takes no value");
}

static void wrong_numbers_of_operands_show_the_usage(void **state)
{
    assert_int_equal(PARSE("add", "web"), UV_EINVAL);
    assert_string_equal(problem, "add needs NAME SPEC");
    assert_non_null(strstr(hint, "hospes add NAME SPEC"));
    assert_int_equal(PARSE("vms", "web"), UV_EINVAL);
    assert_string_equal(problem, "unexpected argument \"web\"");
    assert_int_equal(PARSE("status", ""), UV_EINVAL);
    assert_string_equal(problem, "an argument is empty");
}

static void letters_stand_for_flags_and_may_be_joined(void **state)
{
    assert_int_equal(PARSE("cp", "-ru", "a", "web:b", "-v"), 0);
    assert_non_null(parsed.options[OPTION_RECURSIVE]);
    assert_non_null(parsed.options[OPTION_UPDATE]);
    assert_non_null(parsed.options[OPTION_VERBOSE]);
    assert_null(parsed.options[OPTION_NO_CLOBBER]);
    assert_int_equal(PARSE("cp", "-rx", "a", "web:b"), UV_EINVAL);
    assert_string_equal(problem, "unknown option \"-x\"");
    assert_int_equal(PARSE("rm", "-rn", "web:b"), UV_EINVAL);
    assert_string_equal(problem, "rm has no option --no-clobber");
    assert_int_equal(PARSE("cp", "-", "web:b"), 0);
    assert_string_equal(parsed.operands[0], "-");
}

static void too_many_operands_are_refused(void **state)
{
    static char program[] = "hospes", command[] = "cp", operand[] = "a";
    static char *words[ARGUMENTS_OPERANDS_MAX + 3] = {program, command};
    for (size_t i = 2; i < sizeof(words) / sizeof(words[0]); i++)
        words[i] = operand;
    assert_int_equal(arguments_parse(ARGUMENTS_OPERANDS_MAX + 2, words, &parsed, problem, hint), 0);
    assert_int_equal(arguments_parse(ARGUMENTS_OPERANDS_MAX + 3, words, &parsed, problem, hint), UV_EINVAL);
    assert_string_equal(problem, "more than 4096 arguments");
}

static void help_and_version_need_no_operands(void **state)
{
    assert_int_equal(PARSE("add", "--help"), 0);
    assert_non_null(parsed.options[OPTION_HELP]);
    assert_int_equal(PARSE("-h"), 0);
    assert_null(parsed.command);
    assert_int_equal(PARSE("--version"), 0);
    assert_int_equal(PARSE("--commands"), 0);
    assert_true(parsed.list_commands);
}

static void every_command_of_the_table_is_found_and_complete(void **state)
{
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        assert_ptr_equal(command_find(COMMANDS[i].name), &COMMANDS[i]);
        assert_non_null(COMMANDS[i].run);
        assert_true(COMMANDS[i].summary[0] != '\0');
        assert_true(COMMANDS[i].operands_max <= ARGUMENTS_OPERANDS_MAX);
    }
    for (int i = 0; i < OPTION_COUNT; i++)
        assert_memory_equal(COMMAND_OPTIONS[i].name, "--", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operands_and_options_are_taken_in_any_order),
        cmocka_unit_test(a_value_may_follow_an_equals_sign),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(an_unknown_command_names_the_nearest),
        cmocka_unit_test(wrong_options_are_named),
        cmocka_unit_test(wrong_numbers_of_operands_show_the_usage),
        cmocka_unit_test(letters_stand_for_flags_and_may_be_joined),
        cmocka_unit_test(too_many_operands_are_refused),
        cmocka_unit_test(help_and_version_need_no_operands),
        cmocka_unit_test(every_command_of_the_table_is_found_and_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
