/* SPDX-License-Identifier: MIT */
/* protocol/base/status: every code has a name and a text of its own. */
#include "protocol/base/status.h"
#include "tests/unit/base/testing.h"

#include <string.h>
#include <uv.h>

static void every_own_code_has_a_distinct_name_and_a_text(void **state)
{
    char names[64][48];
    size_t count = 0;
    for (int status = STATUS_MALFORMED; status >= STATUS_CHANGED; status--) {
        const char *name = status_name(status);
        assert_null(strstr(name, "nknown"));
        assert_true(strlen(status_text(status)) > 5);
        for (size_t i = 0; i < count; i++)
            assert_string_not_equal(names[i], name);
        strcpy(names[count++], name);
    }
    assert_int_equal(count, 29);
}

static void system_errors_keep_libuvs_names(void **state)
{
    assert_string_equal(status_name(UV_ECONNREFUSED), "ECONNREFUSED");
    assert_string_equal(status_text(UV_ECONNREFUSED), "connection refused");
}

static void unknown_codes_are_still_text(void **state)
{
    assert_non_null(status_name(-123456));
    assert_non_null(status_text(-123456));
    assert_string_equal(status_name(STATUS_OK), "OK");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_own_code_has_a_distinct_name_and_a_text),
        cmocka_unit_test(system_errors_keep_libuvs_names),
        cmocka_unit_test(unknown_codes_are_still_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
