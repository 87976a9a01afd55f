/* SPDX-License-Identifier: MIT */
/* protocol/base/log: levels, sink, and text that a guest chose. */
#define LOG_MODULE "test"
#include "protocol/base/log.h"
#include "tests/unit/base/testing.h"

#include <string.h>

struct seen {
    int lines;
    enum log_level level;
    char line[2048];
};

static void keep(void *ctx, enum log_level level, const char *line)
{
    struct seen *seen = ctx;
    seen->lines++;
    seen->level = level;
    strncpy(seen->line, line, sizeof(seen->line) - 1);
}

static void sink_gets_level_module_and_text(void **state)
{
    struct seen seen = {0};
    log_set_sink(keep, &seen);
    log_set_level(LOG_INFO);
    log_warn("port %d", 80);
    assert_int_equal(seen.lines, 1);
    assert_int_equal(seen.level, LOG_WARN);
    assert_string_equal(seen.line, "warn test: port 80");
    log_set_sink(NULL, NULL);
}

static void lines_above_the_level_are_dropped(void **state)
{
    struct seen seen = {0};
    log_set_sink(keep, &seen);
    log_set_level(LOG_WARN);
    log_info("no");
    log_debug("no");
    assert_int_equal(seen.lines, 0);
    log_error("yes");
    assert_int_equal(seen.lines, 1);
    log_set_level(LOG_DEBUG);
    assert_int_equal(log_get_level(), LOG_DEBUG);
    log_debug("yes");
    assert_int_equal(seen.lines, 2);
    log_set_sink(NULL, NULL);
}

static void control_characters_never_reach_the_sink(void **state)
{
    struct seen seen = {0};
    log_set_sink(keep, &seen);
    log_error("a\nerror fake: b\033[2J\177");
    assert_int_equal(seen.lines, 1);
    assert_string_equal(seen.line, "error test: a?error fake: b?[2J?");
    log_error("a\302\2332Jb\342\200\256c \303\251 \302\240 \342\200\223 \302");
    assert_string_equal(seen.line, "error test: a??2Jb???c \303\251 \302\240 \342\200\223 \302");
    log_set_sink(NULL, NULL);
}

static void a_long_line_is_cut(void **state)
{
    static char text[4000];
    memset(text, 'x', sizeof(text) - 1);
    struct seen seen = {0};
    log_set_sink(keep, &seen);
    log_error("%s", text);
    assert_int_equal(seen.lines, 1);
    assert_in_range(strlen(seen.line), 1000, 1024);
    log_set_sink(NULL, NULL);
}

static void levels_are_parsed_by_name(void **state)
{
    enum log_level level = LOG_DEBUG;
    assert_true(log_level_parse("error", &level));
    assert_int_equal(level, LOG_ERROR);
    assert_true(log_level_parse("debug", &level));
    assert_int_equal(level, LOG_DEBUG);
    assert_false(log_level_parse("loud", &level));
    assert_false(log_level_parse("", &level));
    assert_int_equal(level, LOG_DEBUG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sink_gets_level_module_and_text),
        cmocka_unit_test(lines_above_the_level_are_dropped),
        cmocka_unit_test(control_characters_never_reach_the_sink),
        cmocka_unit_test(a_long_line_is_cut),
        cmocka_unit_test(levels_are_parsed_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
