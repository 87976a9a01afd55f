/* SPDX-License-Identifier: MIT */
/* Streams that have not said what they are: recognised, refused, and bounded in number and time. */
#include "protocol/link/reception.h"

#include <string.h>

#include "protocol/base/status.h"
#include "protocol/link/seal_stream.h"
#include "protocol/link/stream_fd.h"
#include "tests/unit/link/sealed_peer.h"

static struct reception reception;
static struct peer peers[PENDING_HELLO_MAX + 2];
static size_t peer_count;
static size_t hellos, joins, subscriptions, channels, refusals;
static int last_refusal;
static char last_who[64];
static struct stream *taken;
static int join_status; /* on_join gives this */
static bool seals;      /* what joins */
static struct session_keys keys;
static const struct session_id SESSION = {{1, 2, 3}};

static void on_hello(void *ctx, struct stream *stream, const struct listener_peer *peer,
                     const struct hello_message *hello, struct span payload)
{
    struct message again;
    hellos++;
    assert_int_equal(hello->role, ROLE_CONTROL);
    assert_string_equal(hello->software, "test");
    assert_string_equal(peer->who, "the test");
    assert_int_equal(message_decode(payload, &again, NULL), 0); /* HELLO as it came */
    assert_int_equal(again.kind, MESSAGE_HELLO);
    message_finish(&again);
    taken = stream;
}

static int on_join(void *ctx, struct stream *stream, const struct join_message *join, struct stream **ret)
{
    joins++;
    assert_memory_equal(&join->session, &SESSION, sizeof(SESSION));
    if (join_status < 0)
        return join_status;
    *ret = stream;
    if (seals)
        assert_int_equal(seal_stream_create(&loop, stream, &keys, join->connection, false, ret), 0);
    return 0;
}

static void on_events(void *ctx, struct stream *stream, const struct hello_message *hello)
{
    subscriptions++;
    assert_int_equal(hello->role, ROLE_EVENTS);
    taken = stream;
}

static void on_channel(void *ctx, struct stream *stream, const struct channel_open_message *open)
{
    channels++;
    assert_int_equal(open->target.port, 80);
    taken = stream;
}

static void on_refused(void *ctx, const struct listener_peer *peer, int status)
{
    refusals++;
    last_refusal = status;
    strcpy(last_who, peer->who);
}

static const struct reception_handler HANDLER = {.on_hello = on_hello,
                                                 .on_join = on_join,
                                                 .on_events = on_events,
                                                 .on_channel = on_channel,
                                                 .on_refused = on_refused};

static int setup(void **state)
{
    link_fixture_setup(state);
    peer_count = hellos = joins = subscriptions = channels = refusals = 0;
    join_status = 0;
    seals = false;
    keys = sample_keys(AEAD_CHACHA20_POLY1305);
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
    struct listener_peer whose = {.kind = LINK_UNIX, .is_private = true, .who = "the test"};
    reception_add(&reception, stream, &whose);
    memset(&whose, 0, sizeof(whose)); /* it was copied */
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
    assert_string_equal(last_who, "the test");
    assert_int_equal(reception.count, 0);
}

static struct message make_hello(enum hello_role role)
{
    struct message hello = {.kind = MESSAGE_HELLO};
    hello.body.hello.version = hello.body.hello.version_min = 1;
    hello.body.hello.role = (uint8_t)role;
    strcpy(hello.body.hello.software, "test");
    if (role == ROLE_EVENTS)
        hello.body.hello.session = SESSION;
    return hello;
}

static struct message make_open(void)
{
    struct message open = {.kind = MESSAGE_CHANNEL_OPEN};
    open.body.channel_open.session = SESSION;
    open.body.channel_open.target =
        (struct dial_target){.protocol = PORT_TCP, .port = 80, .address_count = 1};
    open.body.channel_open.target.addresses[0].family = 4;
    return open;
}

static struct message make_join(void)
{
    struct message join = {.kind = MESSAGE_JOIN};
    join.body.join.session = SESSION;
    join.body.join.connection = 4;
    return join;
}

static void a_control_hello_is_handed_on_at_once(void **state)
{
    struct message hello = make_hello(ROLE_CONTROL);
    say(visit(), &hello);
    RUN_UNTIL(hellos == 1);
    assert_int_equal(reception.count, 0);
    assert_int_equal(refusals, 0);
}

static void what_has_joined_says_what_it_is(void **state)
{
    struct message join = make_join(), hello = make_hello(ROLE_EVENTS), open = make_open();
    struct peer *peer = visit();
    say(peer, &join);
    RUN_UNTIL(joins == 1);
    assert_int_equal(reception.count, 1);
    say(peer, &hello);
    RUN_UNTIL(subscriptions == 1);
    stream_close(taken);
    peer = visit();
    say(peer, &join);
    say(peer, &open);
    RUN_UNTIL(channels == 1);
    assert_int_equal(joins, 2);
    assert_int_equal(reception.count, 0);
    assert_int_equal(refusals, 0);
}

static void what_joins_a_sealed_session_goes_on_in_records(void **state)
{
    struct message join = make_join(), open = make_open();
    struct sealed_peer far;
    struct buffer payload;
    seals = true;
    struct peer *peer = visit();
    say(peer, &join);
    sealed_peer_init(&far, peer, &keys, 4, true);
    buffer_init(&payload, FRAME_MESSAGE_MAX);
    assert_int_equal(message_encode(&open, &payload), 0);
    sealed_peer_write_frame(&far, FRAME_MESSAGE, buffer_span(&payload).data, buffer_size(&payload));
    RUN_UNTIL(channels == 1);
    struct probe probe;
    probe_init(&probe, taken);
    taken = NULL;
    sealed_peer_write_frame(&far, FRAME_DATA, "data", 4);
    RUN_UNTIL(buffer_size(&probe.data) == 4);
    probe_finish(&probe);
    buffer_finish(&payload);
    sealed_peer_finish(&far);
}

static void plain_messages_in_a_sealed_session_are_not_believed(void **state)
{
    struct message join = make_join(), open = make_open();
    for (int i = 0; i < 2; i++) {
        seals = true;
        struct peer *peer = visit();
        say(peer, &join);
        RUN_UNTIL(joins == (size_t)i + 1);
        if (i == 0)
            say(peer, &open);
        else
            peer_write_frame(peer, FRAME_DATA, "\0\0\0\x20no record at all, by any reading", 36);
        RUN_UNTIL(refusals == (size_t)i + 1);
        assert_int_equal(last_refusal, STATUS_AUTHENTICATION_FAILED);
        assert_int_equal(channels, 0);
        assert_int_equal(reception.count, 0);
    }
}

static void a_proof_that_is_not_good_is_refused(void **state)
{
    struct message join = make_join();
    join_status = STATUS_AUTHENTICATION_FAILED;
    struct peer *peer = visit();
    say(peer, &join);
    expect_refusal(peer, STATUS_AUTHENTICATION_FAILED);
}

static void a_join_of_no_session_is_refused(void **state)
{
    struct message join = make_join();
    join_status = STATUS_UNKNOWN_SESSION;
    struct peer *peer = visit();
    say(peer, &join);
    expect_refusal(peer, STATUS_UNKNOWN_SESSION);
}

static void events_without_a_join_are_refused(void **state)
{
    struct message hello = make_hello(ROLE_EVENTS);
    struct peer *peer = visit();
    say(peer, &hello);
    expect_refusal(peer, STATUS_NEEDS_AUTHENTICATION);
    assert_int_equal(subscriptions, 0);
}

static void a_channel_without_a_join_is_refused(void **state)
{
    struct message open = make_open();
    struct peer *peer = visit();
    say(peer, &open);
    expect_refusal(peer, STATUS_NEEDS_AUTHENTICATION);
    assert_int_equal(channels, 0);
}

static void after_join(const struct message *next, int status)
{
    struct message join = make_join();
    struct peer *peer = visit();
    say(peer, &join);
    say(peer, next);
    expect_refusal(peer, status);
    assert_int_equal(joins, 1);
    assert_int_equal(hellos + subscriptions + channels, 0);
}

static void a_join_behind_a_join_is_refused(void **state)
{
    struct message join = make_join();
    after_join(&join, STATUS_UNEXPECTED);
}

static void a_control_hello_behind_a_join_is_refused(void **state)
{
    struct message hello = make_hello(ROLE_CONTROL);
    after_join(&hello, STATUS_UNEXPECTED);
}

static void another_message_behind_a_join_is_refused(void **state)
{
    struct message ping = {.kind = MESSAGE_PING, .id = 1};
    after_join(&ping, STATUS_UNEXPECTED);
}

static void events_of_another_session_than_the_one_joined_are_refused(void **state)
{
    struct message hello = make_hello(ROLE_EVENTS);
    hello.body.hello.session.bytes[15] ^= 1;
    after_join(&hello, STATUS_UNKNOWN_SESSION);
}

static void a_channel_of_another_session_than_the_one_joined_is_refused(void **state)
{
    struct message open = make_open();
    open.body.channel_open.session.bytes[0] ^= 1;
    after_join(&open, STATUS_UNKNOWN_SESSION);
}

static void data_behind_a_join_is_refused(void **state)
{
    struct message join = make_join();
    struct peer *peer = visit();
    say(peer, &join);
    peer_write_frame(peer, FRAME_DATA, "x", 1);
    expect_refusal(peer, STATUS_UNEXPECTED);
}

static void one_that_joined_and_says_no_more_is_hung_up_on(void **state)
{
    struct message join = make_join();
    reception.deadlines.length_ms = 30;
    for (int i = 0; i < 2; i++) {
        seals = i == 1;
        struct peer *peer = visit();
        say(peer, &join);
        RUN_UNTIL(refusals == (size_t)i + 1);
        assert_int_equal(last_refusal, STATUS_NO_GREETING);
        RUN_UNTIL((peer_read(peer), peer->eof));
    }
    assert_int_equal(joins, 2);
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
        TEST(a_control_hello_is_handed_on_at_once),
        TEST(what_has_joined_says_what_it_is),
        TEST(what_joins_a_sealed_session_goes_on_in_records),
        TEST(plain_messages_in_a_sealed_session_are_not_believed),
        TEST(a_proof_that_is_not_good_is_refused),
        TEST(a_join_of_no_session_is_refused),
        TEST(events_without_a_join_are_refused),
        TEST(a_channel_without_a_join_is_refused),
        TEST(a_join_behind_a_join_is_refused),
        TEST(a_control_hello_behind_a_join_is_refused),
        TEST(another_message_behind_a_join_is_refused),
        TEST(events_of_another_session_than_the_one_joined_are_refused),
        TEST(a_channel_of_another_session_than_the_one_joined_is_refused),
        TEST(data_behind_a_join_is_refused),
        TEST(one_that_joined_and_says_no_more_is_hung_up_on),
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
