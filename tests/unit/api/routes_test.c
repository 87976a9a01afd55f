/* SPDX-License-Identifier: MIT */
/* Every route: what it answers, and every error that is its own. Shapes are held against docs/openapi.yaml by
 * openapi_check.py. */
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

static void health_of_the_bridge_names_its_version(void **state)
{
    json_t *json = ask_json(*state, "GET", "/api/v1/health", NULL, 200);
    assert_string_equal(text_at(json, "status"), "ok");
    assert_string_equal(text_at(json, "version"), "0.1.0");
    json_decref(json);
}

static void list_of_guests_shows_agent_and_error(void **state)
{
    json_t *json = ask_json(*state, "GET", "/api/v1/vms", NULL, 200);
    const json_t *list = json_object_get(json, "vms");
    assert_int_equal(json_array_size(list), 3);
    const json_t *db = json_array_get(list, 0), *web = json_array_get(list, 2);
    assert_true(json_is_null(json_object_get(db, "agent")));
    assert_string_equal(text_at(json_object_get(db, "error"), "code"), "NO_AGENT");
    assert_string_equal(text_at(db, "state"), "connecting");
    assert_string_equal(text_at(web, "since"), "2026-01-31T12:00:00.123Z");
    assert_string_equal(text_at(json_object_get(web, "agent"), "version"), "0.1.0");
    assert_string_equal(json_string_value(json_array_get(json_object_get(web, "capabilities"), 0)), "ports");
    assert_true(json_is_null(json_object_get(web, "error")));
    json_decref(json);
}

static void added_guest_has_a_location_and_can_be_removed(void **state)
{
    struct response response;
    ask(*state, "POST", "/api/v1/vms", "{\"name\":\"new\",\"link\":\"vsock:9\"}", &response);
    assert_int_equal(response.status, 201);
    assert_non_null(strstr(response.head, "\r\nLocation: /api/v1/vms/new\r\n"));
    assert_string_equal(text_at(response.json, "link"), "vsock:9");
    response_finish(&response);
    json_decref(ask_json(*state, "GET", "/api/v1/vms/new", NULL, 200));
    assert_null(ask_json(*state, "DELETE", "/api/v1/vms/new", NULL, 204));
    char message[512];
    ask_problem(*state, "GET", "/api/v1/vms/new", NULL, 404, "NOT_FOUND", message);
    assert_non_null(strstr(message, "\"new\""));
}

static void adding_a_guest_tells_conflict_invalid_and_limit_apart(void **state)
{
    char message[512];
    const char *path = "/api/v1/vms";
    ask_problem(*state, "POST", path, "{\"name\":\"web\",\"link\":\"vsock:9\"}", 409, "CONFLICT", message);
    ask_problem(*state, "POST", path, "{\"name\":\"a b\",\"link\":\"vsock:9\"}", 422, "INVALID", message);
    assert_string_equal(message, "a name has no blanks");
    for (int i = 0; i < FAKE_GUESTS_MAX - 3; i++) {
        char body[64];
        snprintf(body, sizeof(body), "{\"name\":\"g%d\",\"link\":\"vsock:9\"}", i);
        json_decref(ask_json(*state, "POST", path, body, 201));
    }
    ask_problem(*state, "POST", path, "{\"name\":\"more\",\"link\":\"vsock:9\"}", 429, "LIMIT", message);
}

static void guest_of_the_configuration_is_not_removed(void **state)
{
    char message[512];
    ask_problem(*state, "DELETE", "/api/v1/vms/off", NULL, 403, "NOT_ALLOWED", message);
    assert_string_equal(message, "the configuration file lists it");
    ask_problem(*state, "DELETE", "/api/v1/vms/none", NULL, 404, "NOT_FOUND", message);
}

/* Ports and policy */

static void ports_show_process_policy_and_forward(void **state)
{
    json_t *json = ask_json(*state, "GET", "/api/v1/vms/web/ports", NULL, 200);
    const json_t *list = json_object_get(json, "ports");
    assert_int_equal(json_array_size(list), 2);
    const json_t *port = json_array_get(list, 0), *process = json_object_get(port, "process");
    assert_string_equal(text_at(port, "address"), "0.0.0.0");
    assert_string_equal(text_at(process, "name"), "vite");
    assert_string_equal(text_at(process, "unit"), "dev.service");
    assert_true(json_is_null(json_object_get(process, "container")));
    assert_string_equal(text_at(port, "policy"), "forward");
    const json_t *forward = json_object_get(port, "forward");
    assert_string_equal(text_at(forward, "url"), "http://localhost:3001/");
    assert_string_equal(text_at(forward, "reason"), "3000 is held by nginx (pid 9)");
    assert_int_equal(json_integer_value(json_object_get(forward, "bytesIn")), 100);
    assert_true(json_is_null(json_object_get(json_array_get(list, 1), "process")));
    assert_string_equal(text_at(json_array_get(list, 1), "protocol"), "udp");
    json_decref(json);
}

static void port_policy_becomes_a_rule(void **state)
{
    struct harness *harness = *state;
    json_t *json = ask_json(harness, "PUT", "/api/v1/vms/web/ports/3000", "{\"policy\":\"block\"}", 200);
    assert_int_equal(json_integer_value(json_object_get(json, "port")), 3000);
    assert_true(json_is_null(json_object_get(json, "protocol")));
    assert_int_equal(json_array_size(json_object_get(json, "ports")), 1);
    json_decref(json);
    json = ask_json(harness, "PUT", "/api/v1/vms/web/ports/53", "{\"policy\":\"ask\",\"protocol\":\"tcp\"}",
                    200);
    assert_int_equal(json_array_size(json_object_get(json, "ports")), 0); /* 53 is open for UDP only */
    json_decref(json);
    const struct policy_set *rules = &guests_find(&harness->guests, "web")->forwards.rules;
    assert_int_equal(rules->count, 2);
    assert_int_equal(rules->rules[0].port_high, 3000);
    assert_int_equal(rules->rules[0].uid, -1);
    assert_int_equal(rules->rules[0].action, POLICY_BLOCK);
    assert_int_equal(rules->rules[1].protocol, PORT_TCP);
}

static void port_policy_refuses_what_is_not_valid(void **state)
{
    static const char *const PORTS[] = {
        "0", "65536", "70000", "-1", "%201", "+80", "80x", "99999999999999999999", "abc"};
    char message[512];
    for (size_t i = 0; i < sizeof(PORTS) / sizeof(PORTS[0]); i++) {
        char path[80];
        snprintf(path, sizeof(path), "/api/v1/vms/web/ports/%s", PORTS[i]);
        ask_problem(*state, "PUT", path, "{\"policy\":\"block\"}", 422, "INVALID", message);
        assert_non_null(strstr(message, "port"));
    }
    const char *path = "/api/v1/vms/web/ports/80";
    ask_problem(*state, "PUT", path, "{\"policy\":\"explode\"}", 422, "INVALID", message);
    assert_non_null(strstr(message, "policy"));
    ask_problem(*state, "PUT", path, "{\"policy\":\"ask\",\"protocol\":\"sctp\"}", 422, "INVALID", message);
    assert_non_null(strstr(message, "protocol"));
    ask_problem(*state, "PUT", "/api/v1/vms/none/ports/80", "{\"policy\":\"ask\"}", 404, "NOT_FOUND",
                message);
}

static void rules_are_put_listed_and_dropped(void **state)
{
    const char *path = "/api/v1/vms/web/policy";
    json_t *json = ask_json(*state, "PUT", path, "{\"selector\":\"process:vi*\",\"action\":\"ignore\"}", 200);
    assert_string_equal(text_at(json, "selector"), "process:vi*");
    json_decref(json);
    json = ask_json(*state, "GET", path, NULL, 200);
    assert_string_equal(text_at(json_array_get(json_object_get(json, "rules"), 0), "action"), "ignore");
    json_decref(json);
    char message[512];
    ask_problem(*state, "DELETE", "/api/v1/vms/web/policy?selector=80", NULL, 404, "NOT_FOUND", message);
    assert_null(ask_json(*state, "DELETE", "/api/v1/vms/web/policy?x=1&selector=process%3Avi%2A", NULL, 204));
    json = ask_json(*state, "GET", path, NULL, 200);
    assert_int_equal(json_array_size(json_object_get(json, "rules")), 0);
    json_decref(json);
}

static void rules_refuse_what_is_not_valid(void **state)
{
    char message[512];
    const char *path = "/api/v1/vms/web/policy";
    ask_problem(*state, "PUT", path, "{\"selector\":\"?\",\"action\":\"ask\"}", 422, "INVALID", message);
    assert_string_equal(message, "selector: expected a port or process:GLOB");
    ask_problem(*state, "PUT", path, "{\"selector\":\"80\",\"action\":\"x\"}", 422, "INVALID", message);
    ask_problem(*state, "DELETE", path, NULL, 400, "MALFORMED", message);
    ask_problem(*state, "DELETE", "/api/v1/vms/web/policy?selector=%zz", NULL, 400, "MALFORMED", message);
    ask_problem(*state, "DELETE", "/api/v1/vms/web/policy?selector=x", NULL, 422, "INVALID", message);
    for (int i = 0; i < FAKE_PORTS_MAX; i++)
        json_decref(ask_json(*state, "PUT", path, "{\"selector\":\"80\",\"action\":\"ask\"}", 200));
    ask_problem(*state, "PUT", path, "{\"selector\":\"81\",\"action\":\"ask\"}", 429, "LIMIT", message);
}

/* Forwards */

static void forward_is_added_shown_and_removed(void **state)
{
    const char *path = "/api/v1/vms/web/forwards";
    struct response response;
    ask(*state, "POST", path,
        "{\"guestPort\":443,\"hostPort\":8443,\"protocol\":\"tcp\",\"bind\":\"::1\",\"fallback\":false}",
        &response);
    assert_int_equal(response.status, 201);
    assert_non_null(strstr(response.head, "\r\nLocation: /api/v1/vms/web/forwards/static-443\r\n"));
    assert_string_equal(text_at(response.json, "url"), "https://[::1]:8443/");
    assert_string_equal(text_at(response.json, "hostAddress"), "::1");
    response_finish(&response);
    struct harness *harness = *state;
    assert_false(guests_find(&harness->guests, "web")->forwards.forwards[1].allow_fallback);
    json_t *json = ask_json(*state, "GET", path, NULL, 200);
    assert_int_equal(json_array_size(json_object_get(json, "forwards")), 2);
    json_decref(json);
    json_decref(ask_json(*state, "GET", "/api/v1/vms/web/forwards/static-443", NULL, 200));
    assert_null(ask_json(*state, "DELETE", "/api/v1/vms/web/forwards/static-443", NULL, 204));
    char message[512];
    ask_problem(*state, "DELETE", "/api/v1/vms/web/forwards/static-443", NULL, 404, "NOT_FOUND", message);
    ask_problem(*state, "GET", "/api/v1/vms/web/forwards/static-443", NULL, 404, "NOT_FOUND", message);
}

static void failed_forward_has_no_port_and_no_url(void **state)
{
    struct harness *harness = *state;
    struct forward *forward = &guests_find(&harness->guests, "web")->forwards.forwards[0];
    forward->state = FORWARD_FAILED;
    forward->host_port = 0;
    json_t *json = ask_json(harness, "GET", "/api/v1/vms/web/forwards/tcp-3000", NULL, 200);
    assert_true(json_is_null(json_object_get(json, "hostPort")));
    assert_true(json_is_null(json_object_get(json, "url")));
    assert_string_equal(text_at(json, "state"), "failed");
    json_decref(json);
}

static void forward_refuses_what_is_not_valid(void **state)
{
    static const char *const BODIES[][2] = {{"{}", "guestPort"},
                                            {"{\"guestPort\":0}", "guestPort"},
                                            {"{\"guestPort\":70000}", "guestPort"},
                                            {"{\"guestPort\":-1}", "guestPort"},
                                            {"{\"guestPort\":80.5}", "guestPort"},
                                            {"{\"guestPort\":\"80\"}", "guestPort"},
                                            {"{\"guestPort\":null}", "guestPort"},
                                            {"{\"guestPort\":80,\"hostPort\":65536}", "hostPort"},
                                            {"{\"guestPort\":80,\"protocol\":1}", "protocol"},
                                            {"{\"guestPort\":80,\"protocol\":\"x\"}", "protocol"},
                                            {"{\"guestPort\":80,\"bind\":\"localhost\"}", "bind"},
                                            {"{\"guestPort\":80,\"bind\":\"10.0.0.1\"}", "loopback"},
                                            {"{\"guestPort\":80,\"fallback\":1}", "fallback"},
                                            {"{\"guestPort\":80,\"guestport\":1}", "guestport"}};
    char message[512];
    for (size_t i = 0; i < sizeof(BODIES) / sizeof(BODIES[0]); i++) {
        ask_problem(*state, "POST", "/api/v1/vms/web/forwards", BODIES[i][0], 422, "INVALID", message);
        assert_non_null(strstr(message, BODIES[i][1]));
    }
    ask_problem(*state, "POST", "/api/v1/vms/web/forwards", "{\"guestPort\":3000}", 409, "CONFLICT", message);
}

/* Paths and methods */

static void unknown_path_is_404_and_wrong_method_405_with_allow(void **state)
{
    static const char *const PATHS[] = {"/",
                                        "/api/v1",
                                        "/api/v1/",
                                        "/api/v1/vmsx",
                                        "/api/v2/health",
                                        "/api/v1/vms/",
                                        "/api/v1/vms/web/",
                                        "/api/v1/vms//ports",
                                        "/api/v1/health/x",
                                        "/api/v1/vms/web/ports/80/x",
                                        "//api/v1/health",
                                        "/api/v1/%76ms"};
    char message[512];
    for (size_t i = 0; i < sizeof(PATHS) / sizeof(PATHS[0]); i++)
        ask_problem(*state, "GET", PATHS[i], NULL, 404, "NOT_FOUND", message);
    struct response response;
    ask(*state, "PATCH", "/api/v1/vms", "{}", &response);
    assert_int_equal(response.status, 405);
    assert_non_null(strstr(response.head, "\r\nAllow: GET, HEAD, POST\r\n"));
    response_finish(&response);
    ask_problem(*state, "DELETE", "/api/v1/metrics", NULL, 405, "METHOD_NOT_ALLOWED", message);
}

static void encoded_name_is_decoded_within_its_segment(void **state)
{
    json_decref(ask_json(*state, "GET", "/api/v1/vms/w%65b", NULL, 200));
    char message[512];
    ask_problem(*state, "GET", "/api/v1/vms/web%2Fports", NULL, 404, "NOT_FOUND", message);
    assert_non_null(strstr(message, "web/ports"));
    ask_problem(*state, "GET", "/api/v1/vms/web%00", NULL, 404, "NOT_FOUND", message);
    ask_problem(*state, "GET", "/api/v1/vms/web%4", NULL, 404, "NOT_FOUND", message);
    ask_problem(*state, "GET", "/api/v1/vms/%ff%fe", NULL, 404, "NOT_FOUND", message);
}

static void head_has_no_body(void **state)
{
    struct response response;
    ask(*state, "HEAD", "/api/v1/vms", NULL, &response);
    assert_int_equal(response.status, 200);
    assert_non_null(strstr(response.head, "application/json"));
    response_finish(&response);
}

static void metrics_are_open_metrics(void **state)
{
    struct response response;
    ask(*state, "GET", "/api/v1/metrics", NULL, &response);
    assert_int_equal(response.status, 200);
    assert_non_null(
        strstr(response.head, "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8"));
    static const char *const LINES[] = {"hospes_build_info{version=\"0.1.0\"} 1\n",
                                        "hospes_guests{state=\"connected\"} 1\n",
                                        "hospes_guests{state=\"disabled\"} 1\n",
                                        "# UNIT hospes_guest_rtt_seconds seconds\n",
                                        "hospes_guest_rtt_seconds{vm=\"web\"} 0.00125\n",
                                        "hospes_guest_connected{vm=\"db\"} 0\n",
                                        "hospes_guest_reconnects_total{vm=\"web\"} 2\n",
                                        "hospes_guest_ports{vm=\"web\"} 2\n",
                                        "hospes_guest_forwards{vm=\"web\",state=\"active\"} 1\n",
                                        "hospes_guest_connections{vm=\"web\"} 2\n",
                                        "hospes_guest_opened_connections_total{vm=\"web\"} 5\n",
                                        "hospes_guest_in_bytes_total{vm=\"web\"} 100\n",
                                        "hospes_guest_out_bytes_total{vm=\"web\"} 50\n",
                                        "hospes_guest_dropped_ports_total{vm=\"web\"} 7\n"};
    for (size_t i = 0; i < sizeof(LINES) / sizeof(LINES[0]); i++) {
        if (strstr(response.body, LINES[i]) == NULL)
            fail_msg("no line %s in\n%s", LINES[i], response.body);
    }
    assert_string_equal(response.body + response.size - 6, "# EOF\n");
    response_finish(&response);
}

static void counters_do_not_fall_when_a_forward_closes(void **state)
{
    struct harness *harness = *state;
    struct guest *web = guests_find(&harness->guests, "web");
    api_forward_changed(harness->api, web, &web->forwards.forwards[0], "closed");
    web->forwards.ports[0].forward = NULL;
    web->forwards.forward_count = 0;
    struct response response;
    ask(harness, "GET", "/api/v1/metrics", NULL, &response);
    assert_non_null(strstr(response.body, "hospes_guest_opened_connections_total{vm=\"web\"} 5\n"));
    assert_non_null(strstr(response.body, "hospes_guest_in_bytes_total{vm=\"web\"} 100\n"));
    response_finish(&response);
}

/* A guest's own socket */

static void ask_guest_socket(struct harness *harness, const char *line, const char *body,
                             struct response *ret)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/web.sock", harness->guest_dir);
    struct client client;
    client_open(&client, harness, path);
    client_print(&client, "%s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s", line, strlen(body),
                 body);
    client_response(&client, true, ret);
    client_close(&client);
}

static void guest_socket_serves_its_guest_only(void **state)
{
    static const struct {
        const char *line, *body;
        int status;
    } CASES[] = {{"GET /api/v1/ports", "", 200},   {"GET /api/v1/forwards", "", 200},
                 {"GET /api/v1/policy", "", 200},  {"PUT /api/v1/ports/80", "{\"policy\":\"ask\"}", 200},
                 {"GET /api/v1/vms", "", 404},     {"GET /api/v1/vms/db/ports", "", 404},
                 {"DELETE /api/v1/", "", 404},     {"GET /api/v1/events", "", 404},
                 {"POST /api/v1/ports", "{}", 405}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct response response;
        ask_guest_socket(*state, CASES[i].line, CASES[i].body, &response);
        if (response.status != CASES[i].status)
            fail_msg("%s: %d %s", CASES[i].line, response.status, response.body);
        response_finish(&response);
    }
    struct response response;
    ask_guest_socket(*state, "POST /api/v1/forwards", "{\"guestPort\":9}", &response);
    assert_non_null(strstr(response.head, "\r\nLocation: /api/v1/forwards/static-9\r\n"));
    response_finish(&response);
}

static void health_on_the_guest_socket_is_the_guests(void **state)
{
    struct harness *harness = *state;
    guests_find(&harness->guests, "web")->ask_status = STATUS_LIMIT;
    struct response response;
    ask_guest_socket(harness, "GET /api/v1/health", "", &response);
    assert_int_equal(response.status, 429);
    response_finish(&response);
}

int main(void)
{
#define API_TEST(name) cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)
    const struct CMUnitTest tests[] = {
        API_TEST(health_of_the_bridge_names_its_version),
        API_TEST(list_of_guests_shows_agent_and_error),
        API_TEST(added_guest_has_a_location_and_can_be_removed),
        API_TEST(adding_a_guest_tells_conflict_invalid_and_limit_apart),
        API_TEST(guest_of_the_configuration_is_not_removed),
        API_TEST(ports_show_process_policy_and_forward),
        API_TEST(port_policy_becomes_a_rule),
        API_TEST(port_policy_refuses_what_is_not_valid),
        API_TEST(rules_are_put_listed_and_dropped),
        API_TEST(rules_refuse_what_is_not_valid),
        API_TEST(forward_is_added_shown_and_removed),
        API_TEST(failed_forward_has_no_port_and_no_url),
        API_TEST(forward_refuses_what_is_not_valid),
        API_TEST(unknown_path_is_404_and_wrong_method_405_with_allow),
        API_TEST(encoded_name_is_decoded_within_its_segment),
        API_TEST(head_has_no_body),
        API_TEST(metrics_are_open_metrics),
        API_TEST(counters_do_not_fall_when_a_forward_closes),
        API_TEST(guest_socket_serves_its_guest_only),
        API_TEST(health_on_the_guest_socket_is_the_guests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
