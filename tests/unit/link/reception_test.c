/* SPDX-License-Identifier: MIT */
/* Streams that have not said what they are: recognised, refused, and bounded in number and time. */
#include "protocol/link/reception.h"

#include <string.h>

#include "protocol/base/status.h"
#include "protocol/link/stream_fd.h"
#include "tests/unit/link/link_fixture.h"

static struct reception reception;
static struct peer peers[PENDING_HELLO_MAX + 2];
static size_t peer_count;
static size_t hellos, channels, refusals;
static int last_refusal;
static struct stream *taken;

static void on_hello(void *ctx, struct stream *stream, const struct hello_message *hello)
{
    hellos++;
    assert_int_equal(hello->role, ROLE_CONTROL);
    assert_string_equal(hello->software, "test");
    taken = stream;
}

static void on_channel(void *ctx, struct stream *stream, const struct channel_open_message *open)
{
    channels++;
    assert_int_equal(open->target.port, 80);
    taken = stream;
}

static void on_refused(void *ctx, int status)
{
    refusals++;
    last_refusal = status;
}

static const struct reception_handler HANDLER = {
    .on_hello = on_hello, .on_channel = on_channel, .on_refused = on_refused};

static int setup(void **state)
{
    link_fixture_setup(state);
    peer_count = hellos = channels = refusals = 0;
    taken = NULL;
    reception_init(&reception, &uv, &HANDLER, NULL);
    return 0;
}

static int teardown(void **state)
{
    reception_close(&reception, NULL, NULL);
    stream_close(taken);
    for (size_t i = 0; i < peer_count; i++)
        peer_finish(&peers[i]);
    return link_fixture_teardown(state);
}

static struct peer *visit(void)
{
    int fds[2];
    socket_pair(fds);
    struct peer *peer = &peers[peer_count++];
    peer_init(peer, fds[0]);
    struct stream_fd_options options = {0};
    struct stream *stream;
    assert_int_equal(stream_fd_create(&loop, fds[1], &options, &stream), 0);
    reception_add(&reception, stream);
    return peer;
}

static void say(struct peer *peer, const struct message *message)
{
    struct buffer payload;
    buffer_init(&payload, FRAME_MESSAGE_MAX);
    assert_int_equal(message_encode(message, &payload), 0);
    peer_write_frame(peer, FRAME_MESSAGE, buffer_span(&payload).data, buffer_size(&payload));
    buffer_finish(&payload);
}

/* The peer is told why by REFUSE, then hung up on. */
static void expect_refusal(struct peer *peer, int status)
{
    struct frame_header header;
    struct buffer payload;
    RUN_UNTIL(peer_take_frame(peer, &header, &payload));
    assert_int_equal(header.type, FRAME_MESSAGE);
    struct message message;
    struct message_head head;
    assert_int_equal(message_decode(buffer_span(&payload), &message, &head), 0);
    assert_int_equal(message.kind, MESSAGE_REFUSE);
    assert_int_equal(message.body.failure.status, status);
    message_finish(&message);
    buffer_finish(&payload);
    RUN_UNTIL((peer_read(peer), peer->eof || peer->error != 0));
    assert_int_equal(refusals, 1);
    assert_int_equal(last_refusal, status);
    assert_int_equal(reception.count, 0);
}

static void the_first_message_tells_sessions_from_channels(void **state)
{
    struct message hello = {.kind = MESSAGE_HELLO};
    hello.body.hello.version = hello.body.hello.version_min = 1;
    hello.body.hello.role = ROLE_CONTROL;
    strcpy(hello.body.hello.software, "test");
    say(visit(), &hello);
    RUN_UNTIL(hellos == 1);
    stream_close(taken);
    struct message open = {.kind = MESSAGE_CHANNEL_OPEN};
    open.body.channel_open.target =
        (struct dial_target){.protocol = PORT_TCP, .port = 80, .address_count = 1};
    open.body.channel_open.target.addresses[0].family = 4;
    say(visit(), &open);
    RUN_UNTIL(channels == 1);
    assert_int_equal(reception.count, 0);
    assert_int_equal(refusals, 0);
}

static void another_first_message_is_refused(void **state)
{
    struct message ping = {.kind = MESSAGE_PING, .id = 1};
    struct peer *peer = visit();
    say(peer, &ping);
    expect_refusal(peer, STATUS_UNEXPECTED);
}

static void an_unknown_first_message_is_refused(void **state)
{
    struct peer *peer = visit();
    peer_write_frame(peer, FRAME_MESSAGE, "\x93\xcd\x10\x00\x07\x80", 6); /* [4096, 7, {}] */
    expect_refusal(peer, STATUS_NOT_SUPPORTED);
}

static void a_malformed_first_message_is_refused(void **state)
{
    struct peer *peer = visit();
    peer_write_frame(peer, FRAME_MESSAGE, "junk", 4);
    expect_refusal(peer, STATUS_MALFORMED);
}

static void data_before_a_message_is_refused(void **state)
{
    struct peer *peer = visit();
    peer_write_frame(peer, FRAME_DATA, "x", 1);
    expect_refusal(peer, STATUS_UNEXPECTED);
}

static void a_datagram_before_a_message_is_refused(void **state)
{
    struct peer *peer = visit();
    peer_write_frame(peer, FRAME_DATAGRAM, "x", 1);
    expect_refusal(peer, STATUS_UNEXPECTED);
}

static void visitors_that_leave_or_break_frames_are_forgotten(void **state)
{
    peer_hang_up(visit());
    RUN_UNTIL(refusals == 1);
    assert_int_equal(last_refusal, UV_EOF);
    peer_write(visit(), "GET / HTTP/1.1\r\n\r\n", 18);
    RUN_UNTIL(refusals == 2);
    peer_write_frame(visit(), FRAME_FIN, NULL, 0);
    RUN_UNTIL(refusals == 3);
    assert_int_equal(reception.count, 0);
}

static void beyond_the_maximum_the_oldest_goes(void **state)
{
    for (size_t i = 0; i < PENDING_HELLO_MAX; i++)
        visit();
    assert_int_equal(refusals, 0);
    visit();
    assert_int_equal(reception.count, PENDING_HELLO_MAX);
    assert_int_equal(refusals, 1);
    assert_int_equal(last_refusal, STATUS_LIMIT);
    RUN_UNTIL((peer_read(&peers[0]), peers[0].eof));
    peer_read(&peers[1]);
    assert_false(peers[1].eof);
}

static void a_silent_visitor_is_hung_up_on(void **state)
{
    reception.deadlines.length_ms = 30; /* instead of HELLO_TIMEOUT_MS */
    struct peer *silent = visit(), *halting = visit();
    peer_write(halting, "\0\0\0\x05", 4);
    RUN_UNTIL(refusals == 2);
    assert_int_equal(last_refusal, STATUS_NO_GREETING);
    RUN_UNTIL((peer_read(silent), silent->eof));
    RUN_UNTIL((peer_read(halting), halting->eof || halting->error != 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_message_tells_sessions_from_channels),
        TEST(another_first_message_is_refused),
        TEST(an_unknown_first_message_is_refused),
        TEST(a_malformed_first_message_is_refused),
        TEST(data_before_a_message_is_refused),
        TEST(a_datagram_before_a_message_is_refused),
        TEST(visitors_that_leave_or_break_frames_are_forgotten),
        TEST(beyond_the_maximum_the_oldest_goes),
        TEST(a_silent_visitor_is_hung_up_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
