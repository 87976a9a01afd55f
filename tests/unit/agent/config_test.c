/* SPDX-License-Identifier: MIT */
/* agent.json: what trust and files add to it, and the place that each complaint names. */
#include "agent/config.h"

#include <stdio.h>
#include <string.h>

#include "protocol/base/status.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/identity/scratch_folder.h"

static struct scratch_folder folder;
static struct agent_config config;
static char path[SCRATCH_PATH_MAX];
static char problem[CONFIG_PROBLEM_MAX];

static int setup(void **state)
{
    scratch_make(&folder);
    snprintf(path, sizeof(path), "%s/agent.json", folder.path);
    agent_config_init(&config);
    problem[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    scratch_remove(&folder);
    return 0;
}

static int load(const char *text)
{
    scratch_write_text(&folder, "agent.json", text);
    return agent_config_load(&config, path, true, problem);
}

static void refuses(const char *text, const char *where, const char *what)
{
    char start[SCRATCH_PATH_MAX + 20];
    agent_config_init(&config);
    assert_int_equal(load(text), STATUS_MALFORMED);
    snprintf(start, sizeof(start), "%s%s", path, where);
    if (strncmp(problem, start, strlen(start)) != 0 || strstr(problem, what) == NULL)
        fail_msg("\"%s\" instead of \"%s… %s\"", problem, start, what);
}

static void defaults_hold_where_nothing_is_said(void **state)
{
    assert_int_equal(load("{}"), 0);
    assert_string_equal(config.state_dir, "/var/lib/hospes-agent");
    assert_string_equal(config.admin_socket, "/run/hospes-agent/admin.sock");
    assert_string_equal(config.host_key_file, "");
    assert_string_equal(config.psk_file, "");
    assert_int_equal(config.sealing, SEALING_AUTO);
    assert_int_equal(config.classes.bits, request_classes_all().bits);
}

static void paths_are_taken_from_the_file(void **state)
{
    assert_int_equal(
        load("{\"stateDir\": \"/s\", \"hostKeyFile\": \"/h\", \"pskFile\": \"/p\", \"adminSocket\": \"/a\"}"),
        0);
    assert_string_equal(config.state_dir, "/s");
    assert_string_equal(config.host_key_file, "/h");
    assert_string_equal(config.psk_file, "/p");
    assert_string_equal(config.admin_socket, "/a");
}

static void the_command_line_overrides_the_file(void **state)
{
    assert_int_equal(agent_config_set_state_dir(&config, "/mine", problem), 0);
    assert_int_equal(agent_config_set_admin_socket(&config, "/mine.sock", problem), 0);
    assert_int_equal(load("{\"stateDir\": \"/s\", \"adminSocket\": \"/a\"}"), 0);
    assert_string_equal(config.state_dir, "/mine");
    assert_string_equal(config.admin_socket, "/mine.sock");
}

static void paths_that_are_none_are_refused(void **state)
{
    char text[AGENT_PATH_MAX + 100], long_path[AGENT_PATH_MAX + 2];
    memset(long_path, 'x', sizeof(long_path) - 1);
    long_path[sizeof(long_path) - 1] = '\0';
    snprintf(text, sizeof(text), "{\"stateDir\": \"%s\"}", long_path);
    refuses(text, ":1:", "1023");
    refuses("{\n\"stateDir\": \"\"\n}", ":2:", "path");
    refuses("{\n\n\"pskFile\": 7\n}", ":3:", "string");
    refuses("{\"hostKeyFile\": \"\"}", ":1:", "path");
    refuses("{\"adminSocket\": null}", ":1:", "string");
    assert_int_equal(agent_config_set_state_dir(&config, "", problem), STATUS_INVALID);
    assert_int_equal(agent_config_set_admin_socket(&config, long_path, problem), STATUS_INVALID);
}

static void encryption_has_three_words(void **state)
{
    assert_int_equal(load("{\"encryption\": \"always\"}"), 0);
    assert_int_equal(config.sealing, SEALING_ALWAYS);
    assert_int_equal(load("{\"encryption\": \"never\"}"), 0);
    assert_int_equal(config.sealing, SEALING_NEVER);
    assert_int_equal(load("{\"encryption\": \"auto\"}"), 0);
    assert_int_equal(config.sealing, SEALING_AUTO);
    refuses("{\n  \"encryption\": \"maybe\"}", ":2:", "\"always\"");
    refuses("{\"encryption\": true}", ":1:", "string");
}

static void no_encryption_is_refused_with_a_tcp_listener(void **state)
{
    refuses("{\"listen\": [\"vsock\", \"tcp:127.0.0.1:5002\"],\n\"encryption\": \"never\"}", ":2:", "tcp");
    agent_config_init(&config);
    assert_int_equal(load("{\"listen\": [\"tcp:127.0.0.1:5002\"], \"encryption\": \"always\"}"), 0);
    agent_config_init(&config);
    assert_int_equal(agent_config_add_listener(&config, "tcp:127.0.0.1:5002", problem),
                     0); /* --listen counts, too */
    assert_int_equal(load("{\"encryption\": \"never\"}"), STATUS_MALFORMED);
    agent_config_init(&config);
    assert_int_equal(load("{\"listen\": [\"vsock\"], \"encryption\": \"never\"}"), 0);
}

static void each_class_is_switched_by_its_name(void **state)
{
    for (int i = 1; i <= REQUEST_CLASS_COUNT; i++) {
        char text[100];
        agent_config_init(&config);
        snprintf(text, sizeof(text), "{\"classes\": {\"%s\": false}}",
                 request_class_name((enum request_class)i));
        assert_int_equal(load(text), 0);
        for (int j = 1; j <= REQUEST_CLASS_COUNT; j++)
            assert_int_equal(request_classes_has(config.classes, (enum request_class)j), i != j);
    }
    agent_config_init(&config);
    assert_int_equal(load("{\"classes\": {\"exec\": false, \"files\": true}}"), 0);
    assert_false(request_classes_has(config.classes, CLASS_EXEC));
    assert_true(request_classes_has(config.classes, CLASS_FILES));
}

static void unknown_classes_and_values_are_refused(void **state)
{
    refuses("{\"classes\": {\n \"execute\": false}}", ":2:", "execute");
    refuses("{\"classes\": {\n\n \"exec\": \"no\"}}", ":3:", "true or false");
    refuses("{\"classes\": {\"exec\": 0}}", ":1:", "true or false");
    refuses("{\"classes\": [\"exec\"]}", ":1:", "object");
}

static void files_have_a_user_and_a_drop_folder(void **state)
{
    assert_int_equal(load("{\"files\": {\"user\": \"anna\", \"dropFolder\": \"In/coming\"}}"), 0);
    assert_string_equal(config.files_user, "anna");
    assert_string_equal(config.drop_folder, "In/coming");
    agent_config_init(&config);
    assert_int_equal(load("{\"files\": {}}"), 0);
    assert_string_equal(config.files_user, "");
    assert_string_equal(config.drop_folder, "");
    char text[200], long_name[TEXT_NAME_MAX + 2];
    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    snprintf(text, sizeof(text), "{\"files\": {\n\"user\": \"%s\"}}", long_name);
    refuses(text, ":2:", "63");
    refuses("{\"files\": {\n\"user\": \"\"}}", ":2:", "63");
    refuses("{\"files\": {\n\n\"dropFolder\": \"\"}}", ":3:", "drop folder");
    refuses("{\"files\": {\n\"folder\": \"a\"}}", ":2:", "folder");
    refuses("{\"files\": {\"user\": 7}}", ":1:", "string");
    refuses("{\"files\": true}", ":1:", "object");
}

int main(void)
{
#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_FILE(defaults_hold_where_nothing_is_said),
        WITH_FILE(paths_are_taken_from_the_file),
        WITH_FILE(the_command_line_overrides_the_file),
        WITH_FILE(paths_that_are_none_are_refused),
        WITH_FILE(encryption_has_three_words),
        WITH_FILE(no_encryption_is_refused_with_a_tcp_listener),
        WITH_FILE(each_class_is_switched_by_its_name),
        WITH_FILE(unknown_classes_and_values_are_refused),
        WITH_FILE(files_have_a_user_and_a_drop_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
