/* SPDX-License-Identifier: MIT */
/* The event stream: what events say, where a reader starts, gaps, readers that don't read. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host-bridge/api/sse.h"
#include "protocol/base/status.h"
#include "tests/unit/api/harness.h"

static void open_events(struct client *client, struct harness *harness, const char *query,
                        const char *headers)
{
    client_open(client, harness, harness->socket_path);
    client_print(client, "GET /api/v1/events%s HTTP/1.1\r\nHost: x\r\n%s\r\n", query, headers);
    client_expect(client, "\r\n\r\n");
    assert_non_null(strstr(client_text(client), "HTTP/1.1 200"));
    assert_non_null(strstr(client_text(client), "Content-Type: text/event-stream"));
}

static struct guest *web(struct harness *harness)
{
    return guests_find(&harness->guests, "web");
}

static void tell(struct harness *harness, const char *vm, int times)
{
    for (int i = 0; i < times; i++)
        api_guest_added(harness->api, guests_find(&harness->guests, vm));
}

/* The data of the first event of this type. */
static json_t *expect_event(struct client *client, const char *type)
{
    char line[80];
    snprintf(line, sizeof(line), "event: %s\n", type);
    client_expect(client, line);
    client_expect(client, "\n\n");
    const char *data = strstr(strstr(client_text(client), line), "data: ");
    assert_non_null(data);
    json_t *json = json_loads(data + 6, JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(json);
    return json;
}

static void assert_vm_and_time(const json_t *json, const char *vm)
{
    assert_string_equal(json_string_value(json_object_get(json, "vm")), vm);
    const char *time = json_string_value(json_object_get(json, "time"));
    assert_int_equal(strlen(time), strlen("2026-01-31T12:00:00.000Z"));
    assert_int_equal(time[23], 'Z');
}

static void each_kind_of_news_is_an_event(void **state)
{
    struct harness *harness = *state;
    struct client client;
    open_events(&client, harness, "", "");
    struct guest *guest = web(harness);
    api_guest_added(harness->api, guest);
    api_guest_changed(harness->api, guest);
    guest->state = GUEST_CONNECTING;
    snprintf(guest->error, sizeof(guest->error), "gone");
    snprintf(guest->error_code, sizeof(guest->error_code), "SILENT");
    api_guest_changed(harness->api, guest);
    api_port_changed(harness->api, guest, &guest->forwards.ports[0], "opened");
    api_forward_changed(harness->api, guest, &guest->forwards.forwards[0], "changed");
    api_guest_removed(harness->api, guest);
    static const char *const PLAIN[] = {"vm.added", "vm.connected", "vm.removed"};
    for (size_t i = 0; i < 3; i++) {
        json_t *json = expect_event(&client, PLAIN[i]);
        assert_vm_and_time(json, "web");
        assert_int_equal(json_object_size(json), 2);
        json_decref(json);
    }
    json_t *json = expect_event(&client, "vm.disconnected");
    assert_string_equal(json_string_value(json_object_get(json, "reason")), "gone");
    assert_string_equal(json_string_value(json_object_get(json, "code")), "SILENT");
    json_decref(json);
    json = expect_event(&client, "port.opened");
    assert_vm_and_time(json, "web");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json, "port"), "port")), 3000);
    json_decref(json);
    json = expect_event(&client, "forward.changed");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json, "forward"), "hostPort")), 3001);
    json_decref(json);
    client_expect(&client, "id: 100\n");
    client_expect(&client, "id: 105\n");
    client_close(&client);
}

static void failed_tries_are_told_once_for_each_reason(void **state)
{
    struct harness *harness = *state;
    struct guest *db = guests_find(&harness->guests, "db");
    for (int i = 0; i < 20; i++)
        api_guest_changed(harness->api, db);
    snprintf(db->error_code, sizeof(db->error_code), "NO_SUCH_VM");
    api_guest_changed(harness->api, db);
    struct client client;
    open_events(&client, harness, "?since=0", "");
    client_expect(&client, "id: 101\n");
    assert_non_null(strstr(client_text(&client), "NO_SUCH_VM"));
    client_expect(&client, ": heartbeat\nid: 101\n\n"); /* no third event */
    client_close(&client);
}

static void text_of_a_guest_stays_in_its_line(void **state)
{
    struct harness *harness = *state;
    struct client client;
    open_events(&client, harness, "", "");
    struct known_port port = {.fact = {.key = {PORT_TCP, {4, {0}}, 80}, .pid = 1},
                              .decision.action = POLICY_ASK};
    snprintf(port.fact.name, sizeof(port.fact.name), "a\n\nevent: vm.removed\ndata: {}\n\n");
    memset(port.fact.command, 1, TEXT_COMMAND_MAX); /* each byte six in JSON */
    api_port_changed(harness->api, web(harness), &port, "changed");
    json_t *json = expect_event(&client, "port.changed");
    const json_t *process = json_object_get(json_object_get(json, "port"), "process");
    assert_string_equal(json_string_value(json_object_get(process, "name")), port.fact.name);
    assert_null(strstr(client_text(&client), "\nevent: vm.removed"));
    json_decref(json);
    client_close(&client);
}

static void last_event_id_resumes_after_it(void **state)
{
    struct harness *harness = *state;
    tell(harness, "web", 5); /* 100 … 104 */
    struct client client;
    open_events(&client, harness, "?since=0", "Last-Event-ID: 102\r\n");
    client_expect(&client, "id: 104\n");
    assert_null(strstr(client_text(&client), "id: 102\n"));
    assert_non_null(strstr(client_text(&client), "id: 103\n"));
    assert_null(strstr(client_text(&client), "event: gap"));
    client_close(&client);
}

static void without_a_cursor_the_stream_starts_now(void **state)
{
    struct harness *harness = *state;
    tell(harness, "web", 3);
    struct client client;
    open_events(&client, harness, "", "");
    tell(harness, "web", 1);
    client_expect(&client, "id: 103\n");
    assert_null(strstr(client_text(&client), "id: 102\n"));
    client_close(&client);
}

static void cursor_before_the_ring_has_a_gap_up_to_the_oldest(void **state)
{
    struct harness *harness = *state;
    tell(harness, "web", 2);
    struct client client;
    open_events(&client, harness, "?since=50", "");
    client_expect(&client, "event: gap\nid: 99\ndata: {\"from\":51,\"to\":99}\n\n");
    client_expect(&client, "id: 101\n");
    client_close(&client);
}

static void since_zero_is_all_that_is_kept_and_no_gap(void **state)
{
    struct harness *harness = *state;
    tell(harness, "web", 2);
    struct client client;
    open_events(&client, harness, "?since=0", "");
    client_expect(&client, "id: 101\n");
    assert_non_null(strstr(client_text(&client), "id: 100\n"));
    assert_null(strstr(client_text(&client), "event: gap"));
    client_close(&client);
}

static void cursor_ahead_of_the_ring_is_a_gap_from_zero(void **state)
{
    struct harness *harness = *state;
    tell(harness, "web", 1);
    struct client client;
    open_events(&client, harness, "?since=5000", "");
    client_expect(&client, "event: gap\nid: 99\ndata: {\"from\":0,\"to\":99}\n\n");
    client_expect(&client, "id: 100\n");
    client_close(&client);
}

static void cursor_that_is_no_number_is_400(void **state)
{
    static const char *const VALUES[] = {"x", "-1",  "1x", "18446744073709551615", "99999999999999999999",
                                         "",  "%20", "1%"};
    char message[512], path[80];
    for (size_t i = 0; i < sizeof(VALUES) / sizeof(VALUES[0]); i++) {
        snprintf(path, sizeof(path), "/api/v1/events?since=%s", VALUES[i]);
        ask_problem(*state, "GET", path, NULL, 400, "MALFORMED", message);
    }
}

static void filter_passes_one_guest_only(void **state)
{
    struct harness *harness = *state;
    struct client client;
    open_events(&client, harness, "?vm=db", "");
    tell(harness, "web", 3);
    tell(harness, "db", 1);
    client_expect(&client, "id: 103\n");
    assert_null(strstr(client_text(&client), "\"web\""));
    client_close(&client);
    char message[512];
    ask_problem(harness, "GET", "/api/v1/events?vm=none", NULL, 404, "NOT_FOUND", message);
}

static void reader_of_a_quiet_guest_does_not_fall_off_the_ring(void **state)
{
    struct harness *harness = *state;
    struct client client;
    open_events(&client, harness, "?vm=db", "");
    tell(harness, "db", 1);
    client_expect(&client, "id: 100\n");
    tell(harness, "web", 3 * SSE_RING_COUNT_MAX);
    tell(harness, "db", 1);
    char line[32];
    snprintf(line, sizeof(line), "id: %d\n", 101 + 3 * SSE_RING_COUNT_MAX);
    client_expect(&client, line);
    assert_null(strstr(client_text(&client), "event: gap"));
    client_close(&client);
}

static void reader_that_does_not_read_gets_a_gap_and_disturbs_nobody(void **state)
{
    struct harness *harness = *state;
    struct client slow, quick;
    open_events(&slow, harness, "", "");
    open_events(&quick, harness, "", "");
    /* more than a socket holds and more than the ring keeps */
    struct known_port port = {.fact = {.key = {PORT_TCP, {4, {0}}, 80}, .pid = 1},
                              .decision.action = POLICY_ASK};
    memset(port.fact.command, 'c', TEXT_COMMAND_MAX);
    for (int i = 0; i < 20000; i++) {
        api_port_changed(harness->api, web(harness), &port, "changed");
        if (i % 256 == 255) {
            char line[32];
            snprintf(line, sizeof(line), "id: %d\n", 100 + i);
            client_expect(&quick, line);
            buffer_consume(&quick.in, buffer_size(&quick.in));
        }
    }
    assert_null(strstr(client_text(&quick), "event: gap"));
    client_expect(&slow, "event: gap\n");
    api_guest_added(harness->api, web(harness));
    client_expect(&slow, "event: vm.added\n");
    client_expect(&slow, "id: 20100\n");
    client_close(&slow);
    client_close(&quick);
}

/* Each event is whole, and the numbers only grow; returns how many there are. */
static int check_stream(const char *text)
{
    int count = 0;
    unsigned long last = 0;
    for (const char *line = strstr(text, "\nid: "); line != NULL; line = strstr(line + 1, "\nid: ")) {
        unsigned long id = strtoul(line + 5, NULL, 10);
        const char *data = strchr(line + 1, '\n') + 1;
        if (strncmp(data, "data: ", 6) != 0)
            continue; /* a heartbeat */
        assert_true(id > last);
        last = id;
        json_t *json = json_loads(data + 6, JSON_DISABLE_EOF_CHECK, NULL);
        assert_non_null(json);
        json_decref(json);
        count++;
    }
    return count;
}

static void events_that_leave_the_ring_half_sent_are_whole(void **state)
{
    struct harness *harness = *state;
    struct client client;
    client_open(&client, harness, harness->socket_path);
    client_print(&client, "GET /api/v1/events HTTP/1.0\r\n\r\n"); /* 1.0: no chunk sizes within the text */
    client_expect(&client, "\r\n\r\n");
    struct known_port port = {.fact = {.key = {PORT_TCP, {4, {0}}, 80}, .pid = 1},
                              .decision.action = POLICY_ASK};
    memset(port.fact.command, 1, TEXT_COMMAND_MAX); /* each byte six in JSON */
    memset(port.decision.reason, 1, TEXT_REASON_MAX);
    for (int i = 0; i < 3000; i++) {
        api_port_changed(harness->api, web(harness), &port, "changed");
        if (i % 40 == 0)
            harness_turn(harness, -1, 0);
    }
    api_guest_added(harness->api, web(harness));
    client_expect(&client, "event: vm.added\n");
    client_expect(&client, "\nid: 3100\n");
    client_expect(&client, "\"}\n\n");
    const char *text = client_text(&client);
    assert_non_null(strstr(text, "event: gap\n"));
    assert_true(check_stream(text) > 100);
    client_close(&client);
}

static void heartbeats_come_only_while_there_are_readers(void **state)
{
    struct harness *harness = *state;
    struct client client;
    open_events(&client, harness, "", "");
    client_expect(&client, ": heartbeat\nid: 99\n\n");
    client_close(&client);
    while (uv_backend_timeout(&harness->loop) >= 0 && uv_backend_timeout(&harness->loop) <= 50)
        harness_turn(harness, -1, 0);
}

static void too_many_readers_are_429(void **state)
{
    struct harness *harness = *state;
    struct client clients[SSE_READERS_MAX];
    for (int i = 0; i < SSE_READERS_MAX; i++)
        open_events(&clients[i], harness, "", "");
    char message[512];
    ask_problem(harness, "GET", "/api/v1/events", NULL, 429, "LIMIT", message);
    client_close(&clients[0]);
    for (int status = 0; status != 200;) {
        struct client again;
        client_open(&again, harness, harness->socket_path);
        client_print(&again, "GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
        client_expect(&again, "\r\n\r\n");
        status = atoi(client_text(&again) + strlen("HTTP/1.1 "));
        client_close(&again);
    }
    for (int i = 1; i < SSE_READERS_MAX; i++)
        client_close(&clients[i]);
}

static void head_of_the_stream_has_no_reader(void **state)
{
    struct response response;
    ask(*state, "HEAD", "/api/v1/events", NULL, &response);
    assert_int_equal(response.status, 200);
    response_finish(&response);
}

int main(void)
{
#define API_TEST(name) cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)
    const struct CMUnitTest tests[] = {
        API_TEST(each_kind_of_news_is_an_event),
        API_TEST(failed_tries_are_told_once_for_each_reason),
        API_TEST(text_of_a_guest_stays_in_its_line),
        API_TEST(last_event_id_resumes_after_it),
        API_TEST(without_a_cursor_the_stream_starts_now),
        API_TEST(cursor_before_the_ring_has_a_gap_up_to_the_oldest),
        API_TEST(since_zero_is_all_that_is_kept_and_no_gap),
        API_TEST(cursor_ahead_of_the_ring_is_a_gap_from_zero),
        API_TEST(cursor_that_is_no_number_is_400),
        API_TEST(filter_passes_one_guest_only),
        API_TEST(reader_of_a_quiet_guest_does_not_fall_off_the_ring),
        API_TEST(reader_that_does_not_read_gets_a_gap_and_disturbs_nobody),
        API_TEST(events_that_leave_the_ring_half_sent_are_whole),
        API_TEST(heartbeats_come_only_while_there_are_readers),
        API_TEST(too_many_readers_are_429),
        API_TEST(head_of_the_stream_has_no_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
