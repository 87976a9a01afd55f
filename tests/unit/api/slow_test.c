/* SPDX-License-Identifier: MIT */
/* Clients that take their time, and agents that do. */
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

static void client_that_trickles_its_head_is_cut_off(void **state)
{
    struct client client;
    open_main(&client, *state);
    client_print(&client, "GET /api/v1/health HTTP/1.1\r\nHost: x\r\n");
    int sent = 0;
    while (client_send(&client, "X: y\r\n", 6) && sent++ < 1000) {
        harness_turn(*state, -1, 0);
        poll(NULL, 0, 20); /* the client's own pace: below any timeout between two bytes */
    }
    assert_true(sent < 1000);
    client_close(&client);
    assert_still_serves(*state);
}

static void client_that_says_nothing_is_cut_off(void **state)
{
    struct client client;
    open_main(&client, *state);
    client_expect_end(&client);
    client_close(&client);
}

static void client_that_stops_in_its_body_is_cut_off(void **state)
{
    struct client client;
    open_main(&client, *state);
    client_print(&client, "POST /api/v1/vms HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
    client_expect_end(&client);
    client_close(&client);
    assert_still_serves(*state);
}

static void waiting_for_an_answer_is_not_slow_reading(void **state)
{
    struct harness *harness = *state;
    struct client slow, waiting;
    open_main(&waiting, harness);
    client_print(&waiting, "GET /api/v1/vms/web/health HTTP/1.1\r\nHost: x\r\n\r\n");
    while (harness->guests.ask_count == 0)
        harness_turn(harness, -1, 0);
    open_main(&slow, harness);
    client_expect_end(&slow); /* the read timeout has passed for a connection that came later */
    fake_answer(&harness->guests, 0);
    expect_status(&waiting, 200);
    client_close(&waiting);
    client_close(&slow);
}

static void answer_that_does_not_come_is_504_and_may_come_late(void **state)
{
    struct harness *harness = *state;
    struct client client;
    open_main(&client, harness);
    client_print(&client, "GET /api/v1/vms/web/health HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_status(&client, 504);
    fake_answer(&harness->guests, 0);
    client_print(&client, "GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_status(&client, 200);
    client_close(&client);
}

static void answer_in_the_moment_of_its_deadline_is_sent(void **state)
{
    struct harness *harness = *state;
    struct client client;
    open_main(&client, harness);
    client_print(&client, "GET /api/v1/vms/web/health HTTP/1.1\r\nHost: x\r\n\r\n");
    while (harness->guests.ask_count == 0)
        harness_turn(harness, -1, 0);
    uint64_t due = clock_monotonic_ms() + 850;
    while (clock_monotonic_ms() < due) /* the deadline passes while the loop stands still */
        poll(NULL, 0, (int)(due - clock_monotonic_ms()));
    fake_answer(&harness->guests, 0);
    expect_status(&client, 200);
    client_close(&client);
}

int main(void)
{
#define SLOW_TEST(name) cmocka_unit_test_setup_teardown(name, harness_setup_impatient, harness_teardown)
    const struct CMUnitTest tests[] = {
        SLOW_TEST(client_that_trickles_its_head_is_cut_off),
        SLOW_TEST(client_that_says_nothing_is_cut_off),
        SLOW_TEST(client_that_stops_in_its_body_is_cut_off),
        SLOW_TEST(waiting_for_an_answer_is_not_slow_reading),
        SLOW_TEST(answer_that_does_not_come_is_504_and_may_come_late),
        SLOW_TEST(answer_in_the_moment_of_its_deadline_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
