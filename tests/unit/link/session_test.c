/* SPDX-License-Identifier: MIT */
/* A session and an agent that keeps the protocol: hello, events, requests, channels, loss and return. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "tests/unit/link/session_fixture.h"

static void come_up(bool with_events)
{
    start_agent(with_events);
    start_unix_session(with_events);
    RUN_AGENT_UNTIL(told.events == 1);
    assert_int_equal(told.ups, 1);
    assert_false(told.resumed);
}

static void it_comes_up_with_a_snapshot_and_a_heartbeat(void **state)
{
    come_up(true);
    assert_int_equal(told.event_ids[0], 10);
    struct fake_connection *control = fake_agent_connection(&agent, ROLE_CONTROL);
    struct fake_connection *events = fake_agent_connection(&agent, ROLE_EVENTS);
    assert_non_null(control);
    assert_non_null(events);
    assert_string_equal(control->hello.link, "unix");
    assert_int_equal(control->hello.version, PROTOCOL_VERSION);
    for (size_t i = 0; i < SESSION_ID_SIZE; i++)
        assert_int_equal(events->hello.session.bytes[i], 7);
    assert_int_equal(events->hello.cursor.epoch, 0);
    RUN_AGENT_UNTIL(session_rtt_us(told.session) > 0);
    assert_int_equal(agent.pings, 1);
    assert_true(session_heard_ms_ago(told.session) < 1000);
    assert_false(session_is_silent(told.session));
    assert_true(wakeups_within(100) < 5);
}

static void events_go_over_the_control_address_where_there_is_no_other(void **state)
{
    come_up(false);
    assert_int_equal(agent.accepted, 2);
}

static void events_go_over_the_control_address_when_their_own_refuses(void **state)
{
    start_agent(false);
    start_unix_session(true); /* nobody listens at the events path: it does not even exist */
    RUN_AGENT_UNTIL(told.ups == 1);
    assert_int_equal(told.failures, 0);
}

static void hang_up_on(int listener)
{
    int fd = accept(listener, NULL, NULL);
    if (fd >= 0)
        close(fd);
}

static void events_go_over_the_control_address_when_their_own_hangs_up(void **state)
{
    start_agent(false);
    int listener = listen_unix(events_path);
    start_unix_session(true);
    RUN_AGENT_UNTIL((hang_up_on(listener), told.ups == 1));
    assert_int_equal(told.failures, 0);
    close(listener);
}

static void an_agent_that_is_not_there_is_tried_until_it_is(void **state)
{
    start_unix_session(false);
    RUN_UNTIL(told.failures == 2);
    assert_int_equal(told.status, UV_ENOENT);
    start_agent(false);
    RUN_AGENT_UNTIL(told.ups == 1);
}

static void after_a_loss_events_resume_where_they_were(void **state)
{
    come_up(true);
    fake_connection_send_ports(fake_agent_connection(&agent, ROLE_EVENTS), 11, false, false, 80);
    RUN_AGENT_UNTIL(told.events == 2);
    agent.resumes = true;
    fake_agent_hang_up(&agent);
    RUN_AGENT_UNTIL(told.downs == 1);
    assert_false(session_is_up(told.session));
    RUN_AGENT_UNTIL(told.ups == 2);
    assert_true(told.resumed);
    struct fake_connection *events = fake_agent_connection(&agent, ROLE_EVENTS);
    assert_int_equal(events->hello.cursor.epoch, 77);
    assert_int_equal(events->hello.cursor.sequence, 11);
    fake_connection_send_ports(events, 12, false, false, 81);
    RUN_AGENT_UNTIL(told.events == 3);
    assert_int_equal(told.event_ids[2], 12);
    assert_int_equal(told.downs, 1);
}

static void an_agent_that_was_restarted_sends_a_new_snapshot(void **state)
{
    come_up(true);
    agent.cursor = (struct event_cursor){78, 0};
    fake_agent_hang_up(&agent);
    RUN_AGENT_UNTIL(told.ups == 2 && told.events == 2);
    assert_false(told.resumed);
    assert_int_equal(told.event_ids[1], 0);
    fake_connection_send_ports(fake_agent_connection(&agent, ROLE_EVENTS), 1, false, false, 80);
    RUN_AGENT_UNTIL(told.events == 3);
}

static void a_snapshot_in_parts_counts_when_it_is_complete(void **state)
{
    start_agent(true);
    agent.no_snapshot = true;
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.ups == 1);
    struct fake_connection *events = fake_agent_connection(&agent, ROLE_EVENTS);
    fake_connection_send_ports(events, 10, true, true, 80);
    RUN_AGENT_UNTIL(told.events == 1);
    fake_agent_hang_up(&agent); /* within the snapshot */
    RUN_AGENT_UNTIL(told.ups == 2);
    events = fake_agent_connection(&agent, ROLE_EVENTS);
    assert_int_equal(events->hello.cursor.epoch, 0); /* nothing to go on from */
    fake_connection_send_ports(events, 10, true, true, 80);
    fake_connection_send_ports(events, 10, true, true, 81);
    fake_connection_send_ports(events, 10, true, false, 82);
    fake_connection_send_ports(events, 11, false, false, 83);
    fake_connection_send_ports(events, 11, true, false, 84); /* the reader fell behind: any time */
    fake_connection_send_ports(events, 12, false, false, 84);
    RUN_AGENT_UNTIL(told.events == 7);
    assert_int_equal(told.downs, 1);
}

struct answered {
    size_t done;
    int status;
    uint64_t uptime_ms;
    bool asks_again;
};

static void on_answer(void *ctx, int status, const struct message *answer)
{
    struct answered *answered = ctx;
    answered->done++;
    answered->status = status;
    if (answer != NULL && answer->kind == MESSAGE_HEALTH)
        answered->uptime_ms = answer->body.health->uptime_ms;
    if (answered->asks_again)
        assert_int_equal(session_request(told.session, MESSAGE_HEALTH_REQUEST, 50, on_answer, ctx),
                         STATUS_NOT_CONNECTED);
}

static void ask(struct answered *answered)
{
    *answered = (struct answered){0};
    assert_int_equal(session_request(told.session, MESSAGE_HEALTH_REQUEST, 50, on_answer, answered), 0);
}

static void requests_are_answered_failed_or_timed_out(void **state)
{
    struct answered answered = {0};
    come_up(true);
    ask(&answered);
    RUN_AGENT_UNTIL(answered.done == 1);
    assert_int_equal(answered.status, 0);
    assert_int_equal(answered.uptime_ms, 4711);
    agent.health_error = STATUS_LIMIT;
    ask(&answered);
    RUN_AGENT_UNTIL(answered.done == 1);
    assert_int_equal(answered.status, STATUS_LIMIT);
    agent.health_error = 1;
    ask(&answered);
    assert_int_equal(requests_pending(session_requests(told.session)), 1);
    RUN_AGENT_UNTIL(answered.done == 1);
    assert_int_equal(answered.status, UV_ETIMEDOUT);
    ask(&answered);
    answered.asks_again = true;
    fake_agent_hang_up(&agent);
    RUN_AGENT_UNTIL(answered.done == 1);
    assert_int_equal(answered.status, STATUS_NOT_CONNECTED);
    RUN_AGENT_UNTIL(told.ups == 2);
    ask(&answered);
    close_session();
    assert_int_equal(answered.done, 1);
    assert_int_equal(answered.status, STATUS_GONE);
}

static void channels_open_only_while_it_is_up(void **state)
{
    struct dial_target target = {.protocol = PORT_TCP, .port = 80, .address_count = 1};
    target.addresses[0].family = 4;
    struct stream *stream = NULL;
    start_unix_session(false);
    assert_int_equal(session_open_channel(told.session, &target, &stream), STATUS_NOT_CONNECTED);
    start_agent(false);
    RUN_AGENT_UNTIL(told.ups == 1);
    assert_int_equal(session_open_channel(told.session, &target, &stream), 0);
    struct probe probe;
    probe_init(&probe, stream);
    RUN_AGENT_UNTIL(fake_agent_connection(&agent, FAKE_CHANNEL) != NULL);
    struct fake_connection *channel = fake_agent_connection(&agent, FAKE_CHANNEL);
    fake_connection_send_frame(channel, FRAME_DATA, "from the guest", 14);
    RUN_AGENT_UNTIL(buffer_size(&probe.data) == 14);
    assert_true(span_equals(buffer_span(&probe.data), span_of_text("from the guest")));
    probe_finish(&probe);
    assert_int_equal(session_cipher(told.session),
                     fixture_sealing == SEALING_ALWAYS ? AEAD_CHACHA20_POLY1305 : 0);
}

/* Of the feed and of each channel; a new session counts anew. */
static void numbers_of_connections_grow(void **state)
{
    struct dial_target target = {.protocol = PORT_TCP, .port = 80, .address_count = 1};
    target.addresses[0].family = 4;
    struct probe probes[5];
    come_up(true);
    assert_int_equal(agent.last_number, 1);
    for (size_t i = 0; i < 5; i++) {
        struct stream *stream;
        assert_int_equal(session_open_channel(told.session, &target, &stream), 0);
        probe_init(&probes[i], stream);
        RUN_AGENT_UNTIL(agent.last_number == 2 + i);
    }
    for (size_t i = 0; i < 5; i++)
        probe_finish(&probes[i]);
    fake_agent_hang_up(&agent);
    RUN_AGENT_UNTIL(told.ups == 2);
    assert_int_equal(agent.last_number, 1);
}

static void it_may_be_closed_from_every_callback(void **state)
{
    come_up(true);
    told.close_at_event = true;
    fake_connection_send_ports(fake_agent_connection(&agent, ROLE_EVENTS), 11, false, false, 80);
    RUN_AGENT_UNTIL(told.closed);

    told = (struct session_log){.close_at_up = true};
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.closed);

    told = (struct session_log){0};
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.ups == 1);
    told.close_at_down = true;
    fake_agent_hang_up(&agent);
    RUN_AGENT_UNTIL(told.closed);

    told = (struct session_log){.close_at_let_in = true};
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.closed);
    assert_int_equal(told.let_in, 1);

    told = (struct session_log){.close_at_failure = true};
    agent.refuse = STATUS_LIMIT;
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.closed);
    assert_int_equal(told.failures, 1);
}

static void it_may_be_closed_at_any_moment_of_its_start(void **state)
{
    start_agent(true);
    for (int turns = 0; turns < 12; turns++) {
        told = (struct session_log){0};
        start_unix_session(true);
        for (int i = 0; i < turns; i++) {
            uv_run(&uv, UV_RUN_NOWAIT);
            fake_agent_step(&agent);
        }
        close_session();
        RUN_AGENT_UNTIL(fake_agent_connection(&agent, ROLE_CONTROL) == NULL);
    }
}

#define TEST(name) SESSION_TEST(name), SESSION_TEST_SEALED(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_comes_up_with_a_snapshot_and_a_heartbeat),
        TEST(events_go_over_the_control_address_where_there_is_no_other),
        TEST(events_go_over_the_control_address_when_their_own_refuses),
        TEST(events_go_over_the_control_address_when_their_own_hangs_up),
        TEST(an_agent_that_is_not_there_is_tried_until_it_is),
        TEST(after_a_loss_events_resume_where_they_were),
        TEST(an_agent_that_was_restarted_sends_a_new_snapshot),
        TEST(a_snapshot_in_parts_counts_when_it_is_complete),
        TEST(requests_are_answered_failed_or_timed_out),
        TEST(channels_open_only_while_it_is_up),
        TEST(numbers_of_connections_grow),
        TEST(it_may_be_closed_from_every_callback),
        TEST(it_may_be_closed_at_any_moment_of_its_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
