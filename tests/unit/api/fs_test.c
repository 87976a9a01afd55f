/* SPDX-License-Identifier: MIT */
/* Folders of a guest: listed, made, moved, removed, watched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/base/status.h"
#include "tests/unit/api/harness.h"

#define LIST_PATH "/api/v1/vms/web/fs?path=/home/lui"

static void a_folder_is_listed_sorted_with_hostile_names_escaped(void **state)
{
    static const struct manifest_entry ENTRIES[] = {
        {.type = ENTRY_LINK, .name = "z", .target = "/etc\x1b[2J", .mode = 0777},
        {.type = ENTRY_FOLDER, .name = "\x1b[31mred\n\"", .mode = 0700, .uid = 1000, .gid = 100},
        {.type = ENTRY_FILE, .name = "a", .size = INT64_MAX, .mode = 04755, .mtime = {1769860800, 123456789}},
    };
    struct harness *harness = *state;
    struct response response;
    harness->agent.entries = ENTRIES;
    harness->agent.entry_count = 3;
    ask(harness, "GET", LIST_PATH, NULL, &response);
    assert_int_equal(response.status, 200);
    assert_null(strchr(response.body, 0x1b)); /* escaped: nothing reaches a terminal as it is */
    assert_null(strchr(response.body, '\n'));
    const json_t *list = json_object_get(response.json, "entries");
    assert_int_equal(json_array_size(list), 3);
    const json_t *red = json_array_get(list, 0), *a = json_array_get(list, 1), *z = json_array_get(list, 2);
    assert_string_equal(json_string_value(json_object_get(red, "name")), "\x1b[31mred\n\"");
    assert_string_equal(json_string_value(json_object_get(red, "type")), "folder");
    assert_string_equal(json_string_value(json_object_get(a, "mode")), "4755");
    assert_string_equal(json_string_value(json_object_get(a, "modified")), "2026-01-31T12:00:00.123Z");
    assert_int_equal(json_integer_value(json_object_get(a, "size")), INT64_MAX);
    assert_string_equal(json_string_value(json_object_get(z, "target")), "/etc\x1b[2J");
    assert_true(json_is_false(json_object_get(response.json, "truncated")));
    response_finish(&response);
}

static void an_empty_folder_is_an_empty_list(void **state)
{
    json_t *json = ask_json(*state, "GET", LIST_PATH, NULL, 200);
    assert_int_equal(json_array_size(json_object_get(json, "entries")), 0);
    assert_string_equal(json_string_value(json_object_get(json, "path")), "/home/lui");
    json_decref(json);
}

static void a_list_beyond_the_limit_is_truncated(void **state)
{
    struct harness *harness = *state;
    harness->agent.many = 100300;
    json_t *json = ask_json(harness, "GET", LIST_PATH, NULL, 200);
    const json_t *list = json_object_get(json, "entries");
    assert_int_equal(json_array_size(list), 100000);
    assert_true(json_is_true(json_object_get(json, "truncated")));
    const char *first = json_string_value(json_object_get(json_array_get(list, 0), "name"));
    const char *second = json_string_value(json_object_get(json_array_get(list, 1), "name"));
    assert_true(strcmp(first, second) < 0);
    json_decref(json);
}

static void impossible_lists_are_refused(void **state)
{
    struct harness *harness = *state;
    char message[512];
    static const char *const NAMES[] = {".", "..", "a/b"};
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        struct manifest_entry entry = {.type = ENTRY_FILE};
        snprintf(entry.name, sizeof(entry.name), "%s", NAMES[i]);
        harness->agent.entries = &entry;
        harness->agent.entry_count = 1;
        ask_problem(harness, "GET", LIST_PATH, NULL, 502, "MALFORMED", message);
    }
    const struct manifest_entry leave = {.type = ENTRY_LEAVE};
    harness->agent.entries = &leave;
    ask_problem(harness, "GET", LIST_PATH, NULL, 502, "MALFORMED", message);
    harness->agent.entry_count = 0;
    harness->agent.list_skips = true;
    ask_problem(harness, "GET", LIST_PATH, NULL, 502, "MALFORMED", message);
}

static void folders_are_made(void **state)
{
    struct harness *harness = *state;
    json_t *json = ask_json(harness, "POST", "/api/v1/vms/web/fs/mkdir",
                            "{\"path\":\"/a/b\",\"parents\":true,\"mode\":\"0750\",\"user\":\"lui\"}", 201);
    assert_string_equal(json_string_value(json_object_get(json, "path")), "/a/b");
    json_decref(json);
    assert_int_equal(harness->agent.operation, FILES_MAKE);
    assert_int_equal(harness->agent.flags, FILES_PARENTS);
    assert_int_equal(harness->agent.mode, 0750);
    assert_string_equal(harness->agent.user, "lui");
    char message[512];
    ask_problem(harness, "POST", "/api/v1/vms/web/fs/mkdir", "{\"path\":\"\"}", 422, "INVALID", message);
    ask_problem(harness, "POST", "/api/v1/vms/web/fs/mkdir", "{\"path\":\"/a\",\"mode\":\"rw\"}", 422,
                "INVALID", message);
    ask_problem(harness, "POST", "/api/v1/vms/web/fs/mkdir", "{\"path\":\"/a\",\"odd\":1}", 422, "INVALID",
                message);
}

static void paths_are_moved(void **state)
{
    struct harness *harness = *state;
    json_t *json =
        ask_json(harness, "POST", "/api/v1/vms/web/fs/move", "{\"from\":\"/a\",\"to\":\"/b\"}", 200);
    assert_string_equal(json_string_value(json_object_get(json, "path")), "/b");
    json_decref(json);
    assert_int_equal(harness->agent.conflict, FILES_FAIL);
    assert_string_equal(harness->agent.path, "/a");
    assert_string_equal(harness->agent.to, "/b");
    json_decref(ask_json(harness, "POST", "/api/v1/vms/web/fs/move",
                         "{\"from\":\"/a\",\"to\":\"/b\",\"replace\":true}", 200));
    assert_int_equal(harness->agent.conflict, FILES_REPLACE);
}

static void paths_are_removed(void **state)
{
    struct harness *harness = *state;
    char message[512];
    assert_null(ask_json(harness, "DELETE", "/api/v1/vms/web/fs?path=/a", NULL, 204));
    assert_int_equal(harness->agent.flags, 0);
    assert_null(ask_json(harness, "DELETE", "/api/v1/vms/web/fs?path=/a&recursive=true", NULL, 204));
    assert_int_equal(harness->agent.flags, FILES_RECURSIVE);
    harness->agent.refuse = UV_ENOTEMPTY;
    ask_problem(harness, "DELETE", "/api/v1/vms/web/fs?path=/a", NULL, 409, "ENOTEMPTY", message);
}

static void a_guest_that_never_answers_is_504(void **state)
{
    struct harness *harness = *state;
    char message[512];
    harness->agent.never_ends = true;
    ask_problem(harness, "DELETE", "/api/v1/vms/web/fs?path=/a", NULL, 504, "ETIMEDOUT", message);
    harness->agent.is_silent = true;
    ask_problem(harness, "GET", LIST_PATH, NULL, 504, "ETIMEDOUT", message);
    ask_problem(harness, "GET", "/api/v1/vms/web/fs/watch?path=/a", NULL, 504, "ETIMEDOUT", message);
}

static void changes_are_told_as_they_happen(void **state)
{
    struct harness *harness = *state;
    struct client client;
    client_open(&client, harness, harness->socket_path);
    client_print(&client, "GET /api/v1/vms/web/fs/watch?path=/a HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect(&client, ": the watch is in place\n\n");
    struct change changes[] = {{.what = CHANGE_CREATED, .folder = true, .path = "new\n"},
                               {.what = CHANGE_MOVED, .path = "b", .from = "a"}};
    fake_agent_tell_changes(&harness->agent, &(struct changes_message){2, changes, false});
    client_expect(&client, "event: change\ndata: {\"what\":\"created\",\"path\":\"new\\n\",\"folder\":true,"
                           "\"from\":null}\n\n");
    client_expect(&client, "\"from\":\"a\"}\n\n");
    fake_agent_tell_changes(&harness->agent, &(struct changes_message){0, NULL, true});
    client_expect(&client, "event: lost\ndata: {}\n\n");
    client_expect(&client, ": heartbeat\n\n");
    client_close(&client);
    for (int i = 0; i < 1000 && harness->agent.jobs != NULL; i++)
        harness_turn(harness, -1, 0);
    assert_null(harness->agent.jobs); /* nobody watches any more */
}

static void a_slow_watcher_is_told_that_changes_were_lost(void **state)
{
    struct harness *harness = *state;
    struct client client;
    client_open(&client, harness, harness->socket_path);
    client_print(&client, "GET /api/v1/vms/web/fs/watch?path=/a HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect(&client, ": the watch is in place\n\n");
    struct change *changes = calloc(FILES_CHANGES_A_MESSAGE_MAX, sizeof(*changes));
    for (size_t i = 0; i < FILES_CHANGES_A_MESSAGE_MAX; i++) {
        changes[i].what = CHANGE_MODIFIED;
        memset(changes[i].path, 'x', FILES_LINK_MAX);
    }
    for (int i = 0; i < 100; i++) { /* 6 MiB, and the client reads none of it */
        fake_agent_tell_changes(&harness->agent,
                                &(struct changes_message){FILES_CHANGES_A_MESSAGE_MAX, changes, false});
        for (int turn = 0; turn < 5; turn++)
            uv_run(&harness->loop, UV_RUN_NOWAIT);
    }
    client_expect(&client, "event: lost\ndata: {}\n\n");
    assert_true(buffer_size(&client.in) < 3 * 1024 * 1024);
    client_close(&client);
    free(changes);
}

static void a_watch_ends_with_the_guests_connection(void **state)
{
    struct harness *harness = *state;
    struct client client;
    client_open(&client, harness, harness->socket_path);
    client_print(&client, "GET /api/v1/vms/web/fs/watch?path=/a HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect(&client, ": the watch is in place\n\n");
    fake_agent_reset(&harness->agent, STATUS_GONE);
    client_expect(&client, "\r\n0\r\n\r\n");
    client_close(&client);
}

#define PATIENT(test)   cmocka_unit_test_setup_teardown(test, harness_setup, harness_teardown)
#define IMPATIENT(test) cmocka_unit_test_setup_teardown(test, harness_setup_impatient, harness_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PATIENT(a_folder_is_listed_sorted_with_hostile_names_escaped),
        PATIENT(an_empty_folder_is_an_empty_list),
        PATIENT(a_list_beyond_the_limit_is_truncated),
        PATIENT(impossible_lists_are_refused),
        PATIENT(folders_are_made),
        PATIENT(paths_are_moved),
        PATIENT(paths_are_removed),
        IMPATIENT(a_guest_that_never_answers_is_504),
        PATIENT(changes_are_told_as_they_happen),
        PATIENT(a_slow_watcher_is_told_that_changes_were_lost),
        PATIENT(a_watch_ends_with_the_guests_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
