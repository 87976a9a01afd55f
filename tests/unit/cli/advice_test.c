/* SPDX-License-Identifier: MIT */
/* Advice: link specifications' forms and error codes' remedies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <uv.h>

#include "host-bridge/cli/link_hint.h"
#include "host-bridge/cli/remedy.h"
#include "protocol/base/status.h"

static void plausible_links_have_no_problem(void **state)
{
    static const char *const GOOD[] = {"vsock:3",
                                       "vsock:42:5002:5003",
                                       "vsock:1",
                                       "hybrid:/run/v.sock",
                                       "unix:/a,/b",
                                       "serial:/dev/ttyS0",
                                       "exec:ssh -T dev hospes-agent --stdio",
                                       "tcp:10.0.0.1"};
    for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++)
        assert_null(link_hint_problem(GOOD[i]));
}

static void implausible_links_are_explained(void **state)
{
    static const char *const BAD[] = {"",
                                      "3",
                                      "vsock",
                                      "vsock:",
                                      "vsock:abc",
                                      "vsock:2",
                                      "vsock:0",
                                      "vsock:4294967295",
                                      "/run/v.sock",
                                      "serial:a.sock",
                                      "hybrid:",
                                      "ssh:dev",
                                      "tcp:"};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        assert_non_null(link_hint_problem(BAD[i]));
}

static void every_link_has_next_steps(void **state)
{
    static const char *const LINKS[] = {"vsock:3", "serial:/a", "exec:a", "tcp:a", "unknown"};
    for (size_t i = 0; i < sizeof(LINKS) / sizeof(LINKS[0]); i++)
        assert_non_null(link_hint_next_steps(LINKS[i])[0]);
}

static void codes_have_their_own_remedy(void **state)
{
    static const char *const CODES[] = {"NO_SUCH_VM",
                                        "DRIVER_DOWN",
                                        "NO_AGENT",
                                        "GREETING_REFUSED",
                                        "NO_GREETING",
                                        "SILENT",
                                        "NEEDS_AUTHENTICATION",
                                        "ECONNREFUSED",
                                        "ENOENT",
                                        "EACCES",
                                        "EPERM",
                                        "EAFNOSUPPORT",
                                        "COMMAND_ENDED",
                                        "VERSION",
                                        "EMFILE",
                                        "EBUSY",
                                        "ETIMEDOUT",
                                        "ECONNRESET",
                                        "INVALID",
                                        "NOT_ALLOWED",
                                        "KEY_CHANGED",
                                        "OTHER_KEY",
                                        "NOT_PAIRED",
                                        "CODE_NEEDED",
                                        "DECLINED",
                                        "AUTHENTICATION_FAILED",
                                        "MALFORMED"};
    for (size_t i = 0; i < sizeof(CODES) / sizeof(CODES[0]); i++) {
        const struct remedy *remedy = remedy_find(CODES[i], "vsock:3");
        assert_string_equal(remedy->code, CODES[i]);
        assert_non_null(remedy->steps[0]);
    }
    assert_string_equal(remedy_find("EPIPE", "vsock:3")->code, "ECONNRESET");
    assert_string_equal(remedy_find("ENFILE", "vsock:3")->code, "EMFILE");
}

static void the_link_decides_where_a_code_has_several_remedies(void **state)
{
    assert_string_equal(remedy_find("NO_GREETING", "serial:/a")->link, "serial");
    assert_string_equal(remedy_find("ENOENT", "exec:a")->link, "exec");
    assert_null(remedy_find("ENOENT", "hybrid:/a")->link);
}

static void codes_match_those_of_the_protocol(void **state)
{
    assert_string_equal(remedy_find(status_name(STATUS_NO_AGENT), "vsock:3")->code, "NO_AGENT");
    assert_string_equal(remedy_find(status_name(STATUS_SILENT), "vsock:3")->code, "SILENT");
    assert_string_equal(remedy_find(status_name(STATUS_COMMAND_ENDED), "exec:x")->code, "COMMAND_ENDED");
    assert_string_equal(remedy_find(status_name(STATUS_NEEDS_AUTHENTICATION), "tcp:x")->code,
                        "NEEDS_AUTHENTICATION");
    assert_string_equal(remedy_find("SOMETHING_NEW", "vsock:3")->code, "");
    assert_true(remedy_find("", "vsock:3")->passing);
    assert_false(remedy_find("SOMETHING_NEW", "vsock:3")->passing);
}

static void codes_of_files_have_a_step_of_their_own(void **state)
{
    assert_non_null(strstr(remedy_file_step(status_name(UV_ENOSPC)), "make room"));
    assert_non_null(strstr(remedy_file_step(status_name(STATUS_QUOTA)), "quota"));
    assert_non_null(strstr(remedy_file_step(status_name(STATUS_CHANGED)), "writes to it"));
    assert_non_null(remedy_file_step(status_name(STATUS_NOT_SUPPORTED)));
    assert_non_null(remedy_file_step(status_name(STATUS_NOT_CONNECTED)));
    assert_null(remedy_file_step("EIO"));
    assert_null(remedy_file_step(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plausible_links_have_no_problem),
        cmocka_unit_test(implausible_links_are_explained),
        cmocka_unit_test(every_link_has_next_steps),
        cmocka_unit_test(codes_have_their_own_remedy),
        cmocka_unit_test(the_link_decides_where_a_code_has_several_remedies),
        cmocka_unit_test(codes_of_files_have_a_step_of_their_own),
        cmocka_unit_test(codes_match_those_of_the_protocol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
