/* SPDX-License-Identifier: MIT */
/* What the audit log says of requests, and the two routes that read it. Refusals of other users are in the
 * end-to-end tests, which have another user. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/api/harness.h"

static const char *text_at(const json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

/* The entries so far; `count` is checked. */
static json_t *entries(struct harness *harness, const char *query, size_t count)
{
    char path[128];
    snprintf(path, sizeof(path), "/api/v1/audit%s", query);
    json_t *answer = ask_json(harness, "GET", path, NULL, 200);
    json_t *list = json_incref(json_object_get(answer, "entries"));
    json_decref(answer);
    assert_int_equal(json_array_size(list), count);
    return list;
}

/* The last entry; earlier ones are those of this test. */
static json_t *last_entry(struct harness *harness)
{
    json_t *answer = ask_json(harness, "GET", "/api/v1/audit?limit=1", NULL, 200);
    const json_t *list = json_object_get(answer, "entries");
    assert_int_equal(json_array_size(list), 1);
    json_t *entry = json_incref(json_array_get(list, 0));
    json_decref(answer);
    return entry;
}

static void change_is_written_down_with_who_and_what(void **state)
{
    struct harness *harness = *state;
    json_decref(ask_json(harness, "POST", "/api/v1/vms", "{\"name\":\"new\",\"link\":\"vsock:9\"}", 201));
    json_t *entry = last_entry(harness);
    assert_string_equal(text_at(entry, "action"), "POST /vms");
    assert_string_equal(text_at(entry, "class"), "admin");
    assert_string_equal(text_at(entry, "result"), "done");
    assert_true(json_is_null(json_object_get(entry, "status")));
    assert_string_equal(text_at(entry, "guest"), "new");
    const json_t *parameters = json_object_get(entry, "parameters"),
                 *client = json_object_get(entry, "client");
    assert_string_equal(text_at(parameters, "name"), "new");
    assert_string_equal(text_at(parameters, "link"), "vsock:9");
    assert_int_equal(json_integer_value(json_object_get(client, "pid")), getpid());
    assert_int_equal(json_integer_value(json_object_get(client, "uid")), getuid());
    assert_non_null(strstr(text_at(client, "executable"), "api_audit_test"));
    json_decref(entry);
}

static void guest_and_path_parameters_are_named(void **state)
{
    struct harness *harness = *state;
    json_decref(ask_json(harness, "PUT", "/api/v1/vms/web/ports/3000", "{\"policy\":\"block\"}", 200));
    json_t *entry = last_entry(harness);
    assert_string_equal(text_at(entry, "action"), "PUT /vms/{vm}/ports/{port}");
    assert_string_equal(text_at(entry, "guest"), "web");
    assert_string_equal(text_at(entry, "class"), "ports");
    assert_string_equal(text_at(json_object_get(entry, "parameters"), "port"), "3000");
    assert_string_equal(text_at(json_object_get(entry, "parameters"), "policy"), "block");
    json_decref(entry);
}

static void query_is_shown_where_the_route_allows_it(void **state)
{
    struct harness *harness = *state;
    char message[512];
    ask_problem(harness, "DELETE", "/api/v1/vms/web/policy?selector=process%3Aan%20x&secret=7", NULL, 404,
                "NOT_FOUND", message);
    json_t *entry = last_entry(harness);
    const json_t *parameters = json_object_get(entry, "parameters");
    assert_string_equal(text_at(parameters, "selector"), "process:an x");
    assert_int_equal(json_object_size(parameters), 1);
    assert_string_equal(text_at(entry, "result"), "failed");
    assert_string_equal(text_at(entry, "status"), "NOT_FOUND");
    json_decref(entry);
}

static void what_a_route_does_not_name_is_not_shown(void **state)
{
    struct harness *harness = *state;
    char message[512];
    ask_problem(harness, "POST", "/api/v1/vms",
                "{\"name\":\"x\",\"link\":{\"a\":1},\"password\":\"hunter2\"}", 422, "INVALID", message);
    json_t *entry = last_entry(harness);
    const json_t *parameters = json_object_get(entry, "parameters");
    assert_int_equal(json_object_size(parameters), 1);
    assert_string_equal(text_at(parameters, "name"), "x");
    json_decref(entry);
}

static void refused_and_failed_changes_are_told_apart(void **state)
{
    struct harness *harness = *state;
    char message[512];
    ask_problem(harness, "DELETE", "/api/v1/vms/off", NULL, 403, "NOT_ALLOWED", message);
    json_t *entry = last_entry(harness);
    assert_string_equal(text_at(entry, "result"), "refused");
    assert_string_equal(text_at(entry, "status"), "NOT_ALLOWED");
    json_decref(entry);
    ask_problem(harness, "DELETE", "/api/v1/vms/none", NULL, 404, "NOT_FOUND", message);
    entry = last_entry(harness);
    assert_string_equal(text_at(entry, "result"), "failed");
    assert_string_equal(text_at(entry, "guest"), "none");
    json_decref(entry);
}

static void looks_at_the_state_are_not_written_down(void **state)
{
    struct harness *harness = *state;
    json_decref(ask_json(harness, "GET", "/api/v1/vms", NULL, 200));
    json_decref(ask_json(harness, "GET", "/api/v1/vms/web/ports", NULL, 200));
    struct response response;
    ask(harness, "HEAD", "/api/v1/health", NULL, &response);
    response_finish(&response);
    struct audit_counts counts;
    audit_log_counts(harness->audit, &counts);
    assert_int_equal(counts.lines, 0);
}

static void unknown_paths_are_written_down_when_they_ask_for_a_change(void **state)
{
    struct harness *harness = *state;
    char message[512];
    ask_problem(harness, "GET", "/api/v1/nothing", NULL, 404, "NOT_FOUND", message);
    ask_problem(harness, "POST", "/api/v1/nothing%0a", "{}", 404, "NOT_FOUND", message);
    json_decref(entries(harness, "?limit=50", 1));
    json_t *entry = last_entry(harness);
    assert_string_equal(text_at(json_object_get(entry, "parameters"), "path"), "/api/v1/nothing%0a");
    assert_true(json_is_null(json_object_get(entry, "class")));
    json_decref(entry);
}

static void requests_on_a_guests_own_socket_are_written_down_too(void **state)
{
    struct harness *harness = *state;
    struct client client;
    struct response response;
    char path[128];
    snprintf(path, sizeof(path), "%s/web.sock", harness->guest_dir);
    client_open(&client, harness, path);
    client_print(&client, "DELETE /api/v1/forwards/nothing HTTP/1.1\r\nHost: x\r\n\r\n");
    client_response(&client, true, &response);
    assert_int_equal(response.status, 404);
    response_finish(&response);
    client_close(&client);
    json_t *entry = last_entry(harness);
    assert_string_equal(text_at(entry, "action"), "DELETE /vms/{vm}/forwards/{id}");
    assert_string_equal(text_at(entry, "guest"), "web");
    assert_string_equal(text_at(json_object_get(entry, "parameters"), "id"), "nothing");
    json_decref(entry);
}

static void entries_can_be_asked_for_by_guest_and_number(void **state)
{
    struct harness *harness = *state;
    for (int i = 0; i < 3; i++) {
        json_decref(ask_json(harness, "PUT", "/api/v1/vms/web/ports/3000", "{\"policy\":\"block\"}", 200));
        json_decref(ask_json(harness, "PUT", "/api/v1/vms/db/ports/3000", "{\"policy\":\"block\"}", 200));
    }
    json_decref(entries(harness, "?guest=web&limit=2", 2));
    json_decref(entries(harness, "?guest=db", 3));
    json_decref(entries(harness, "?guest=gone", 0));
    char message[512];
    static const char *const BAD[] = {"?limit=0",  "?limit=1001", "?limit=x",           "?limit=",
                                      "?limit=5x", "?limit=-1",   "?limit=99999999999", "?guest=%ff%00"};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        char path[64];
        snprintf(path, sizeof(path), "/api/v1/audit%s", BAD[i]);
        if (strcmp(BAD[i], "?limit=") != 0) /* an empty value is no value */
            ask_problem(harness, "GET", path, NULL, 400, "MALFORMED", message);
    }
}

static void verify_tells_an_intact_log_from_a_changed_one(void **state)
{
    struct harness *harness = *state;
    char path[96];
    for (int i = 0; i < 4; i++)
        json_decref(ask_json(harness, "PUT", "/api/v1/vms/web/ports/3000", "{\"policy\":\"block\"}", 200));
    json_t *report = ask_json(harness, "GET", "/api/v1/audit/verify", NULL, 200);
    assert_true(json_is_true(json_object_get(report, "ok")));
    assert_true(json_is_null(json_object_get(report, "brokenAt")));
    assert_int_equal(json_integer_value(json_object_get(report, "lines")), 4);
    assert_int_equal(json_integer_value(json_object_get(report, "files")), 1);
    assert_int_equal(json_integer_value(json_object_get(report, "lastSeq")), 4);
    json_decref(report);
    snprintf(path, sizeof(path), "%s/audit.log", harness->folder);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "3", 1, 10), 1); /* in the first line's time */
    close(fd);
    report = ask_json(harness, "GET", "/api/v1/audit/verify", NULL, 200);
    assert_true(json_is_false(json_object_get(report, "ok")));
    const json_t *broken = json_object_get(report, "brokenAt");
    assert_string_equal(text_at(broken, "file"), "audit.log");
    assert_string_equal(text_at(broken, "why"), "changed");
    assert_int_equal(json_integer_value(json_object_get(broken, "line")), 1);
    json_decref(report);
}

static void too_many_readers_are_refused(void **state)
{
    struct harness *harness = *state;
    struct client clients[4];
    int served = 0, refused = 0;
    for (int i = 0; i < 4; i++) {
        client_open(&clients[i], harness, harness->socket_path);
        client_print(&clients[i], "GET /api/v1/audit HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    for (int i = 0; i < 4; i++) {
        struct response response;
        client_response(&clients[i], true, &response);
        served += response.status == 200;
        refused += response.status == 429;
        response_finish(&response);
        client_close(&clients[i]);
    }
    assert_int_equal(served + refused, 4);
    assert_true(served >= 2);
    json_decref(ask_json(harness, "GET", "/api/v1/audit", NULL, 200)); /* and later ones are served again */
}

static void client_that_goes_or_an_api_that_closes_leaves_the_reader_to_end(void **state)
{
    struct harness *harness = *state;
    struct client client, other;
    client_open(&client, harness, harness->socket_path);
    client_print(&client, "GET /api/v1/audit/verify HTTP/1.1\r\nHost: x\r\n\r\n");
    client_open(&other, harness, harness->socket_path);
    client_print(&other, "GET /api/v1/audit HTTP/1.1\r\nHost: x\r\n\r\n");
    harness_turn(harness, -1, 0);
    client_close(&client);
    harness_stop(harness);
    client_close(&other);
}

static void metrics_count_lines_and_refusals(void **state)
{
    struct harness *harness = *state;
    struct response response;
    json_decref(ask_json(harness, "PUT", "/api/v1/vms/web/ports/3000", "{\"policy\":\"block\"}", 200));
    ask(harness, "GET", "/api/v1/metrics", NULL, &response);
    assert_non_null(strstr(response.body, "\nhospes_audit_lines_total 1\n"));
    assert_non_null(strstr(response.body, "\nhospes_audit_lost_total 0\n"));
    assert_non_null(strstr(response.body, "\nhospes_api_refused_total{reason=\"peer\"} 0\n"));
    assert_non_null(strstr(response.body, "\nhospes_api_refused_total{reason=\"class\"} 0\n"));
    response_finish(&response);
}

#define AUDIT_TEST(name) cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AUDIT_TEST(change_is_written_down_with_who_and_what),
        AUDIT_TEST(guest_and_path_parameters_are_named),
        AUDIT_TEST(query_is_shown_where_the_route_allows_it),
        AUDIT_TEST(what_a_route_does_not_name_is_not_shown),
        AUDIT_TEST(refused_and_failed_changes_are_told_apart),
        AUDIT_TEST(looks_at_the_state_are_not_written_down),
        AUDIT_TEST(unknown_paths_are_written_down_when_they_ask_for_a_change),
        AUDIT_TEST(requests_on_a_guests_own_socket_are_written_down_too),
        AUDIT_TEST(entries_can_be_asked_for_by_guest_and_number),
        AUDIT_TEST(verify_tells_an_intact_log_from_a_changed_one),
        AUDIT_TEST(too_many_readers_are_refused),
        AUDIT_TEST(client_that_goes_or_an_api_that_closes_leaves_the_reader_to_end),
        AUDIT_TEST(metrics_count_lines_and_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
