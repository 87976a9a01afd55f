/* SPDX-License-Identifier: MIT */
/* A guest's health: asked of its agent, and all the ways in which that fails. */
#include <poll.h>
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

static const char *text_at(const json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

static void start_health(struct client *client, struct harness *harness)
{
    client_open(client, harness, harness->socket_path);
    client_print(client, "GET /api/v1/vms/web/health HTTP/1.1\r\nHost: x\r\n\r\n");
    size_t before = harness->guests.ask_count;
    while (harness->guests.ask_count == before)
        harness_turn(harness, client->fd, POLLIN);
}

static json_t *end_health(struct client *client, int status)
{
    struct response response;
    client_response(client, true, &response);
    assert_int_equal(response.status, status);
    json_t *json = json_incref(response.json);
    response_finish(&response);
    client_close(client);
    return json;
}

static void health_is_asked_of_the_agent(void **state)
{
    struct harness *harness = *state;
    struct client client;
    start_health(&client, harness);
    fake_answer(&harness->guests, 0);
    json_t *json = end_health(&client, 200);
    assert_string_equal(text_at(json, "status"), "ok");
    assert_true(json_real_value(json_object_get(json, "rttMs")) == 1.25);
    assert_true(json_real_value(json_object_get(json, "uptimeSec")) == 90061.5);
    assert_string_equal(text_at(json, "lastSeen"), "2026-01-31T12:00:00.500Z");
    assert_true(json_is_null(json_object_get(json, "load15"))); /* NaN */
    const json_t *memory = json_object_get(json, "memory");
    assert_int_equal(json_integer_value(json_object_get(memory, "total")), 2147483648);
    assert_int_equal(json_integer_value(json_object_get(memory, "available")), INT64_MAX);
    const json_t *user = json_array_get(json_object_get(json, "users"), 0);
    assert_string_equal(text_at(user, "name"), "ann\x1b[31m?"); /* the byte that is no UTF-8 */
    assert_string_equal(text_at(user, "since"), "2026-01-31T12:00:00.000Z");
    json_decref(json);
}

static void silent_agent_shows_in_health(void **state)
{
    struct harness *harness = *state;
    struct client client;
    guests_find(&harness->guests, "web")->liveness.agent = AGENT_SILENT;
    start_health(&client, harness);
    fake_answer(&harness->guests, 0);
    json_t *json = end_health(&client, 200);
    assert_string_equal(text_at(json, "status"), "silent");
    json_decref(json);
}

static void health_of_an_absent_guest_is_503_with_liveness(void **state)
{
    json_t *json = ask_json(*state, "GET", "/api/v1/vms/db/health", NULL, 503);
    const json_t *error = json_object_get(json, "error");
    assert_string_equal(text_at(error, "code"), "NOT_CONNECTED");
    const json_t *details = json_object_get(error, "details");
    assert_string_equal(text_at(details, "status"), "absent");
    assert_string_equal(text_at(details, "code"), "NO_AGENT");
    const json_t *liveness = json_object_get(details, "liveness");
    assert_string_equal(text_at(liveness, "vm"), "alive");
    assert_string_equal(text_at(liveness, "agent"), "absent");
    json_decref(json);
}

static void failed_health_says_whose_fault_it_is(void **state)
{
    static const struct {
        int status, http_status;
        const char *code;
    } CASES[] = {{UV_ETIMEDOUT, 504, "ETIMEDOUT"},
                 {STATUS_NOT_SUPPORTED, 502, "NOT_SUPPORTED"},
                 {UV_EIO, 502, "EIO"},
                 {STATUS_GONE, 503, "NOT_CONNECTED"},
                 {STATUS_NOT_CONNECTED, 503, "NOT_CONNECTED"}};
    struct harness *harness = *state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct client client;
        start_health(&client, harness);
        fake_answer(&harness->guests, CASES[i].status);
        json_t *json = end_health(&client, CASES[i].http_status);
        assert_string_equal(text_at(json_object_get(json, "error"), "code"), CASES[i].code);
        json_decref(json);
    }
}

static void refused_question_is_answered_at_once(void **state)
{
    struct harness *harness = *state;
    char message[512];
    guests_find(&harness->guests, "web")->ask_status = STATUS_LIMIT;
    ask_problem(harness, "GET", "/api/v1/vms/web/health", NULL, 429, "LIMIT", message);
    guests_find(&harness->guests, "web")->ask_status = UV_ENOMEM;
    ask_problem(harness, "GET", "/api/v1/vms/web/health", NULL, 500, "ENOMEM", message);
    guests_find(&harness->guests, "web")->ask_status = STATUS_NOT_CONNECTED;
    ask_problem(harness, "GET", "/api/v1/vms/web/health", NULL, 503, "NOT_CONNECTED", message);
    guests_find(&harness->guests, "web")->ask_status = UV_EPIPE;
    ask_problem(harness, "GET", "/api/v1/vms/web/health", NULL, 502, "EPIPE", message);
}

static void guest_removed_while_it_was_asked_is_404(void **state)
{
    struct harness *harness = *state;
    struct client client;
    start_health(&client, harness);
    assert_null(ask_json(harness, "DELETE", "/api/v1/vms/web", NULL, 204));
    fake_answer(&harness->guests, STATUS_GONE);
    json_decref(end_health(&client, 404));
}

int main(void)
{
#define API_TEST(name) cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)
    const struct CMUnitTest tests[] = {
        API_TEST(health_is_asked_of_the_agent),
        API_TEST(silent_agent_shows_in_health),
        API_TEST(health_of_an_absent_guest_is_503_with_liveness),
        API_TEST(failed_health_says_whose_fault_it_is),
        API_TEST(refused_question_is_answered_at_once),
        API_TEST(guest_removed_while_it_was_asked_is_404),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
