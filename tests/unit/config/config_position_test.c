/* SPDX-License-Identifier: MIT */
/* Places in JSON texts. */
#include "services/config/config_position.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/base/testing.h"

static const char TEXT[] = "{\n"
                           "  \"vms\": [\n"
                           "    {\"name\": \"a, ] } \\\" b\", \"link\": \"vsock:3\"},\n"
                           "    {\"name\" : \"c\",\n"
                           "\t\"link\" :\n"
                           "\"unix:/x\", \"deep\": [[1, 2], [3, {\"x\": null}]]}\n"
                           "  ],\n"
                           "  \"empty\": {}, \"none\": [], \"vms2\": true\n"
                           "}\n";

static void expect(const char *path, int line, int column)
{
    int found_line = -1, found_column = -1;
    if (!config_position_find(TEXT, path, &found_line, &found_column))
        fail_msg("\"%s\" was not found", path);
    if (found_line != line || found_column != column)
        fail_msg("\"%s\" is at %d:%d", path, found_line, found_column);
}

static void keys_and_elements_are_found_where_they_stand(void **state)
{
    expect("", 1, 1);
    expect("vms", 2, 3);
    expect("vms[0]", 3, 5);
    expect("vms[0].name", 3, 6);
    expect("vms[0].link", 3, 29);
    expect("vms[1]", 4, 5);
    expect("vms[1].link", 5, 2);
    expect("vms[1].deep[1][1].x", 6, 34);
    expect("vms[1].deep[0][1]", 6, 25);
    expect("empty", 8, 3);
    expect("vms2", 8, 28);
}

static void places_that_are_not_there_leave_the_outputs_alone(void **state)
{
    static const char *const PATHS[] = {"vm",       "vms[2]",        "vms[0].links",
                                        "empty.x",  "none[0]",       "vms.name",
                                        "empty[0]", "vms[0].name.x", "vms[99999999999999999999]",
                                        "vms[x"};
    for (size_t i = 0; i < sizeof(PATHS) / sizeof(PATHS[0]); i++) {
        int line = -1, column = -2;
        bool found = config_position_find(TEXT, PATHS[i], &line, &column);
        if (strcmp(PATHS[i], "vms[x") == 0)
            continue; /* no path at all: it must only come to an end */
        assert_false(found);
        assert_int_equal(line, -1);
        assert_int_equal(column, -2);
    }
}

static void broken_texts_come_to_an_end(void **state)
{
    int line, column;
    for (size_t cut = 0; cut < sizeof(TEXT);
         cut++) { /* in memory of its exact size: reads past it are seen */
        char *text = strndup(TEXT, cut);
        config_position_find(text, "vms[1].deep[1][1].x", &line, &column);
        config_position_find(text, "nothing", &line, &column);
        free(text);
    }
    static const char *const BROKEN[] = {"",          "{", "{\"",      "{\"a\\", "{\"a\":", "[",
                                         "{\"a\" 1}", "]", "{\"a\":}", "\"",     "{,}"};
    for (size_t i = 0; i < sizeof(BROKEN) / sizeof(BROKEN[0]); i++) {
        config_position_find(BROKEN[i], "a[0].b", &line, &column);
        config_position_find(BROKEN[i], "b", &line, &column);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_and_elements_are_found_where_they_stand),
        cmocka_unit_test(places_that_are_not_there_leave_the_outputs_alone),
        cmocka_unit_test(broken_texts_come_to_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
