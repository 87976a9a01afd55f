/* SPDX-License-Identifier: MIT */
/* Bad input, and much of it: each gets its error, and the next client is served as ever. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/base/clock.h"
#include "tests/unit/api/harness.h"

#define MIB          (1024 * 1024)
#define GIB          (1024L * MIB)
#define GROWTH_MAX   (16L * MIB) /* of the whole process, the test's own buffers included */
#define STREAM_CHUNK 0x20000

static long resident_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_int_equal(fscanf(file, "%*d %ld", &pages), 1);
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static void assert_still_serves(struct harness *harness)
{
    json_decref(ask_json(harness, "GET", "/api/v1/health", NULL, 200));
}

static void open_main(struct client *client, struct harness *harness)
{
    client_open(client, harness, harness->socket_path);
}

static void expect_status(struct client *client, int status)
{
    struct response response;
    client_response(client, true, &response);
    assert_int_equal(response.status, status);
    if (response.json != NULL && status >= 400)
        assert_non_null(json_object_get(json_object_get(response.json, "error"), "code"));
    response_finish(&response);
}

/* JSON */

static void broken_json_is_400_with_line_and_column(void **state)
{
    static const struct {
        const char *body;
        int line, column;
    } CASES[] = {{"", 1, 0},
                 {"{\"name\":", 1, 8},
                 {"{\n  \"name\": x}", 2, 11},
                 {"{\"name\":\"a\"} x", 1, 14},
                 {"{'name':1}", 1, 2}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        json_t *json = ask_json(*state, "POST", "/api/v1/vms", CASES[i].body, 400);
        const json_t *error = json_object_get(json, "error"), *details = json_object_get(error, "details");
        assert_string_equal(json_string_value(json_object_get(error, "code")), "MALFORMED");
        assert_int_equal(json_integer_value(json_object_get(details, "line")), CASES[i].line);
        assert_int_equal(json_integer_value(json_object_get(details, "column")), CASES[i].column);
        json_decref(json);
    }
}

static void duplicate_keys_and_bad_text_are_400(void **state)
{
    static const char *const BODIES[] = {"{\"name\":\"a\",\"name\":\"b\",\"link\":\"vsock:3\"}",
                                         "{\"name\":\"\xff\"}", "{\"name\":\"\\u0000\"}",
                                         "{\"name\":\"\\ud800\"}"};
    char message[512];
    for (size_t i = 0; i < sizeof(BODIES) / sizeof(BODIES[0]); i++)
        ask_problem(*state, "POST", "/api/v1/vms", BODIES[i], 400, "MALFORMED", message);
}

static void deep_json_is_refused(void **state)
{
    size_t depth = 200000;
    char *body = malloc(depth + 1);
    memset(body, '[', depth);
    body[depth] = '\0';
    char message[512];
    ask_problem(*state, "POST", "/api/v1/vms", body, 400, "MALFORMED", message);
    free(body);
}

static void body_that_is_no_object_or_has_unknown_keys_is_422(void **state)
{
    static const char *const BODIES[][2] = {{"[]", "object"},
                                            {"1", "object"},
                                            {"null", "object"},
                                            {"{\"name\":\"a\"}", "link"},
                                            {"{\"name\":1,\"link\":\"x\"}", "name"},
                                            {"{\"name\":\"a\",\"link\":\"x\",\"colour\":1}", "colour"}};
    char message[512];
    for (size_t i = 0; i < sizeof(BODIES) / sizeof(BODIES[0]); i++) {
        ask_problem(*state, "POST", "/api/v1/vms", BODIES[i][0], 422, "INVALID", message);
        assert_non_null(strstr(message, BODIES[i][1]));
    }
}

/* Size */

static void body_of_exactly_the_limit_is_read(void **state)
{
    char *body = malloc(MIB + 1);
    memset(body, ' ', MIB);
    memcpy(body, "{}", 2);
    body[MIB] = '\0';
    char message[512];
    ask_problem(*state, "POST", "/api/v1/vms", body, 422, "INVALID", message);
    free(body);
}

static void body_above_the_limit_is_drained_and_the_connection_goes_on(void **state)
{
    struct client client;
    open_main(&client, *state);
    char *body = calloc(1, 2 * MIB);
    client_print(&client, "POST /api/v1/vms HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", 2 * MIB);
    assert_true(client_send(&client, body, 2 * MIB));
    expect_status(&client, 413);
    client_print(&client, "GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_status(&client, 200);
    client_close(&client);
    free(body);
}

static void announced_gibibyte_is_refused_before_it_is_sent(void **state)
{
    struct client client;
    open_main(&client, *state);
    client_print(&client, "POST /api/v1/vms HTTP/1.1\r\nHost: x\r\nContent-Length: %ld\r\n\r\n", GIB);
    expect_status(&client, 413);
    client_expect_end(&client);
    client_close(&client);
    assert_still_serves(*state);
}

static void announced_gibibyte_is_refused_while_it_is_sent(void **state)
{
    struct client client;
    open_main(&client, *state);
    long before = resident_bytes();
    char *chunk = calloc(1, STREAM_CHUNK);
    client_print(&client, "POST /api/v1/vms HTTP/1.1\r\nHost: x\r\nContent-Length: %ld\r\n\r\n", GIB);
    long sent = 0;
    while (sent < GIB && client_send(&client, chunk, STREAM_CHUNK))
        sent += STREAM_CHUNK;
    assert_true(sent < GIB); /* the server closed */
    expect_status(&client, 413);
    assert_true(resident_bytes() - before < GROWTH_MAX);
    client_close(&client);
    free(chunk);
    assert_still_serves(*state);
}

static void client_that_asks_first_is_refused_before_it_sends(void **state)
{
    struct client client;
    open_main(&client, *state);
    client_print(&client,
                 "POST /api/v1/vms HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n",
                 2 * MIB);
    expect_status(&client, 413);
    client_close(&client);
}

static void client_that_asks_first_is_told_to_go_on(void **state)
{
    struct client client;
    open_main(&client, *state);
    client_print(&client,
                 "POST /api/v1/vms HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    client_expect(&client, "HTTP/1.1 100 Continue\r\n\r\n");
    buffer_consume(&client.in, buffer_size(&client.in));
    client_print(&client, "{}");
    expect_status(&client, 422);
    client_close(&client);
}

static void streamed_gibibyte_is_413_without_growth(void **state)
{
    struct client client;
    open_main(&client, *state);
    long before = resident_bytes();
    size_t head = strlen("20000\r\n");
    char *chunk = calloc(1, head + STREAM_CHUNK + 2);
    memcpy(chunk, "20000\r\n", head);
    memcpy(chunk + head + STREAM_CHUNK, "\r\n", 2);
    client_print(&client, "POST /api/v1/vms HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (long sent = 0; sent < GIB; sent += STREAM_CHUNK)
        assert_true(client_send(&client, chunk, head + STREAM_CHUNK + 2));
    client_print(&client, "0\r\n\r\n");
    expect_status(&client, 413);
    assert_true(resident_bytes() - before < GROWTH_MAX);
    client_close(&client);
    free(chunk);
    assert_still_serves(*state);
}

static void chunked_body_is_read_like_any(void **state)
{
    struct client client;
    open_main(&client, *state);
    client_print(&client, "POST /api/v1/vms HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                          "a\r\n{\"name\":\"x\r\n14\r\n\",\"link\":\"vsock:12\"}\r\n0\r\n\r\n");
    expect_status(&client, 201);
    client_close(&client);
}

static void header_of_a_mebibyte_is_refused(void **state)
{
    struct client client;
    open_main(&client, *state);
    char *header = malloc(MIB);
    memset(header, 'a', MIB);
    client_print(&client, "GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX: ");
    (void)client_send(&client, header, MIB); /* the server may close before it is all sent */
    client_expect(&client, "\r\n\r\n");
    int status = atoi(client_text(&client) + strlen("HTTP/1.1 "));
    assert_true(status == 431 || status == 413);
    client_expect_end(&client);
    client_close(&client);
    free(header);
    assert_still_serves(*state);
}

static void many_headers_are_refused_or_served_but_bounded(void **state)
{
    struct client client;
    open_main(&client, *state);
    client_print(&client, "GET /api/v1/health HTTP/1.1\r\nHost: x\r\n");
    for (int i = 0; i < 20000 && client_send(&client, "A: b\r\n", 6); i++) {
    }
    (void)client_send(&client, "\r\n", 2);
    client_expect(&client, "\r\n\r\n");
    assert_true(atoi(client_text(&client) + strlen("HTTP/1.1 ")) >= 400);
    client_expect_end(&client);
    client_close(&client);
    assert_still_serves(*state);
}

static void long_uri_is_an_error(void **state)
{
    struct client client;
    open_main(&client, *state);
    char *uri = malloc(200000);
    memset(uri, 'u', 200000);
    client_print(&client, "GET /");
    (void)client_send(&client, uri, 200000);
    (void)client_send(&client, " HTTP/1.1\r\nHost: x\r\n\r\n", 23);
    client_expect(&client, "\r\n\r\n");
    assert_true(atoi(client_text(&client) + strlen("HTTP/1.1 ")) >= 400);
    client_close(&client);
    free(uri);
    assert_still_serves(*state);
}

/* Framing */

static void ambiguous_framing_is_400_and_ends_the_connection(void **state)
{
    static const char *const HEADERS[] = {"Content-Length: 2\r\nContent-Length: 2\r\n",
                                          "Content-Length: 2\r\ncontent-length: 30\r\n",
                                          "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
                                          "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"};
    for (size_t i = 0; i < sizeof(HEADERS) / sizeof(HEADERS[0]); i++) {
        struct client client;
        open_main(&client, *state);
        client_print(
            &client,
            "POST /api/v1/vms HTTP/1.1\r\nHost: x\r\n%s\r\n{}GET /api/v1/vms HTTP/1.1\r\nHost: x\r\n\r\n",
            HEADERS[i]);
        expect_status(&client, 400);
        client_expect_end(&client);
        assert_int_equal(buffer_size(&client.in), 0); /* what follows is not taken for a request */
        client_close(&client);
    }
    struct harness *harness = *state;
    assert_int_equal(harness->guests.count, 3);
}

static void garbage_ends_its_connection_only(void **state)
{
    static const char *const GARBAGE[] = {
        "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
        "GET\r\n\r\n",
        "hello there friend\r\n\r\n",
        "POST /api/v1/vms HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST /api/v1/vms HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n",
        "POST /api/v1/vms HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET /api/v1/health HTTP/1.1\r\n\r\n"};
    for (size_t i = 0; i < sizeof(GARBAGE) / sizeof(GARBAGE[0]); i++) {
        struct client client;
        open_main(&client, *state);
        assert_true(client_send(&client, GARBAGE[i], strlen(GARBAGE[i])));
        shutdown(client.fd, SHUT_WR);
        client_expect_end(&client);
        const char *text = client_text(&client);
        assert_true(text[0] == '\0' || atoi(text + strlen("HTTP/1.1 ")) >= 400);
        client_close(&client);
    }
    assert_still_serves(*state);
}

static void random_bytes_are_survived(void **state)
{
    srand(7); /* the same bytes each run */
    for (int i = 0; i < 100; i++) {
        struct client client;
        open_main(&client, *state);
        char bytes[4096];
        for (size_t k = 0; k < sizeof(bytes); k++)
            bytes[k] = (char)rand();
        (void)client_send(&client, bytes, sizeof(bytes));
        shutdown(client.fd, SHUT_WR);
        client_expect_end(&client);
        client_close(&client);
    }
    assert_still_serves(*state);
}

static void request_split_at_every_byte_is_one_request(void **state)
{
    static const char REQUEST[] =
        "PUT /api/v1/vms/web/ports/80 HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\n\r\n{\"policy\":\"ask\"}";
    struct client client;
    open_main(&client, *state);
    for (size_t i = 0; i < sizeof(REQUEST) - 1; i++) {
        assert_true(client_send(&client, REQUEST + i, 1));
        harness_turn(*state, -1, 0);
    }
    expect_status(&client, 200);
    client_close(&client);
}

static void pipelined_get_and_post_in_one_write_are_both_answered(void **state)
{
    struct client client;
    open_main(&client, *state);
    client_print(&client, "GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n"
                          "POST /api/v1/vms HTTP/1.1\r\nHost: x\r\nContent-Length: "
                          "32\r\n\r\n{\"name\":\"p\",\"link\":\"vsock:1234\"}"
                          "GET /api/v1/vms/p HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_status(&client, 200);
    expect_status(&client, 201);
    expect_status(&client, 200);
    client_close(&client);
}

static void request_that_waits_does_not_lose_the_next_one(void **state)
{
    struct harness *harness = *state;
    struct client client;
    open_main(&client, harness);
    client_print(&client, "GET /api/v1/vms/web/health HTTP/1.1\r\nHost: x\r\n\r\n"
                          "GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n");
    while (harness->guests.ask_count == 0)
        harness_turn(harness, -1, 0);
    fake_answer(&harness->guests, 0);
    expect_status(&client, 200);
    expect_status(&client, 200);
    client_close(&client);
}

static void client_that_closes_its_sending_side_is_answered(void **state)
{
    struct harness *harness = *state;
    struct client client;
    open_main(&client, harness);
    client_print(&client, "GET /api/v1/vms/web/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    shutdown(client.fd, SHUT_WR);
    while (harness->guests.ask_count == 0)
        harness_turn(harness, -1, 0);
    harness_turn(harness, -1, 0);
    fake_answer(&harness->guests, 0);
    expect_status(&client, 200);
    client_close(&client);
}

int main(void)
{
#define API_TEST(name) cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)
    const struct CMUnitTest tests[] = {
        API_TEST(broken_json_is_400_with_line_and_column),
        API_TEST(duplicate_keys_and_bad_text_are_400),
        API_TEST(deep_json_is_refused),
        API_TEST(body_that_is_no_object_or_has_unknown_keys_is_422),
        API_TEST(body_of_exactly_the_limit_is_read),
        API_TEST(body_above_the_limit_is_drained_and_the_connection_goes_on),
        API_TEST(announced_gibibyte_is_refused_before_it_is_sent),
        API_TEST(announced_gibibyte_is_refused_while_it_is_sent),
        API_TEST(client_that_asks_first_is_refused_before_it_sends),
        API_TEST(client_that_asks_first_is_told_to_go_on),
        API_TEST(streamed_gibibyte_is_413_without_growth),
        API_TEST(chunked_body_is_read_like_any),
        API_TEST(header_of_a_mebibyte_is_refused),
        API_TEST(many_headers_are_refused_or_served_but_bounded),
        API_TEST(long_uri_is_an_error),
        API_TEST(ambiguous_framing_is_400_and_ends_the_connection),
        API_TEST(garbage_ends_its_connection_only),
        API_TEST(random_bytes_are_survived),
        API_TEST(request_split_at_every_byte_is_one_request),
        API_TEST(pipelined_get_and_post_in_one_write_are_both_answered),
        API_TEST(request_that_waits_does_not_lose_the_next_one),
        API_TEST(client_that_closes_its_sending_side_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
