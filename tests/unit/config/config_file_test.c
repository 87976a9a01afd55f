/* SPDX-License-Identifier: MIT */
/* Configuration files: what is accepted, and the place that each complaint names. */
#include "services/config/config_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "tests/unit/base/testing.h"

static char path[64];
static struct config_file file;
static char problem[CONFIG_PROBLEM_MAX];

static const struct config_key KEYS[] = {{"name", JSON_STRING, true},  {"port", JSON_INTEGER, false},
                                         {"on", JSON_TRUE, false},     {"list", JSON_ARRAY, false},
                                         {"more", JSON_OBJECT, false}, {NULL, JSON_NULL, false}};

static int setup(void **state)
{
    snprintf(path, sizeof(path), "/tmp/hospes-config-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    problem[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    unlink(path);
    return 0;
}

static int load(const char *text, size_t size)
{
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, size, out), size);
    fclose(out);
    return config_file_load(path, &file, problem);
}

static void says(const char *where, const char *what)
{
    char start[100];
    snprintf(start, sizeof(start), "%s%s", path, where);
    if (strncmp(problem, start, strlen(start)) != 0 || strstr(problem, what) == NULL)
        fail_msg("\"%s\" instead of \"%s… %s\"", problem, start, what);
}

static void refuse(const char *text, const char *where, const char *what)
{
    assert_int_equal(load(text, strlen(text)), STATUS_MALFORMED);
    says(where, what);
}

static int check(const char *text)
{
    assert_int_equal(load(text, strlen(text)), 0);
    int status = config_file_check_keys(&file, file.root, "", KEYS, problem);
    config_file_finish(&file);
    assert_null(file.root);
    return status;
}

static void a_good_file_is_read(void **state)
{
    assert_int_equal(check("{\"name\": \"x\", \"port\": 1, \"on\": false, \"list\": [], \"more\": {}}"), 0);
    assert_int_equal(check(" {\"name\": \"\", \"on\": true}\n"), 0);
}

static void a_file_that_is_not_there_is_told_from_one_that_cannot_be_read(void **state)
{
    unlink(path);
    assert_int_equal(config_file_load(path, &file, problem), UV_ENOENT);
    says("", "No such file");
    assert_int_equal(config_file_load("/tmp", &file, problem), STATUS_MALFORMED);
    assert_non_null(strstr(problem, "cannot be read"));
}

static void syntax_errors_name_line_and_column(void **state)
{
    refuse("", ":1:", "");
    refuse("{\n  \"a\": 1,\n  \"b\": oops\n}", ":3:", "oops");
    refuse("{\"a\": 1,}", ":1:", "");
    refuse("{\"a\": 1} x", ":1:", "");
    refuse("{\"a\": 1, \"a\": 2}", ":1:", "duplicate");
    refuse("[1]", ":1:1", "expected an object");
    refuse("null", ":1:", "");
    static const char NUL[] = "{\"name\": \"x\"}\0{\"name\": 1}";
    assert_int_equal(load(NUL, sizeof(NUL) - 1), STATUS_MALFORMED);
    char *deep = malloc(200001);
    memset(deep, '[', 200000);
    deep[200000] = '\0';
    refuse(deep, ":1:", "depth");
    free(deep);
}

static void keys_are_checked_with_their_place(void **state)
{
    assert_int_equal(check("{\n \"name\": \"x\",\n   \"nome\": 1}"), STATUS_MALFORMED);
    says(":3:4", "unknown key \"nome\"; expected one of: name, port, on, list, more");
    assert_int_equal(check("{\"name\": \"x\",\n\"port\": \"80\"}"), STATUS_MALFORMED);
    says(":2:1", "\"port\" must be a whole number");
    assert_int_equal(check("{\"name\": \"x\", \"port\": 1.5}"), STATUS_MALFORMED);
    assert_int_equal(check("{\"name\": \"x\", \"on\": null}"), STATUS_MALFORMED);
    says(":1:15", "\"on\" must be true or false");
    assert_int_equal(check("{\"name\": {}}"), STATUS_MALFORMED);
    says(":1:2", "\"name\" must be a string");
    assert_int_equal(check("{\"port\": 1}"), STATUS_MALFORMED);
    says(":1:1", "\"name\" is missing");
    assert_int_equal(check("{\"name\": \"x\", \"list\": {}}"), STATUS_MALFORMED);
    says(":1:15", "\"list\" must be an array");
}

static void objects_within_are_checked_at_their_own_place(void **state)
{
    static const char TEXT[] =
        "{\"name\": \"x\", \"list\": [{\"name\": \"y\"},\n  {\"name\": \"z\", \"prot\": 1}, 7]}";
    assert_int_equal(load(TEXT, strlen(TEXT)), 0);
    const json_t *list = json_object_get(file.root, "list");
    assert_int_equal(config_file_check_keys(&file, json_array_get(list, 0), "list[0]", KEYS, problem), 0);
    assert_int_equal(config_file_check_keys(&file, json_array_get(list, 1), "list[1]", KEYS, problem),
                     STATUS_MALFORMED);
    says(":2:17", "unknown key \"prot\"");
    assert_int_equal(config_file_check_keys(&file, json_array_get(list, 2), "list[2]", KEYS, problem),
                     STATUS_MALFORMED);
    says(":2:29", "expected an object");
    config_file_finish(&file);
}

static void long_keys_and_values_do_not_overrun_the_problem(void **state)
{
    char text[4096] = "{\"", key[3000];
    memset(key, 'k', sizeof(key) - 1);
    key[sizeof(key) - 1] = '\0';
    snprintf(text, sizeof(text), "{\"name\": \"x\", \"%s\": 1}", key);
    assert_int_equal(check(text), STATUS_MALFORMED);
    says(":1:1", "unknown key \"kkk");
    assert_true(strlen(problem) < CONFIG_PROBLEM_MAX);
}

static void a_file_above_the_limit_is_refused(void **state)
{
    char *text = malloc(CONFIG_FILE_MAX_BYTES + 1);
    memset(text, ' ', CONFIG_FILE_MAX_BYTES + 1);
    memcpy(text, "{}", 2);
    assert_int_equal(load(text, CONFIG_FILE_MAX_BYTES), 0);
    config_file_finish(&file);
    assert_int_equal(load(text, CONFIG_FILE_MAX_BYTES + 1), STATUS_MALFORMED);
    says("", "larger than 1 MiB");
    free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_good_file_is_read),
        TEST(a_file_that_is_not_there_is_told_from_one_that_cannot_be_read),
        TEST(syntax_errors_name_line_and_column),
        TEST(keys_are_checked_with_their_place),
        TEST(objects_within_are_checked_at_their_own_place),
        TEST(long_keys_and_values_do_not_overrun_the_problem),
        TEST(a_file_above_the_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
