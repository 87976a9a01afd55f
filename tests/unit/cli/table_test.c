/* SPDX-License-Identifier: MIT */
/* Layout of tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host-bridge/cli/escape.h"
#include "host-bridge/cli/table.h"

static const struct table_column COLUMNS[] = {
    {"NAME", ALIGN_LEFT, 4}, {"N", ALIGN_RIGHT, 0}, {"COMMAND", ALIGN_LEFT, 6}, {"X", ALIGN_LEFT, 0}};

static const struct terminal PIPE = {0};

static struct table *three_rows(void)
{
    struct table *table = table_create(COLUMNS, 4);
    assert_non_null(table);
    const char *const cells[] = {"web", "8080", "nginx: master", "", "日本", "22", "sshd", "y", "", "",
                                 "",    ""};
    for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
        table_cell(table, STYLE_PLAIN, cells[i]);
    return table;
}

static char *printed(const struct table *table, const struct terminal *terminal, size_t rows)
{
    char *out = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&out, &size);
    assert_int_equal(table_print(table, memory, terminal, rows), 0);
    fclose(memory);
    return out;
}

static void cells_are_aligned_without_tabs_or_trailing_spaces(void **state)
{
    struct table *table = three_rows();
    char *out = printed(table, &PIPE, 0);
    assert_int_equal(table_rows(table), 3);
    assert_string_equal(out, "NAME     N  COMMAND        X\n"
                             "web   8080  nginx: master\n"
                             "日本    22  sshd           y\n"
                             "\n");
    free(out);
    table_destroy(table);
}

static void rows_beyond_the_wanted_are_left_out(void **state)
{
    struct table *table = three_rows();
    char *out = printed(table, &PIPE, 1);
    assert_string_equal(out, "NAME     N  COMMAND        X\nweb   8080  nginx: master\n");
    free(out);
    table_destroy(table);
}

static void a_narrow_terminal_cuts_the_widest_column(void **state)
{
    struct terminal terminal = {.is_terminal = true, .columns = 22};
    struct table *table = three_rows();
    char *out = printed(table, &terminal, 0);
    assert_string_equal(out, "NAME     N  COMMAND  X\n"
                             "web   8080  nginx:…\n"
                             "日本    22  sshd     y\n"
                             "\n");
    free(out);
    table_destroy(table);
}

static void no_line_is_wider_than_the_terminal(void **state)
{
    struct table *table = three_rows();
    for (size_t columns = 5; columns < 40; columns++) {
        struct terminal terminal = {.is_terminal = true, .columns = columns};
        char *out = printed(table, &terminal, 0), *rest = out;
        for (char *line; (line = strsep(&rest, "\n")) != NULL;)
            assert_true(escape_width(line) <= columns);
        free(out);
    }
    table_destroy(table);
}

static void colour_stands_around_the_text_and_not_its_padding(void **state)
{
    struct terminal terminal = {.is_terminal = true, .moves_cursor = true, .colour = true, .columns = 80};
    struct table *table = table_create(COLUMNS, 2);
    table_cell(table, STYLE_GOOD, "ab");
    table_cell(table, STYLE_BAD, "1");
    char *out = printed(table, &terminal, 0);
    assert_string_equal(out, "\x1b[1mNAME\x1b[0m  \x1b[1mN\x1b[0m\n"
                             "\x1b[32mab\x1b[0m    \x1b[31m1\x1b[0m\n");
    free(out);
    table_destroy(table);
}

static void guest_text_can_not_leave_its_cell(void **state)
{
    struct table *table = table_create(COLUMNS, 2);
    table_cell(table, STYLE_PLAIN, "a\n\x1b[31m");
    table_cell_format(table, STYLE_PLAIN, "%d", 7);
    char *out = printed(table, &PIPE, 0);
    assert_string_equal(out, "NAME           N\na\\x0a\\x1b[31m  7\n");
    free(out);
    table_destroy(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_aligned_without_tabs_or_trailing_spaces),
        cmocka_unit_test(rows_beyond_the_wanted_are_left_out),
        cmocka_unit_test(a_narrow_terminal_cuts_the_widest_column),
        cmocka_unit_test(no_line_is_wider_than_the_terminal),
        cmocka_unit_test(colour_stands_around_the_text_and_not_its_padding),
        cmocka_unit_test(guest_text_can_not_leave_its_cell),
    };
    escape_init_locale();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
