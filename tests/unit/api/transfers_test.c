/* SPDX-License-Identifier: MIT */
/* Transfers and the inbox over the API: bodies, who may what, views, events, metrics. */
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

static bool is_stranger; /* who connects is another user of the host, whom the configuration lets in */

int __real_unix_peer_of(int fd, struct unix_peer *ret);
int __wrap_unix_peer_of(int fd, struct unix_peer *ret);

int __wrap_unix_peer_of(int fd, struct unix_peer *ret)
{
    int status = __real_unix_peer_of(fd, ret);
    if (status == 0 && is_stranger)
        ret->uid = HARNESS_OTHER_UID;
    return status;
}

#define RUNNING "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void transfers_are_listed_and_filtered(void **state)
{
    static const struct {
        const char *query;
        size_t count;
    } CASES[] = {{"", 2}, {"?vm=web", 2}, {"?vm=db", 0}, {"?state=running", 1}, {"?vm=web&state=done", 0}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        char path[80];
        snprintf(path, sizeof(path), "/api/v1/transfers%s", CASES[i].query);
        json_t *json = ask_json(*state, "GET", path, NULL, 200);
        assert_int_equal(json_array_size(json_object_get(json, "transfers")), CASES[i].count);
        json_decref(json);
    }
}

static void a_running_transfer_shows_where_it_stands(void **state)
{
    json_t *json = ask_json(*state, "GET", "/api/v1/transfers/" RUNNING, NULL, 200);
    assert_string_equal(json_string_value(json_object_get(json, "phase")), "send");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json, "files"), "total")), 10);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(json_object_get(json, "failures"), 0), "code")),
        "EACCES");
    assert_true(json_is_null(json_array_get(json_object_get(json, "names"), 1)));
    assert_true(json_is_null(json_object_get(json_object_get(json, "from"), "vm")));
    assert_true(json_is_null(json_object_get(json, "ended")));
    json_decref(json);
    json = ask_json(*state, "GET", "/api/v1/transfers/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", NULL, 200);
    assert_true(json_is_null(json_object_get(json, "phase")));
    assert_true(json_is_null(json_object_get(json_object_get(json, "bytes"), "total")));
    assert_string_equal(json_string_value(json_object_get(json_object_get(json, "error"), "code")), "ENOSPC");
    json_decref(json);
}

static void a_copy_is_begun_with_all_that_was_said(void **state)
{
    struct harness *harness = *state;
    struct response response;
    ask(harness, "POST", "/api/v1/transfers",
        "{\"from\":{\"vm\":\"web\",\"user\":\"lui\",\"paths\":[\"src\",\"b\"]},\"to\":{\"vm\":null,\"path\":"
        "\"/home/me\"},\"recursive\":true,\"checksum\":true,\"resume\":true,\"attributes\":true,"
        "\"links\":\"keep\",\"conflict\":\"fail\"}",
        &response);
    assert_int_equal(response.status, 201);
    assert_non_null(strstr(response.head, "\r\nLocation: /api/v1/transfers/cccccccc"));
    response_finish(&response);
    const struct transfer_request *last = &harness->transfers.last;
    assert_int_equal(last->kind, TRANSFER_COPY);
    assert_int_equal(last->flags, FILES_RECURSIVE | FILES_CHECKSUM | FILES_RESUME | FILES_ATTRIBUTES);
    assert_int_equal(last->links, FILES_LINKS_KEEP);
    assert_int_equal(last->conflict, FILES_FAIL);
    assert_int_equal(last->from.path_count, 2);
    assert_string_equal(last->from.user, "lui");
    assert_string_equal(harness->transfers.last_from, "src");
    assert_string_equal(harness->transfers.last_to, "/home/me");
}

static void without_a_target_it_is_a_drop(void **state)
{
    struct harness *harness = *state;
    json_decref(ask_json(harness, "POST", "/api/v1/transfers",
                         "{\"from\":{\"paths\":[\"/a\"]},\"to\":{\"vm\":\"db\"},\"conflict\":\"replace\"}",
                         201));
    assert_int_equal(harness->transfers.last.kind, TRANSFER_DROP);
    assert_int_equal(harness->transfers.last.conflict, FILES_RENAME);
    assert_int_equal(harness->transfers.last.to.path_count, 0);
}

static void bodies_that_are_not_valid_name_the_field(void **state)
{
    static const struct {
        const char *body, *field;
    } CASES[] = {
        {"{\"to\":{\"vm\":\"web\"}}", "from"},
        {"{\"from\":[],\"to\":{\"vm\":\"web\"}}", "from"},
        {"{\"from\":{},\"to\":{\"vm\":\"web\"}}", "from.paths"},
        {"{\"from\":{\"paths\":[]},\"to\":{\"vm\":\"web\"}}", "from.paths"},
        {"{\"from\":{\"paths\":\"/a\"},\"to\":{\"vm\":\"web\"}}", "from.paths"},
        {"{\"from\":{\"paths\":[1]},\"to\":{\"vm\":\"web\"}}", "from.paths"},
        {"{\"from\":{\"paths\":[\"\"]},\"to\":{\"vm\":\"web\"}}", "from.paths"},
        {"{\"from\":{\"paths\":[\"a\"]},\"to\":{\"vm\":\"web\"}}", "from.paths"},
        {"{\"from\":{\"paths\":[\"/a\"],\"odd\":1},\"to\":{\"vm\":\"web\"}}", "from"},
        {"{\"from\":{\"paths\":[\"/a\"],\"user\":\"me\"},\"to\":{\"vm\":\"web\"}}", "from"},
        {"{\"from\":{\"paths\":[\"/a\"],\"vm\":7},\"to\":{\"vm\":\"web\"}}", "from"},
        {"{\"from\":{\"paths\":[\"/a\"]}}", "to"},
        {"{\"from\":{\"paths\":[\"/a\"]},\"to\":{\"path\":\"/b\"}}", "to"},
        {"{\"from\":{\"vm\":\"web\",\"paths\":[\"a\"]},\"to\":{}}", "to.path"},
        {"{\"from\":{\"vm\":\"web\",\"paths\":[\"a\"]},\"to\":{\"path\":\"b\"}}", "to.path"},
        {"{\"from\":{\"paths\":[\"/a\"]},\"to\":{\"vm\":\"web\"},\"links\":\"x\"}", "links"},
        {"{\"from\":{\"paths\":[\"/a\"]},\"to\":{\"vm\":\"web\"},\"conflict\":\"x\"}", "conflict"},
        {"{\"from\":{\"paths\":[\"/a\"]},\"to\":{\"vm\":\"web\"},\"recursive\":1}", "recursive"},
        {"{\"from\":{\"paths\":[\"/a\"]},\"to\":{\"vm\":\"web\"},\"odd\":1}", "odd"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        json_t *json = ask_json(*state, "POST", "/api/v1/transfers", CASES[i].body, 422);
        const json_t *details = json_object_get(json_object_get(json, "error"), "details");
        assert_string_equal(json_string_value(json_object_get(details, "field")), CASES[i].field);
        json_decref(json);
    }
}

static void more_than_64_paths_are_refused(void **state)
{
    char body[1024] = "{\"to\":{\"vm\":\"web\"},\"from\":{\"paths\":[\"/a\"";
    char message[512];
    for (int i = 0; i < FILES_PATHS_MAX; i++)
        strcat(body, ",\"/a\"");
    strcat(body, "]}}");
    ask_problem(*state, "POST", "/api/v1/transfers", body, 422, "INVALID", message);
}

static void only_the_bridges_own_user_names_host_paths(void **state)
{
    struct harness *harness = *state;
    char message[512];
    is_stranger = true;
    ask_problem(harness, "POST", "/api/v1/transfers",
                "{\"from\":{\"paths\":[\"/a\"]},\"to\":{\"vm\":\"web\"}}", 403, "NOT_ALLOWED", message);
    ask_problem(harness, "POST", "/api/v1/transfers",
                "{\"from\":{\"vm\":\"web\",\"paths\":[\"a\"]},\"to\":{\"path\":\"/b\"}}", 403, "NOT_ALLOWED",
                message);
    json_decref(ask_json(harness, "POST", "/api/v1/transfers",
                         "{\"from\":{\"vm\":\"web\",\"paths\":[\"a\"]},\"to\":{\"vm\":\"db\"}}", 201));
    ask_problem(harness, "POST", "/api/v1/inbox/web-7/accept", "{\"to\":\"/etc\"}", 403, "NOT_ALLOWED",
                message);
    json_decref(ask_json(harness, "POST", "/api/v1/inbox/web-7/accept", "{}", 202));
    is_stranger = false;
}

static void a_copy_is_in_the_audit_log_with_its_places(void **state)
{
    json_decref(ask_json(*state, "POST", "/api/v1/transfers",
                         "{\"from\":{\"paths\":[\"/a\",\"/b\"]},\"to\":{\"vm\":\"web\",\"path\":\"c\"},"
                         "\"recursive\":true}",
                         201));
    json_t *json = ask_json(*state, "GET", "/api/v1/audit?limit=1", NULL, 200);
    const json_t *entry = json_array_get(json_object_get(json, "entries"), 0);
    const json_t *parameters = json_object_get(entry, "parameters");
    assert_string_equal(json_string_value(json_object_get(parameters, "from.paths")), "/a, /b");
    assert_string_equal(json_string_value(json_object_get(parameters, "to.vm")), "web");
    assert_string_equal(json_string_value(json_object_get(parameters, "to.path")), "c");
    assert_true(json_is_true(json_object_get(parameters, "recursive")));
    assert_int_equal(json_object_size(parameters), 4);
    json_decref(json);
}

static void events_tell_of_transfers_and_offers(void **state)
{
    struct harness *harness = *state;
    struct client client;
    client_open(&client, harness, harness->socket_path);
    client_print(&client, "GET /api/v1/events?vm=web HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect(&client, "\r\n\r\n");
    api_transfer_changed(harness->api, &harness->transfers.items[0], "progress");
    client_expect(&client, "event: transfer.progress\n");
    client_expect(&client, "\"time\"");
    assert_null(strstr(client_text(&client), "failures"));
    api_transfer_changed(harness->api, &harness->transfers.items[0], "changed");
    client_expect(&client, "\"failures\":[{\"path\":\"b/secret\"");
    api_inbox_changed(harness->api, &harness->inbox.items[0], "offered");
    client_expect(&client, "event: inbox.offered\n");
    client_expect(&client, "photos\\u001B[31m\\t");
    client_close(&client);
}

static void metrics_count_and_never_fall(void **state)
{
    struct harness *harness = *state;
    struct response response;
    ask(harness, "GET", "/api/v1/metrics", NULL, &response);
    assert_non_null(strstr(response.body, "\nhospes_transfers_running 1\n"));
    assert_non_null(strstr(response.body, "\nhospes_transfer_bytes_total{vm=\"web\",direction=\"in\"} 70\n"));
    assert_non_null(
        strstr(response.body, "\nhospes_transfer_bytes_total{vm=\"web\",direction=\"out\"} 300\n"));
    assert_non_null(strstr(response.body, "\nhospes_inbox_items 2\n"));
    response_finish(&response);
    const struct transfer gone = harness->transfers.items[1];
    transfers_cancel(&harness->transfers, gone.id, false);
    api_transfer_changed(harness->api, &gone, "removed");
    ask(harness, "GET", "/api/v1/metrics", NULL, &response);
    assert_non_null(strstr(response.body, "\nhospes_transfer_bytes_total{vm=\"web\",direction=\"in\"} 70\n"));
    response_finish(&response);
}

static void a_transfer_is_cancelled(void **state)
{
    struct harness *harness = *state;
    char message[512];
    assert_null(ask_json(harness, "DELETE", "/api/v1/transfers/" RUNNING, NULL, 204));
    assert_int_equal(harness->transfers.count, 1);
    ask_problem(harness, "DELETE", "/api/v1/transfers/" RUNNING, NULL, 404, "NOT_FOUND", message);
}

static void offers_are_accepted(void **state)
{
    struct harness *harness = *state;
    char message[512];
    json_t *json = ask_json(harness, "GET", "/api/v1/inbox?vm=web", NULL, 200);
    const json_t *item = json_array_get(json_object_get(json, "items"), 1);
    assert_string_equal(json_string_value(json_object_get(item, "state")), "taking");
    json_decref(json);
    json_decref(ask_json(harness, "POST", "/api/v1/inbox/web-7/accept", NULL, 202));
    assert_string_equal(harness->receiving.to, "");
    assert_int_equal(harness->receiving.conflict, FILES_RENAME);
    json_decref(ask_json(harness, "POST", "/api/v1/inbox/web-7/accept",
                         "{\"to\":\"/home/me\",\"conflict\":\"replace\"}", 202));
    assert_string_equal(harness->receiving.to, "/home/me");
    assert_int_equal(harness->receiving.conflict, FILES_REPLACE);
    ask_problem(harness, "POST", "/api/v1/inbox/web-8/accept", "{}", 409, "CONFLICT", message);
    assert_string_equal(message, "it is being taken");
    ask_problem(harness, "POST", "/api/v1/inbox/web-7/accept", "{\"to\":\"here\"}", 422, "INVALID", message);
}

static void offers_are_declined(void **state)
{
    struct harness *harness = *state;
    char message[512];
    assert_null(ask_json(harness, "POST", "/api/v1/inbox/web-7/decline", NULL, 204));
    harness->receiving.decline_status = STATUS_NOT_CONNECTED;
    ask_problem(harness, "POST", "/api/v1/inbox/web-7/decline", NULL, 503, "NOT_CONNECTED", message);
    ask_problem(harness, "POST", "/api/v1/inbox/none-1/decline", NULL, 404, "NOT_FOUND", message);
}

static void a_decline_outlives_its_client(void **state)
{
    struct harness *harness = *state;
    struct client client;
    harness->receiving.answers_later = true;
    client_open(&client, harness, harness->socket_path);
    client_print(&client,
                 "POST /api/v1/inbox/web-7/decline HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    while (harness->receiving.on_done == NULL)
        harness_turn(harness, -1, 0);
    client_close(&client);
    for (int i = 0; i < 20; i++)
        uv_run(&harness->loop, UV_RUN_NOWAIT);
    fake_receiving_answer(&harness->receiving);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, harness_setup, harness_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(transfers_are_listed_and_filtered),
        TEST(a_running_transfer_shows_where_it_stands),
        TEST(a_copy_is_begun_with_all_that_was_said),
        TEST(without_a_target_it_is_a_drop),
        TEST(bodies_that_are_not_valid_name_the_field),
        TEST(more_than_64_paths_are_refused),
        TEST(only_the_bridges_own_user_names_host_paths),
        TEST(a_copy_is_in_the_audit_log_with_its_places),
        TEST(events_tell_of_transfers_and_offers),
        TEST(metrics_count_and_never_fall),
        TEST(a_transfer_is_cancelled),
        TEST(offers_are_accepted),
        TEST(offers_are_declined),
        TEST(a_decline_outlives_its_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
