/* SPDX-License-Identifier: MIT */
/* A session and agents that break the protocol: each is refused with a reason, costs nothing, and is dialled
 * again. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "tests/unit/link/session_fixture.h"

static void come_up(void)
{
    start_agent(true);
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.events == 1 && agent.pings > 0);
}

/* It was up, is lost for this reason, and comes back. */
static void expect_loss(int status)
{
    size_t downs = told.downs, ups = told.ups;
    RUN_AGENT_UNTIL(told.downs == downs + 1);
    assert_int_equal(told.status, status);
    RUN_AGENT_UNTIL(told.ups == ups + 1);
}

static void a_refusal_is_told_with_its_text(void **state)
{
    start_agent(true);
    agent.refuse = STATUS_VERSION;
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.failures == 1);
    assert_int_equal(told.status, STATUS_VERSION);
    assert_string_equal(told.text, "because the test says so");
    RUN_AGENT_UNTIL(told.failures == 2);
    agent.refuse = 0;
    RUN_AGENT_UNTIL(told.ups == 1);
}

static void a_version_that_was_not_offered_is_refused(void **state)
{
    start_agent(true);
    agent.version = PROTOCOL_VERSION + 1;
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.failures == 1);
    assert_int_equal(told.status, STATUS_AUTHENTICATION_FAILED); /* and not what the handshake said */
    RUN_AGENT_UNTIL(told.failures == 2);
    agent.choice.version = PROTOCOL_VERSION + 1;
    RUN_AGENT_UNTIL(told.failures == 3);
    assert_int_equal(told.status, STATUS_AUTHENTICATION_FAILED);
    assert_int_equal(told.ups, 0);
}

static bool turn_away(int listener, size_t *accepted)
{
    int fd = accept(listener, NULL, NULL);
    if (fd >= 0) {
        close(fd);
        (*accepted)++;
    }
    return true;
}

static void an_agent_that_hangs_up_at_once_is_tried_with_growing_delays(void **state)
{
    int listener = listen_unix(control_path);
    size_t accepted = 0;
    uint64_t started = uv_hrtime();
    start_unix_session(false);
    RUN_UNTIL(turn_away(listener, &accepted) && accepted == 4);
    assert_true((uv_hrtime() - started) / 1000000 >= 38 + 75 + 150); /* shortened by a quarter at most */
    RUN_UNTIL(told.failures == 4);
    close(listener);
}

static void an_agent_that_says_nothing_is_given_up_in_time(void **state)
{
    start_agent(true);
    agent.mute = true;
    start_unix_session(true);
    RUN_UNTIL_WITHIN(HELLO_TIMEOUT_MS + 2000, fake_agent_step(&agent) && told.failures == 1);
    assert_int_equal(told.status, STATUS_NO_GREETING);
}

static void send_control(enum frame_type type, const void *payload, size_t size)
{
    fake_connection_send_frame(fake_agent_connection(&agent, ROLE_CONTROL), type, payload, size);
}

static void send_events(enum frame_type type, const void *payload, size_t size)
{
    fake_connection_send_frame(fake_agent_connection(&agent, ROLE_EVENTS), type, payload, size);
}

static void garbage_ends_the_link(void **state)
{
    come_up();
    send_control(FRAME_MESSAGE, "garbage", 7);
    expect_loss(STATUS_MALFORMED);
    send_events(FRAME_MESSAGE, "\x93\x30", 2);
    expect_loss(STATUS_MALFORMED);
    fake_connection_send_bytes(fake_agent_connection(&agent, ROLE_CONTROL),
                               "\xff\xff\xff\xff\0\0\0\0\1\0\0\0", 12);
    expect_loss(STATUS_TOO_LARGE);
    fake_connection_send_bytes(fake_agent_connection(&agent, ROLE_EVENTS), "SSH-2.0-OpenSSH_9.2\r\n", 21);
    RUN_AGENT_UNTIL(told.downs == 4);
    RUN_AGENT_UNTIL(told.ups == 5);
}

static void frames_of_channels_end_the_link(void **state)
{
    come_up();
    send_control(FRAME_DATA, "x", 1);
    expect_loss(STATUS_UNEXPECTED);
    send_events(FRAME_DATAGRAM, "x", 1);
    expect_loss(STATUS_UNEXPECTED);
    send_control(FRAME_FIN, NULL, 0);
    expect_loss(STATUS_UNEXPECTED);
}

static void a_reset_is_told_with_its_reason(void **state)
{
    come_up();
    uint8_t payload[FRAME_RST_MAX];
    send_events(FRAME_RST, payload, frame_rst_encode(STATUS_LIMIT, "too much", payload));
    RUN_AGENT_UNTIL(told.downs == 1);
    assert_int_equal(told.status, STATUS_LIMIT);
    assert_string_equal(told.text, "too much");
}

static void bombs_are_refused_before_they_are_unpacked(void **state)
{
    come_up();
    uint8_t bomb[1024];
    memset(bomb, 0x91, sizeof(bomb)); /* an array within an array within … */
    send_control(FRAME_MESSAGE, bomb, sizeof(bomb));
    RUN_AGENT_UNTIL(told.downs == 1);
    assert_true(told.status == STATUS_MALFORMED || told.status == STATUS_TOO_LARGE);
    RUN_AGENT_UNTIL(told.ups == 2);
    static const uint8_t WIDE[] = {0x93, 48,  11,  0x81, 0xa6, 'o',  'p',  'e',
                                   'n',  'e', 'd', 0xdd, 0xff, 0xff, 0xff, 0xff};
    send_events(FRAME_MESSAGE, WIDE, sizeof(WIDE)); /* four thousand million listeners, it says */
    RUN_AGENT_UNTIL(told.downs == 2);
    assert_true(told.status == STATUS_MALFORMED || told.status == STATUS_TOO_LARGE);
}

/* [48, 11, {"opened": [{"protocol": 1, "address": 127.0.0.1, "port": PORT, "uid": 0}]}] */
static void send_port(uint8_t marker, uint32_t port)
{
    uint8_t bytes[96];
    static const uint8_t HEAD[] = "\x93\x30\x0b\x81\xa6opened\x91\x84\xa8protocol\x01\xa7"
                                  "address\xc4\x04\x7f\0\0\x01\xa3uid\0\xa4port";
    size_t size = sizeof(HEAD) - 1;
    memcpy(bytes, HEAD, size);
    bytes[size++] = marker;
    for (int shift = marker == 0xce ? 24 : 8; shift >= 0; shift -= 8)
        bytes[size++] = (uint8_t)(port >> shift);
    send_events(FRAME_MESSAGE, bytes, size);
}

static void ports_out_of_range_end_the_link(void **state)
{
    come_up();
    send_port(0xcd, 80);
    RUN_AGENT_UNTIL(told.events == 2); /* so the bytes above are right */
    fake_agent_hang_up(&agent);
    RUN_AGENT_UNTIL(told.ups == 2);
    told.downs = 0;
    send_port(0xce, 70000);
    expect_loss(STATUS_MALFORMED);
    send_port(0xcd, 0);
    expect_loss(STATUS_MALFORMED);
}

static void events_out_of_order_end_the_link_and_start_over(void **state)
{
    static const uint64_t IDS[] = {10, 12, 9, 0, UINT64_MAX};
    come_up();
    for (size_t i = 0; i < sizeof(IDS) / sizeof(IDS[0]); i++) {
        size_t events = told.events;
        fake_connection_send_ports(fake_agent_connection(&agent, ROLE_EVENTS), IDS[i], false, false, 80);
        expect_loss(STATUS_MALFORMED);
        RUN_AGENT_UNTIL(told.events == events + 1); /* the snapshot; the bad event was not handed on */
        assert_int_equal(fake_agent_connection(&agent, ROLE_EVENTS)->hello.cursor.epoch, 0);
    }
    fake_connection_send_ports(fake_agent_connection(&agent, ROLE_EVENTS), 9, true, false,
                               80); /* an old one */
    expect_loss(STATUS_MALFORMED);
}

static void a_delta_before_or_within_a_snapshot_ends_the_link(void **state)
{
    start_agent(true);
    agent.no_snapshot = true;
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.ups == 1);
    fake_connection_send_ports(fake_agent_connection(&agent, ROLE_EVENTS), 1, false, false, 80);
    expect_loss(STATUS_MALFORMED);
    fake_connection_send_ports(fake_agent_connection(&agent, ROLE_EVENTS), 10, true, true, 80);
    fake_connection_send_ports(fake_agent_connection(&agent, ROLE_EVENTS), 1, false, false, 81);
    expect_loss(STATUS_MALFORMED);
    fake_connection_send_ports(fake_agent_connection(&agent, ROLE_EVENTS), 10, true, true, 80);
    fake_connection_send_ports(fake_agent_connection(&agent, ROLE_EVENTS), 11, true, false, 81);
    expect_loss(STATUS_MALFORMED);
}

static void resuming_what_nobody_asked_for_ends_the_link(void **state)
{
    start_agent(true);
    agent.resumes = true; /* there was no cursor */
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.failures == 1);
    assert_int_equal(told.status, STATUS_MALFORMED);
    assert_int_equal(told.ups, 0);
}

static void messages_at_the_wrong_moment_end_the_link(void **state)
{
    come_up();
    struct message welcome = {.kind = MESSAGE_WELCOME};
    welcome.body.welcome.version = 1;
    fake_connection_send(fake_agent_connection(&agent, ROLE_CONTROL), &welcome);
    expect_loss(STATUS_UNEXPECTED);
    fake_connection_send(fake_agent_connection(&agent, ROLE_EVENTS), &welcome);
    expect_loss(STATUS_UNEXPECTED);
    fake_connection_send_ports(fake_agent_connection(&agent, ROLE_CONTROL), 11, false, false, 80);
    expect_loss(STATUS_UNEXPECTED);
    struct message pong = {.kind = MESSAGE_PONG, .id = 1};
    fake_connection_send(fake_agent_connection(&agent, ROLE_EVENTS), &pong);
    expect_loss(STATUS_UNEXPECTED);
}

static void answers_to_nothing_and_unknown_kinds_are_ignored(void **state)
{
    come_up();
    struct message pong = {.kind = MESSAGE_PONG, .id = 999};
    struct message error = {.kind = MESSAGE_ERROR, .id = 999};
    error.body.failure.status = STATUS_LIMIT;
    for (int i = 0; i < 10000; i++) { /* a flood, even */
        struct fake_connection *control = fake_agent_connection(&agent, ROLE_CONTROL);
        struct message *message = i % 2 == 0 ? &pong : &error;
        fake_connection_send(control, message);
        if (i % 100 == 0)
            send_control(FRAME_MESSAGE, "\x93\xcd\x10\x00\x07\x80", 6); /* [4096, 7, {}] */
    }
    fake_connection_send_ports(fake_agent_connection(&agent, ROLE_EVENTS), 11, false, false, 80);
    RUN_AGENT_UNTIL(told.events == 2);
    assert_int_equal(told.downs, 0);
}

static void losing_only_the_events_loses_the_link(void **state)
{
    come_up();
    fake_connection_hang_up(fake_agent_connection(&agent, ROLE_EVENTS));
    expect_loss(fixture_sealing == SEALING_ALWAYS ? UV_ECONNRESET
                                                  : UV_EOF); /* without a sealed FIN it was cut */
}

#define TEST(name) SESSION_TEST(name), SESSION_TEST_SEALED(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_refusal_is_told_with_its_text),
        TEST(a_version_that_was_not_offered_is_refused),
        TEST(an_agent_that_hangs_up_at_once_is_tried_with_growing_delays),
        TEST(an_agent_that_says_nothing_is_given_up_in_time),
        TEST(garbage_ends_the_link),
        TEST(frames_of_channels_end_the_link),
        TEST(a_reset_is_told_with_its_reason),
        TEST(bombs_are_refused_before_they_are_unpacked),
        TEST(ports_out_of_range_end_the_link),
        TEST(events_out_of_order_end_the_link_and_start_over),
        TEST(a_delta_before_or_within_a_snapshot_ends_the_link),
        TEST(resuming_what_nobody_asked_for_ends_the_link),
        TEST(messages_at_the_wrong_moment_end_the_link),
        TEST(answers_to_nothing_and_unknown_kinds_are_ignored),
        TEST(losing_only_the_events_loses_the_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
