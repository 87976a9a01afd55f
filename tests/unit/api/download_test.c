/* SPDX-License-Identifier: MIT */
/* GET of a file: its bytes, ranges and conditions, and what a guest can do wrong. */
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

#define FILE_PATH "/api/v1/vms/web/files?path=/home/lui/a+b"

static void get(struct harness *harness, const char *method, const char *headers, struct response *ret)
{
    struct client client;
    client_open(&client, harness, harness->socket_path);
    client_print(&client, "%s " FILE_PATH " HTTP/1.1\r\nHost: x\r\n%s\r\n", method, headers);
    client_response(&client, strcmp(method, "HEAD") != 0, ret);
    client_close(&client);
}

static void check_bytes(const struct response *response, uint64_t offset, size_t size)
{
    assert_int_equal(response->size, size);
    for (size_t i = 0; i < size; i++) {
        if ((uint8_t)response->body[i] != fake_agent_byte(offset + i))
            fail_msg("byte %zu of %zu", i, size);
    }
}

static void header_of(const struct response *response, const char *name, char ret[static 128])
{
    const char *at = strstr(response->head, name);
    assert_non_null(at);
    at += strlen(name) + 2;
    snprintf(ret, 128, "%.*s", (int)strcspn(at, "\r"), at);
}

static void a_whole_file_is_given(void **state)
{
    struct harness *harness = *state;
    struct response response;
    harness->agent.size = 3000000;
    get(harness, "GET", "", &response);
    assert_int_equal(response.status, 200);
    check_bytes(&response, 0, 3000000);
    assert_non_null(strstr(response.head, "\r\nAccept-Ranges: bytes\r\n"));
    assert_non_null(strstr(response.head, "\r\nLast-Modified: Sat, 31 Jan 2026 12:00:00 GMT\r\n"));
    assert_non_null(strstr(response.head, "\r\nContent-Type: application/octet-stream\r\n"));
    assert_string_equal(harness->agent.path, "/home/lui/a b");
    assert_string_equal(harness->agent.user, "");
    assert_int_equal(harness->agent.operation, FILES_READ);
    response_finish(&response);
}

static void an_empty_file_is_given(void **state)
{
    struct harness *harness = *state;
    struct response response;
    harness->agent.size = 0;
    get(harness, "GET", "", &response);
    assert_int_equal(response.status, 200);
    assert_int_equal(response.size, 0);
    response_finish(&response);
}

static void head_tells_the_size_and_reads_nothing(void **state)
{
    struct harness *harness = *state;
    struct response response;
    harness->agent.size = 123456789012;
    get(harness, "HEAD", "Range: bytes=0-1\r\n", &response);
    assert_int_equal(response.status, 200);
    assert_non_null(strstr(response.head, "\r\nContent-Length: 123456789012\r\n"));
    assert_int_equal(harness->agent.opens, 1);
    assert_int_equal(harness->agent.length, 1);
    response_finish(&response);
}

static void check_range(struct harness *harness, const char *range, const char *said, uint64_t offset,
                        size_t size)
{
    struct response response;
    char headers[128], content_range[128];
    snprintf(headers, sizeof(headers), "Range: bytes=%s\r\n", range);
    get(harness, "GET", headers, &response);
    assert_int_equal(response.status, 206);
    header_of(&response, "Content-Range", content_range);
    assert_string_equal(content_range, said);
    check_bytes(&response, offset, size);
    response_finish(&response);
}

static void ranges_are_given(void **state)
{
    struct harness *harness = *state;
    harness->agent.size = 1000000;
    check_range(harness, "10-19", "bytes 10-19/1000000", 10, 10);
    check_range(harness, "999990-", "bytes 999990-999999/1000000", 999990, 10);
    check_range(harness, "-5", "bytes 999995-999999/1000000", 999995, 5);
    check_range(harness, "0-2000000", "bytes 0-999999/1000000", 0, 1000000);
}

static void a_range_behind_the_end_is_416(void **state)
{
    struct harness *harness = *state;
    struct response response;
    get(harness, "GET", "Range: bytes=10-\r\n", &response);
    assert_int_equal(response.status, 416);
    assert_non_null(strstr(response.head, "\r\nContent-Range: bytes */10\r\n"));
    response_finish(&response);
}

static void several_ranges_at_once_are_the_whole_file(void **state)
{
    struct harness *harness = *state;
    struct response response;
    get(harness, "GET", "Range: bytes=0-1,3-4\r\n", &response);
    assert_int_equal(response.status, 200);
    check_bytes(&response, 0, 10);
    response_finish(&response);
}

static void what_has_not_changed_is_304(void **state)
{
    struct harness *harness = *state;
    struct response response;
    char tag[128], headers[256];
    get(harness, "GET", "", &response);
    header_of(&response, "ETag", tag);
    assert_int_equal(tag[0], '"');
    response_finish(&response);
    snprintf(headers, sizeof(headers), "If-None-Match: \"other\", %s\r\n", tag);
    get(harness, "GET", headers, &response);
    assert_int_equal(response.status, 304);
    assert_int_equal(response.size, 0);
    assert_non_null(strstr(response.head, "ETag: "));
    response_finish(&response);
    harness->agent.inode++;
    get(harness, "GET", headers, &response);
    assert_int_equal(response.status, 200);
    response_finish(&response);
}

static void a_range_of_another_state_is_the_whole_file(void **state)
{
    struct harness *harness = *state;
    struct response response;
    char tag[128], headers[256];
    get(harness, "GET", "", &response);
    header_of(&response, "ETag", tag);
    response_finish(&response);
    snprintf(headers, sizeof(headers), "Range: bytes=1-2\r\nIf-Range: %s\r\n", tag);
    get(harness, "GET", headers, &response);
    assert_int_equal(response.status, 206);
    check_bytes(&response, 1, 2);
    response_finish(&response);
    get(harness, "GET", "Range: bytes=1-2\r\nIf-Range: \"other\"\r\n", &response);
    assert_int_equal(response.status, 200);
    check_bytes(&response, 0, 10);
    response_finish(&response);
}

static void a_file_that_never_rests_is_not_given_in_ranges(void **state)
{
    struct harness *harness = *state;
    struct response response;
    harness->agent.changes = true;
    get(harness, "GET", "Range: bytes=1-2\r\n", &response);
    assert_int_equal(response.status, 502);
    assert_non_null(strstr(response.body, "\"CHANGED\""));
    assert_true(harness->agent.opens < 10);
    response_finish(&response);
}

static void what_is_no_file_is_422(void **state)
{
    struct harness *harness = *state;
    char message[512];
    harness->agent.type = ENTRY_FOLDER;
    ask_problem(harness, "GET", FILE_PATH, NULL, 422, "EISDIR", message);
    harness->agent.type = 0;
    ask_problem(harness, "GET", FILE_PATH, NULL, 422, "INVALID", message);
}

static void refusals_have_their_status(void **state)
{
    static const struct {
        int status;
        int http;
    } CASES[] = {{UV_ENOENT, 404},          {UV_EACCES, 403},       {UV_EPERM, 403},
                 {STATUS_NOT_ALLOWED, 403}, {UV_EEXIST, 409},       {UV_ENOTEMPTY, 409},
                 {STATUS_CONFLICT, 409},    {UV_EISDIR, 422},       {UV_ENOTDIR, 422},
                 {UV_ENAMETOOLONG, 422},    {UV_ELOOP, 422},        {UV_EROFS, 422},
                 {UV_EINVAL, 422},          {UV_ENOTSUP, 422},      {STATUS_INVALID, 422},
                 {UV_ENOSPC, 507},          {STATUS_QUOTA, 507},    {STATUS_NOT_SUPPORTED, 501},
                 {STATUS_LIMIT, 429},       {UV_EIO, 502},          {STATUS_GONE, 502},
                 {UV_ETIMEDOUT, 504},       {STATUS_NOT_FOUND, 404}};
    struct harness *harness = *state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        char message[512];
        harness->agent.refuse = CASES[i].status;
        harness->agent.refuse_text = "said the \x1b[31mguest";
        ask_problem(harness, "GET", FILE_PATH, NULL, CASES[i].http, status_name(CASES[i].status), message);
        assert_string_equal(message, "said the \x1b[31mguest");
    }
}

static void a_guest_without_a_link_or_the_capability_is_told_apart(void **state)
{
    struct harness *harness = *state;
    char message[512];
    ask_problem(harness, "GET", "/api/v1/vms/db/files?path=/a", NULL, 503, "NOT_CONNECTED", message);
    ask_problem(harness, "GET", "/api/v1/vms/none/files?path=/a", NULL, 404, "NOT_FOUND", message);
    guests_find(&harness->guests, "web")->lacks_files = true;
    ask_problem(harness, "GET", FILE_PATH, NULL, 501, "NOT_SUPPORTED", message);
}

static void parameters_are_checked(void **state)
{
    char message[512], path[FILES_PATH_MAX + 64];
    ask_problem(*state, "GET", "/api/v1/vms/web/files", NULL, 400, "MALFORMED", message);
    ask_problem(*state, "GET", "/api/v1/vms/web/files?path=%2", NULL, 400, "MALFORMED", message);
    ask_problem(*state, "GET", "/api/v1/vms/web/files?path=a%00b", NULL, 400, "MALFORMED", message);
    ask_problem(*state, "GET", "/api/v1/vms/web/files?path=%ff", NULL, 422, "INVALID", message);
    int head = snprintf(path, sizeof(path), "/api/v1/vms/web/files?path=");
    memset(path + head, 'a', FILES_PATH_MAX + 1);
    path[head + FILES_PATH_MAX + 1] = '\0';
    ask_problem(*state, "GET", path, NULL, 422, "INVALID", message);
    ask_problem(*state, "GET",
                "/api/v1/vms/web/files?path=a&user="
                "0123456789012345678901234567890123456789012345678901234567890123",
                NULL, 422, "INVALID", message);
}

static void fewer_bytes_than_said_cut_the_answer(void **state)
{
    struct harness *harness = *state;
    struct client client;
    harness->agent.size = 100000;
    harness->agent.sends = 99999;
    client_open(&client, harness, harness->socket_path);
    client_print(&client, "GET " FILE_PATH " HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect_end(&client);
    const char *text = client_text(&client);
    assert_non_null(strstr(text, "Content-Length: 100000"));
    const char *body = strstr(text, "\r\n\r\n") + 4;
    assert_true(buffer_size(&client.in) - (size_t)(body - text) < 100000);
    client_close(&client);
}

static void more_bytes_than_said_never_reach_the_client(void **state)
{
    struct harness *harness = *state;
    struct client client;
    harness->agent.size = 10;
    harness->agent.sends = 1000;
    client_open(&client, harness, harness->socket_path);
    client_print(&client, "GET " FILE_PATH " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    client_expect_end(&client);
    const char *text = client_text(&client);
    const char *body = strstr(text, "\r\n\r\n") + 4;
    assert_true(buffer_size(&client.in) - (size_t)(body - text) <= 10);
    client_close(&client);
}

static void a_slow_reader_stops_the_guest(void **state)
{
    struct harness *harness = *state;
    struct client client;
    harness->agent.size = 64 * 1024 * 1024;
    client_open(&client, harness, harness->socket_path);
    client_print(&client, "GET " FILE_PATH " HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 200; i++) /* the client reads nothing */
        harness_turn(harness, -1, 0);
    assert_true(harness->agent.sent < 8 * 1024 * 1024);
    client_expect(&client, "Content-Length: 67108864\r\n");
    assert_true(buffer_size(&client.in) < 4 * 1024 * 1024);
    client_close(&client);
    for (int i = 0; i < 1000 && harness->agent.jobs != NULL; i++)
        harness_turn(harness, -1, 0);
    assert_null(harness->agent.jobs); /* cancelled by the client's end */
}

static void a_silent_guest_is_504(void **state)
{
    struct harness *harness = *state;
    char message[512];
    harness->agent.is_silent = true;
    ask_problem(harness, "GET", FILE_PATH, NULL, 504, "ETIMEDOUT", message);
    for (int i = 0; i < 100 && harness->agent.jobs != NULL; i++)
        harness_turn(harness, -1, 0);
    assert_null(harness->agent.jobs);
}

static void a_guest_that_stalls_half_way_cuts_the_answer(void **state)
{
    struct harness *harness = *state;
    struct client client;
    harness->agent.size = 1000000;
    harness->agent.stalls_at = 200000;
    client_open(&client, harness, harness->socket_path);
    client_print(&client, "GET " FILE_PATH " HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect_end(&client);
    assert_true(buffer_size(&client.in) > 200000 && buffer_size(&client.in) < 300000);
    client_close(&client);
}

static void a_reading_is_in_the_audit_log_without_bytes(void **state)
{
    struct harness *harness = *state;
    struct response response;
    get(harness, "GET", "", &response);
    response_finish(&response);
    json_t *json = ask_json(harness, "GET", "/api/v1/audit?limit=1", NULL, 200);
    const json_t *entry = json_array_get(json_object_get(json, "entries"), 0);
    assert_string_equal(json_string_value(json_object_get(entry, "action")), "GET /vms/{vm}/files");
    assert_string_equal(json_string_value(json_object_get(entry, "class")), "files");
    const json_t *parameters = json_object_get(entry, "parameters");
    assert_string_equal(json_string_value(json_object_get(parameters, "path")), "/home/lui/a b");
    json_decref(json);
}

static void the_guests_own_socket_serves_its_files(void **state)
{
    struct harness *harness = *state;
    struct client client;
    struct response response;
    char path[160];
    snprintf(path, sizeof(path), "%s/web.sock", harness->guest_dir);
    client_open(&client, harness, path);
    client_print(&client, "GET /api/v1/files?path=x HTTP/1.1\r\nHost: x\r\n\r\n");
    client_response(&client, true, &response);
    assert_int_equal(response.status, 200);
    check_bytes(&response, 0, 10);
    response_finish(&response);
    client_print(&client, "GET /api/v1/transfers HTTP/1.1\r\nHost: x\r\n\r\n");
    client_response(&client, true, &response);
    assert_int_equal(response.status, 404);
    response_finish(&response);
    client_close(&client);
}

static void the_api_stops_in_the_midst_of_an_answer(void **state)
{
    struct harness *harness = *state;
    struct client client;
    harness->agent.size = 1000000;
    harness->agent.stalls_at = 200000;
    client_open(&client, harness, harness->socket_path);
    client_print(&client, "GET " FILE_PATH " HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect(&client, "Content-Length: 1000000\r\n");
    harness_stop(harness);
    client_expect_end(&client);
    client_close(&client);
}

#define PATIENT(test)   cmocka_unit_test_setup_teardown(test, harness_setup, harness_teardown)
#define IMPATIENT(test) cmocka_unit_test_setup_teardown(test, harness_setup_impatient, harness_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PATIENT(a_whole_file_is_given),
        PATIENT(an_empty_file_is_given),
        PATIENT(head_tells_the_size_and_reads_nothing),
        PATIENT(ranges_are_given),
        PATIENT(a_range_behind_the_end_is_416),
        PATIENT(several_ranges_at_once_are_the_whole_file),
        PATIENT(what_has_not_changed_is_304),
        PATIENT(a_range_of_another_state_is_the_whole_file),
        PATIENT(a_file_that_never_rests_is_not_given_in_ranges),
        PATIENT(what_is_no_file_is_422),
        PATIENT(refusals_have_their_status),
        PATIENT(a_guest_without_a_link_or_the_capability_is_told_apart),
        PATIENT(parameters_are_checked),
        PATIENT(fewer_bytes_than_said_cut_the_answer),
        PATIENT(more_bytes_than_said_never_reach_the_client),
        PATIENT(a_slow_reader_stops_the_guest),
        IMPATIENT(a_silent_guest_is_504),
        IMPATIENT(a_guest_that_stalls_half_way_cuts_the_answer),
        PATIENT(a_reading_is_in_the_audit_log_without_bytes),
        PATIENT(the_guests_own_socket_serves_its_files),
        PATIENT(the_api_stops_in_the_midst_of_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
