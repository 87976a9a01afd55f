/* SPDX-License-Identifier: MIT */
/* hospes audit: what it asks, what it prints, how it ends; and the check of files without a bridge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "host-bridge/audit/audit_chain.h"
#include "tests/unit/cli/fake_api.h"
#include "tests/unit/cli/fixtures.h"

#define ENTRY_ADD                                                                                            \
    "{\"time\":\"2026-01-31T12:00:00.000Z\",\"seq\":7,\"guest\":\"web\",\"class\":\"ports\","                \
    "\"action\":\"PUT /vms/{vm}/ports/{port}\",\"parameters\":{\"port\":\"80\",\"policy\":\"block\"},"       \
    "\"result\":\"done\",\"status\":null,\"durationMs\":1,"                                                  \
    "\"client\":{\"pid\":12,\"uid\":1000,\"executable\":\"/usr/bin/curl\"},\"prev\":\"00\"}"
#define ENTRY_REFUSED                                                                                        \
    "{\"time\":\"2026-01-31T12:00:01.000Z\",\"seq\":8,\"guest\":null,\"class\":null,"                        \
    "\"action\":\"api.refused\",\"parameters\":{\"reason\":\"peer\"},\"result\":\"refused\","                \
    "\"status\":\"NOT_ALLOWED\",\"durationMs\":0,"                                                           \
    "\"client\":{\"pid\":13,\"uid\":1001,\"executable\":\"/tmp/a\\u001b[2Jb\"},\"prev\":\"00\"}"
#define ENTRY_OWN                                                                                            \
    "{\"time\":\"2026-01-31T12:00:02.000Z\",\"seq\":9,\"guest\":null,\"class\":null,"                        \
    "\"action\":\"audit.limited\",\"parameters\":{\"leftOut\":5},\"result\":\"done\",\"status\":null,"       \
    "\"durationMs\":0,\"client\":null,\"prev\":\"00\"}"

static const struct fake_route ROUTES[] = {
    {"GET", "/api/v1/audit?limit=50", 200, "{\"entries\":[" ENTRY_ADD "," ENTRY_REFUSED "," ENTRY_OWN "]}",
     FAKE_ANSWER},
    {"GET", "/api/v1/audit?limit=3&guest=web", 200, "{\"entries\":[" ENTRY_ADD "]}", FAKE_ANSWER},
    {"GET", "/api/v1/audit?limit=50&guest=db", 200, "{\"entries\":[]}", FAKE_ANSWER},
    {"GET", "/api/v1/audit?limit=50&guest=not-mine", 403,
     PROBLEM("NOT_ALLOWED", "this client may not use the class \\\"admin\\\"", "\"ask\""), FAKE_ANSWER},
    {"GET", "/api/v1/audit/verify", 200,
     "{\"ok\":true,\"files\":2,\"lines\":9,\"firstSeq\":1,\"lastSeq\":9,\"brokenAt\":null}", FAKE_ANSWER},
};
static const struct fake_route BROKEN[] = {
    {"GET", "/api/v1/audit/verify", 200,
     "{\"ok\":false,\"files\":2,\"lines\":9,\"firstSeq\":1,\"lastSeq\":9,"
     "\"brokenAt\":{\"file\":\"audit.log.1\",\"line\":17,\"why\":\"missing before\"}}",
     FAKE_ANSWER},
};

static struct fake_api api;
static struct run run;

#define RUN(...) run_hospes(&run, api.socket, (const char *const[]){__VA_ARGS__, NULL})

static int start(void **state)
{
    fake_api_start(&api, ROUTES, COUNT_OF(ROUTES));
    return 0;
}

static int start_broken(void **state)
{
    fake_api_start(&api, BROKEN, COUNT_OF(BROKEN));
    return 0;
}

static int stop(void **state)
{
    run_finish(&run);
    fake_api_stop(&api);
    return 0;
}

static void expect(int status, const char *out, const char *err)
{
    run_expect(&run, status, out, err);
}

static void entries_are_a_table_with_who_and_what(void **state)
{
    RUN("audit");
    expect(0, "SEQ", "");
    assert_non_null(strstr(run.out, "PUT /vms/{vm}/ports/{port}"));
    assert_non_null(strstr(run.out, "port=80 policy=block"));
    assert_non_null(strstr(run.out, "uid 1000, pid 12, /usr/bin/curl"));
    assert_non_null(strstr(run.out, "refused (NOT_ALLOWED)"));
    assert_non_null(strstr(run.out, "leftOut=5"));
    assert_non_null(strstr(run.out, "/tmp/a\\x1b[2Jb"));
    assert_null(strchr(run.out, '\x1b'));
}

static void one_guest_and_a_number_are_passed_on(void **state)
{
    RUN("audit", "web", "--last", "3");
    expect(0, "web", "");
    assert_true(fake_api_was_asked(&api, "GET /api/v1/audit?limit=3&guest=web"));
    run_finish(&run);
    RUN("audit", "db");
    expect(0, "No entries.", "");
}

static void json_is_the_answer_as_it_is(void **state)
{
    RUN("audit", "--json");
    json_t *document = json_loads(run.out, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(document, "entries")), 3);
    json_decref(document);
}

static void missing_class_ends_with_four(void **state)
{
    RUN("audit", "not-mine");
    expect(4, "", "this client may not use the class");
}

static void wrong_operands_are_usage(void **state)
{
    RUN("audit", "web", "db");
    expect(2, "", "unexpected argument");
    run_finish(&run);
    RUN("audit", "--last", "0");
    expect(2, "", "--last needs a number");
    run_finish(&run);
    RUN("audit", "verify", "--last", "5");
    expect(2, "", "not for verify");
}

static void intact_log_ends_with_zero(void **state)
{
    RUN("audit", "verify");
    expect(0, "Intact: 9 lines in 2 files, number 1 to 9.", "");
    run_finish(&run);
    RUN("audit", "verify", "--json");
    expect(0, "\"ok\": true", "");
}

static void broken_log_ends_with_one_and_the_place(void **state)
{
    RUN("audit", "verify");
    expect(1, "", "audit.log.1, line 17: missing before");
    run_finish(&run);
    RUN("audit", "verify", "--json");
    expect(1, "\"ok\": false", "audit.log.1, line 17");
}

/* ---- files ---- */

static void write_chain(const char *path, unsigned first, unsigned last, struct audit_hash *previous)
{
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    for (unsigned seq = first; seq <= last; seq++) {
        char line[256];
        snprintf(line, sizeof(line), "{\"seq\":%u,\"action\":\"x\",\"prev\":\"%s\"}", seq, previous->text);
        fprintf(out, "%s\n", line);
        *previous = audit_hash_line(span_of_text(line));
    }
    fclose(out);
}

static void files_are_checked_without_a_bridge(void **state)
{
    char folder[] = "/tmp/hospes-cli-XXXXXX", eldest[64], newest[64];
    assert_non_null(mkdtemp(folder));
    snprintf(eldest, sizeof(eldest), "%s/audit.log.1", folder);
    snprintf(newest, sizeof(newest), "%s/audit.log", folder);
    struct audit_hash hash = audit_hash_none();
    write_chain(eldest, 1, 3, &hash);
    write_chain(newest, 4, 6, &hash);
    run_hospes(&run, "/nowhere", (const char *const[]){"audit", "verify", eldest, newest, NULL});
    expect(0, "Intact: 6 lines in 2 files, number 1 to 6.", "");
    run_finish(&run);
    run_hospes(&run, "/nowhere", (const char *const[]){"audit", "verify", newest, NULL});
    expect(0, "number 4 to 6", ""); /* the eldest may have been rotated away */
    run_finish(&run);
    run_hospes(&run, "/nowhere", (const char *const[]){"audit", "verify", newest, eldest, NULL});
    expect(1, "", "audit.log.1, line 1: changed");
    run_finish(&run);
    FILE *file = fopen(eldest, "r+e");
    fseek(file, 80, SEEK_SET); /* within the first line's hash */
    fputc('x', file);
    fclose(file);
    run_hospes(&run, "/nowhere", (const char *const[]){"audit", "verify", eldest, newest, NULL});
    expect(1, "", "audit.log.1, line 1: changed");
    run_finish(&run);
    run_hospes(&run, "/nowhere", (const char *const[]){"audit", "verify", "/nowhere/audit.log", NULL});
    expect(1, "", "can't read /nowhere/audit.log");
    unlink(eldest);
    unlink(newest);
    rmdir(folder);
}

#define CLI_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(entries_are_a_table_with_who_and_what),
        CLI_TEST(one_guest_and_a_number_are_passed_on),
        CLI_TEST(json_is_the_answer_as_it_is),
        CLI_TEST(missing_class_ends_with_four),
        CLI_TEST(wrong_operands_are_usage),
        CLI_TEST(intact_log_ends_with_zero),
        cmocka_unit_test_setup_teardown(broken_log_ends_with_one_and_the_place, start_broken, stop),
        CLI_TEST(files_are_checked_without_a_bridge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
