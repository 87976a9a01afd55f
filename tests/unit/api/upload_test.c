/* SPDX-License-Identifier: MIT */
/* PUT of a file and POST into the drop folder: bodies that are handed on as they come, and all that can end
 * them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <sys/socket.h>

#include <sodium.h>

#include "protocol/base/status.h"
#include "tests/unit/api/harness.h"

#define PUT_PATH "/api/v1/vms/web/files?path=/home/lui/put"
#define LARGE    (8 * 1024 * 1024)

static char *make_body(size_t size, char ret_digest[static 80])
{
    char *body = malloc(size + 1);
    uint8_t digest[FILES_DIGEST_SIZE];
    char hex[2 * FILES_DIGEST_SIZE + 1];
    for (size_t i = 0; i < size; i++)
        body[i] = (char)fake_agent_byte(i);
    crypto_generichash(digest, sizeof(digest), (const uint8_t *)body, size, NULL, 0);
    sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
    snprintf(ret_digest, 80, "blake2b-256:%s", hex);
    return body;
}

static void check_written(struct client *client, size_t size, const char *digest)
{
    struct response response;
    client_response(client, true, &response);
    assert_int_equal(response.status, 201);
    assert_int_equal(json_integer_value(json_object_get(response.json, "size")), size);
    assert_string_equal(json_string_value(json_object_get(response.json, "digest")), digest);
    assert_string_equal(json_string_value(json_object_get(response.json, "path")), "/home/lui/put");
    response_finish(&response);
}

static void put(struct harness *harness, size_t size)
{
    struct client client;
    char digest[80];
    char *body = make_body(size, digest);
    client_open(&client, harness, harness->socket_path);
    client_print(&client,
                 "PUT " PUT_PATH "&mode=0640&user=lui HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
                 size);
    assert_true(client_send(&client, body, size));
    check_written(&client, size, digest);
    assert_int_equal(harness->agent.written, size);
    harness->agent.written = 0;
    client_close(&client);
    free(body);
}

static void bodies_of_any_size_arrive_whole(void **state)
{
    struct harness *harness = *state;
    static const size_t SIZES[] = {0, 1, 131071, 131072, 131073, 393216, 393217, LARGE};
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++)
        put(harness, SIZES[i]);
    assert_int_equal(harness->agent.operation, FILES_WRITE);
    assert_string_equal(harness->agent.to, "/home/lui/put");
    assert_string_equal(harness->agent.user, "lui");
    assert_int_equal(harness->agent.mode, 0640);
    assert_int_equal(harness->agent.flags, 0);
}

static void a_body_in_chunks_arrives_whole(void **state)
{
    struct harness *harness = *state;
    struct client client;
    char digest[80];
    char *body = make_body(1000000, digest);
    client_open(&client, harness, harness->socket_path);
    client_print(&client, "PUT " PUT_PATH " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t at = 0, size; at < 1000000; at += size) {
        size = at % 7919 + 1 < 1000000 - at ? at % 7919 + 1 : 1000000 - at;
        client_print(&client, "%zx\r\n", size);
        assert_true(client_send(&client, body + at, size));
        client_print(&client, "\r\n");
    }
    client_print(&client, "0\r\n\r\n");
    check_written(&client, 1000000, digest);
    client_close(&client);
    free(body);
}

static void two_uploads_go_over_one_connection(void **state)
{
    struct harness *harness = *state;
    struct client client;
    char digest[80];
    char *body = make_body(3, digest);
    client_open(&client, harness, harness->socket_path);
    for (int i = 0; i < 2; i++) {
        client_print(&client, "PUT " PUT_PATH " HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n");
        assert_true(client_send(&client, body, 3));
        check_written(&client, 3, digest);
    }
    client_close(&client);
    free(body);
}

static void a_client_that_asks_first_is_told_to_go_on(void **state)
{
    struct harness *harness = *state;
    struct client client;
    char digest[80];
    char *body = make_body(5, digest);
    client_open(&client, harness, harness->socket_path);
    client_print(&client,
                 "PUT " PUT_PATH " HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    client_expect(&client, "HTTP/1.1 100 Continue\r\n\r\n");
    buffer_consume(&client.in, strlen("HTTP/1.1 100 Continue\r\n\r\n"));
    assert_true(client_send(&client, body, 5));
    check_written(&client, 5, digest);
    client_close(&client);
    free(body);
}

/* Nothing of the body is sent: the refusal comes in place of the 100. */
static void check_refused_unread(struct harness *harness, const char *path, int status)
{
    struct client client;
    struct response response;
    client_open(&client, harness, harness->socket_path);
    client_print(&client, "PUT %s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 50\r\n\r\n",
                 path);
    client_response(&client, true, &response);
    assert_int_equal(response.status, status);
    response_finish(&response);
    client_close(&client);
}

static void what_is_refused_is_never_read(void **state)
{
    struct harness *harness = *state;
    check_refused_unread(harness, "/api/v1/vms/none/files?path=/a", 404);
    check_refused_unread(harness, "/api/v1/vms/db/files?path=/a", 503);
    check_refused_unread(harness, "/api/v1/vms/web/files", 400);
    check_refused_unread(harness, "/api/v1/vms/web/files?path=/a&mode=9", 422);
    check_refused_unread(harness, "/api/v1/vms/web/files?path=/a&mode=00644", 422);
    assert_int_equal(harness->agent.opens, 0);
    harness->agent.refuse = UV_EACCES;
    check_refused_unread(harness, PUT_PATH, 403); /* by the guest */
    assert_int_equal(harness->agent.written, 0);
}

static void a_refused_body_of_an_eager_client_is_dropped(void **state)
{
    struct harness *harness = *state;
    struct client client;
    struct response response;
    char *body = calloc(1, LARGE);
    harness->agent.refuse = UV_EROFS;
    client_open(&client, harness, harness->socket_path);
    for (int i = 0; i < 2; i++) { /* the connection stays */
        client_print(&client, "PUT " PUT_PATH " HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", LARGE);
        assert_true(client_send(&client, body, LARGE));
        client_response(&client, true, &response);
        assert_int_equal(response.status, 422);
        response_finish(&response);
    }
    client_close(&client);
    free(body);
}

static void a_failure_half_way_is_told_at_once(void **state)
{
    struct harness *harness = *state;
    struct client client;
    struct response response;
    char *body = calloc(1, LARGE);
    harness->agent.fails_at = 1000000;
    client_open(&client, harness, harness->socket_path);
    /* far more is announced than is ever sent */
    client_print(&client, "PUT " PUT_PATH " HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n");
    assert_true(client_send(&client, body, LARGE));
    client_response(&client, true, &response);
    assert_int_equal(response.status, 507);
    assert_non_null(strstr(response.head, "\r\nConnection: close\r\n"));
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(response.json, "error"), "message")),
        "the disk is full");
    response_finish(&response);
    /* who goes on sending all the same is cut off at some point */
    size_t sent = 0;
    while (sent < 256U * 1024 * 1024 && client_send(&client, body, LARGE))
        sent += LARGE;
    assert_true(sent < 256U * 1024 * 1024);
    client_close(&client);
    free(body);
}

static void a_guest_that_wrote_something_else_is_502(void **state)
{
    struct harness *harness = *state;
    char message[512];
    harness->agent.lies = true;
    ask_problem(harness, "PUT", PUT_PATH, "hello", 502, "EIO", message);
}

static void a_body_that_breaks_off_is_given_up(void **state)
{
    struct harness *harness = *state;
    struct client client;
    char *body = calloc(1, LARGE);
    client_open(&client, harness, harness->socket_path);
    client_print(&client, "PUT " PUT_PATH " HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", LARGE + 1);
    assert_true(client_send(&client, body, LARGE));
    client_close(&client);
    for (int i = 0; i < 1000 && harness->agent.jobs != NULL; i++)
        harness_turn(harness, -1, 0);
    assert_null(harness->agent.jobs);
    assert_int_equal(harness->agent.resets, 1); /* not FIN: nothing is put in place */
    free(body);
}

static void a_slow_guest_stops_the_client(void **state)
{
    struct harness *harness = *state;
    struct client client;
    char digest[80];
    char *body = make_body(LARGE, digest);
    size_t sent = 0;
    harness->agent.takes_nothing = true;
    client_open(&client, harness, harness->socket_path);
    client_print(&client, "PUT " PUT_PATH " HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", LARGE);
    for (int i = 0; i < 300; i++) {
        ssize_t size = send(client.fd, body + sent, LARGE - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += size > 0 ? (size_t)size : 0;
        uv_run(&harness->loop, UV_RUN_NOWAIT);
    }
    assert_true(sent < 4 * 1024 * 1024);
    fake_agent_go_on(&harness->agent);
    assert_true(client_send(&client, body + sent, LARGE - sent));
    check_written(&client, LARGE, digest);
    client_close(&client);
    free(body);
}

static void a_guest_that_takes_nothing_is_504(void **state)
{
    struct harness *harness = *state;
    struct client client;
    struct response response;
    char *body = calloc(1, LARGE);
    size_t sent = 0;
    harness->agent.takes_nothing = true;
    client_open(&client, harness, harness->socket_path);
    client_print(&client, "PUT " PUT_PATH " HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", LARGE);
    char byte;
    while (recv(client.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) !=
           1) { /* it sends what it can until answered */
        ssize_t size = send(client.fd, body + sent, LARGE - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += size > 0 ? (size_t)size : 0;
        harness_turn(harness, client.fd, POLLIN);
    }
    assert_true(sent < LARGE);
    client_response(&client, true, &response);
    assert_int_equal(response.status, 504);
    response_finish(&response);
    fake_agent_go_on(&harness->agent); /* it finds the reset */
    client_close(&client);
    free(body);
}

static void silent_guests_are_504(void **state)
{
    struct harness *harness = *state;
    char message[512];
    harness->agent.never_ends = true;
    ask_problem(harness, "PUT", PUT_PATH, "hello", 504, "ETIMEDOUT", message);
    harness->agent.is_silent = true;
    ask_problem(harness, "PUT", PUT_PATH, "hello", 504, "ETIMEDOUT", message);
}

static void a_client_that_stops_is_cut_off(void **state)
{
    struct harness *harness = *state;
    struct client client;
    client_open(&client, harness, harness->socket_path);
    client_print(&client, "PUT " PUT_PATH " HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc");
    client_expect_end(&client);
    assert_int_equal(buffer_size(&client.in), 0);
    client_close(&client);
}

static void drops_are_renamed_and_grouped(void **state)
{
    struct harness *harness = *state;
    struct files_id ids[3];
    static const char *const QUERIES[] = {"name=photos/a.jpg&batch=one", "name=photos/b.jpg&batch=one",
                                          "name=c.jpg&batch=two"};
    for (size_t i = 0; i < 3; i++) {
        char path[160];
        snprintf(path, sizeof(path), "/api/v1/vms/web/drop?%s", QUERIES[i]);
        json_decref(ask_json(harness, "POST", path, "bytes", 201));
        ids[i] = harness->agent.id;
        assert_int_equal(harness->agent.flags, FILES_DROP);
        assert_int_equal(harness->agent.conflict, FILES_RENAME);
    }
    assert_string_equal(harness->agent.to, "c.jpg");
    assert_memory_equal(&ids[0], &ids[1], sizeof(ids[0]));
    assert_memory_not_equal(&ids[0], &ids[2], sizeof(ids[0]));
}

static void names_of_drops_are_checked(void **state)
{
    static const char *const NAMES[] = {"..",    ".",       "a/../b", "/a",  "a//b",  "a/",
                                        "a%0Ab", "%1b[31m", "a/./b",  "%7f", "a%00b", "%c3%28"};
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        char path[160];
        snprintf(path, sizeof(path), "/api/v1/vms/web/drop?name=%s", NAMES[i]);
        struct response response;
        ask(*state, "POST", path, "x", &response);
        if (response.status != 422 && response.status != 400)
            fail_msg("%s: %d", NAMES[i], response.status);
        response_finish(&response);
    }
    char message[512], path[160];
    snprintf(path, sizeof(path), "/api/v1/vms/web/drop?name=a&batch=%065d", 0);
    ask_problem(*state, "POST", path, "x", 422, "INVALID", message);
    ask_problem(*state, "POST", "/api/v1/vms/web/drop", "x", 400, "MALFORMED", message);
}

static void the_api_stops_in_the_midst_of_a_body(void **state)
{
    struct harness *harness = *state;
    struct client client;
    client_open(&client, harness, harness->socket_path);
    client_print(&client, "PUT " PUT_PATH " HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc");
    while (harness->agent.opens == 0)
        harness_turn(harness, -1, 0);
    harness_stop(harness);
    client_expect_end(&client);
    client_close(&client);
    assert_int_equal(harness->agent.resets, 1);
}

static void an_upload_is_in_the_audit_log_without_bytes(void **state)
{
    struct harness *harness = *state;
    json_decref(ask_json(harness, "PUT", PUT_PATH "&mode=0600", "secret bytes", 201));
    json_t *json = ask_json(harness, "GET", "/api/v1/audit?limit=1", NULL, 200);
    char *text = json_dumps(json, 0);
    assert_non_null(strstr(text, "PUT /vms/{vm}/files"));
    assert_non_null(strstr(text, "0600"));
    assert_null(strstr(text, "secret"));
    free(text);
    json_decref(json);
}

#define PATIENT(test)   cmocka_unit_test_setup_teardown(test, harness_setup, harness_teardown)
#define IMPATIENT(test) cmocka_unit_test_setup_teardown(test, harness_setup_impatient, harness_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PATIENT(bodies_of_any_size_arrive_whole),
        PATIENT(a_body_in_chunks_arrives_whole),
        PATIENT(two_uploads_go_over_one_connection),
        PATIENT(a_client_that_asks_first_is_told_to_go_on),
        PATIENT(what_is_refused_is_never_read),
        PATIENT(a_refused_body_of_an_eager_client_is_dropped),
        PATIENT(a_failure_half_way_is_told_at_once),
        PATIENT(a_guest_that_wrote_something_else_is_502),
        PATIENT(a_body_that_breaks_off_is_given_up),
        PATIENT(a_slow_guest_stops_the_client),
        IMPATIENT(a_guest_that_takes_nothing_is_504),
        IMPATIENT(silent_guests_are_504),
        IMPATIENT(a_client_that_stops_is_cut_off),
        PATIENT(drops_are_renamed_and_grouped),
        PATIENT(names_of_drops_are_checked),
        PATIENT(the_api_stops_in_the_midst_of_a_body),
        PATIENT(an_upload_is_in_the_audit_log_without_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
