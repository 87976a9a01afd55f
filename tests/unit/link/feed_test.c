/* SPDX-License-Identifier: MIT */
/* The agent's events: snapshots, resuming, slow readers, and readers that misbehave. */
#include "protocol/link/feed.h"

#include <string.h>

#include "protocol/base/status.h"
#include "protocol/link/stream_fd.h"
#include "tests/unit/link/link_fixture.h"

static struct feed *feed;
static struct peer reader;
static struct subscriber *subscriber;
static struct welcome_message agent_welcome = {.version = 1};
static size_t snapshots, ends;
static size_t snapshot_parts;
static bool leave_at_end;

static void snapshot(void *ctx, void (*emit)(void *emit_ctx, const struct ports_message *part),
                     void *emit_ctx)
{
    snapshots++;
    for (size_t i = 0; i < snapshot_parts; i++) {
        struct ports_message part = {.snapshot = true, .more = i + 1 < snapshot_parts};
        emit(emit_ctx, &part);
    }
}

static void on_end(void *ctx)
{
    ends++;
    if (leave_at_end) {
        feed_unsubscribe(subscriber);
        subscriber = NULL;
    }
}

static int setup(void **state)
{
    link_fixture_setup(state);
    snapshots = ends = 0;
    snapshot_parts = 1;
    leave_at_end = false;
    subscriber = NULL;
    reader = (struct peer){.fd = -1};
    feed = feed_create(snapshot, NULL);
    assert_non_null(feed);
    return 0;
}

static int teardown(void **state)
{
    feed_unsubscribe(subscriber);
    peer_finish(&reader);
    feed_destroy(feed);
    return link_fixture_teardown(state);
}

static struct stream *connect_reader(void)
{
    int fds[2];
    socket_pair(fds);
    peer_finish(&reader);
    peer_init(&reader, fds[0]);
    struct stream_fd_options options = {0};
    struct stream *stream;
    assert_int_equal(stream_fd_create(&loop, fds[1], &options, &stream), 0);
    return stream;
}

static void subscribe(struct event_cursor cursor)
{
    assert_int_equal(
        feed_subscribe(feed, connect_reader(), cursor, &agent_welcome, on_end, NULL, &subscriber), 0);
    assert_int_equal(ends, 0);
}

static void publish(uint16_t port)
{
    struct port_fact fact = {.key = {.protocol = PORT_TCP, .address = {.family = 4}, .port = port}};
    struct message event = {.kind = MESSAGE_PORTS};
    event.body.ports = (struct ports_message){.opened_count = 1, .opened = &fact};
    assert_int_equal(feed_publish(feed, &event), 0);
}

static void take(struct message *ret)
{
    struct frame_header header;
    struct buffer payload;
    struct message_head head;
    RUN_UNTIL(peer_take_frame(&reader, &header, &payload));
    assert_int_equal(header.type, FRAME_MESSAGE);
    assert_int_equal(message_decode(buffer_span(&payload), ret, &head), 0);
    buffer_finish(&payload);
}

static struct welcome_message take_welcome(void)
{
    struct message message;
    take(&message);
    assert_int_equal(message.kind, MESSAGE_WELCOME);
    struct welcome_message welcome = message.body.welcome;
    message_finish(&message);
    return welcome;
}

/* The next event is this one; port 0: a part of a snapshot. */
static void expect_event(uint64_t id, uint16_t port)
{
    struct message message;
    take(&message);
    assert_int_equal(message.kind, MESSAGE_PORTS);
    assert_int_equal(message.id, id);
    assert_int_equal(message.body.ports.snapshot, port == 0);
    if (port != 0)
        assert_int_equal(message.body.ports.opened[0].key.port, port);
    message_finish(&message);
}

static void a_reader_without_a_cursor_gets_a_snapshot_and_what_follows(void **state)
{
    publish(80);
    publish(81);
    snapshot_parts = 3;
    subscribe((struct event_cursor){0});
    struct welcome_message welcome = take_welcome();
    assert_false(welcome.resumed);
    assert_int_not_equal(welcome.cursor.epoch, 0);
    assert_int_equal(welcome.cursor.sequence, 2);
    for (int i = 0; i < 3; i++)
        expect_event(2, 0);
    publish(82);
    expect_event(3, 82);
    assert_int_equal(peer_read(&reader), 0);
    assert_true(wakeups_within(50) < 5);
}

static void offers(void *ctx, void (*emit)(void *emit_ctx, const struct offers_message *part), void *emit_ctx)
{
    struct offer offer = {.id = 7, .name = "a", .roots = 1};
    emit(emit_ctx,
         &(struct offers_message){.snapshot = true, .more = true, .offers = &offer, .offer_count = 1});
}

static void offers_come_before_the_ports_of_a_snapshot_and_are_numbered_like_them(void **state)
{
    struct message message, event = {.kind = MESSAGE_OFFERS};
    struct offer_id gone = {7};
    publish(80);
    feed_set_offers(feed, offers);
    subscribe((struct event_cursor){0});
    take_welcome();
    take(&message);
    assert_int_equal(message.kind, MESSAGE_OFFERS);
    assert_int_equal(message.id, 1);
    assert_int_equal(message.body.offers.offers[0].id, 7);
    message_finish(&message);
    expect_event(1, 0);
    event.body.offers = (struct offers_message){.gone = &gone, .gone_count = 1};
    assert_int_equal(feed_publish(feed, &event), 0);
    take(&message);
    assert_int_equal(message.kind, MESSAGE_OFFERS);
    assert_int_equal(message.id, 2);
    assert_int_equal(message.body.offers.gone[0].id, 7);
    message_finish(&message);
}

static void a_reader_resumes_where_it_was(void **state)
{
    subscribe((struct event_cursor){0});
    struct event_cursor cursor = take_welcome().cursor;
    assert_int_equal(cursor.sequence, 0);
    feed_unsubscribe(subscriber);
    subscriber = NULL;
    for (uint16_t i = 1; i <= 5; i++)
        publish(i);
    cursor.sequence = 2;
    subscribe(cursor);
    struct welcome_message welcome = take_welcome();
    assert_true(welcome.resumed);
    assert_int_equal(welcome.cursor.sequence, 2);
    for (uint16_t i = 3; i <= 5; i++)
        expect_event(i, i);
    assert_int_equal(snapshots, 1);
}

static void cursors_that_the_ring_does_not_reach_get_a_snapshot(void **state)
{
    subscribe((struct event_cursor){0});
    uint64_t epoch = take_welcome().cursor.epoch;
    feed_unsubscribe(subscriber);
    subscriber = NULL;
    for (uint16_t i = 1; i <= EVENT_RING_COUNT_MAX + 10; i++)
        publish(i);
    const struct event_cursor cursors[] = {{epoch, 5},
                                           {epoch, EVENT_RING_COUNT_MAX + 11},
                                           {epoch, UINT64_MAX},
                                           {epoch + 2, EVENT_RING_COUNT_MAX},
                                           {0, EVENT_RING_COUNT_MAX}};
    for (size_t i = 0; i < sizeof(cursors) / sizeof(cursors[0]); i++) {
        subscribe(cursors[i]);
        assert_false(take_welcome().resumed);
        expect_event(EVENT_RING_COUNT_MAX + 10, 0);
        feed_unsubscribe(subscriber);
        subscriber = NULL;
    }
    subscribe((struct event_cursor){epoch, EVENT_RING_COUNT_MAX + 10});
    assert_true(take_welcome().resumed);
}

static void a_reader_that_falls_behind_the_ring_gets_a_snapshot_and_nobody_waits(void **state)
{
    subscribe((struct event_cursor){0});
    take_welcome();
    expect_event(0, 0);
    const uint32_t COUNT = 60000;
    for (uint32_t i = 1; i <= COUNT; i++) {
        publish((uint16_t)(i % 60000 + 1));
        if (i % 500 == 0)
            uv_run(&uv, UV_RUN_NOWAIT);
    }
    assert_int_equal(ends, 0);
    uint64_t expected = 1;
    bool jumped = false;
    while (expected <= COUNT) {
        struct message message;
        take(&message);
        if (message.body.ports.snapshot) {
            assert_true(message.id >= expected);
            jumped = true;
        } else {
            assert_int_equal(message.id, expected);
        }
        expected = message.id + 1;
        message_finish(&message);
    }
    assert_true(jumped);
    assert_true(snapshots <= 3);
    publish(7);
    expect_event(COUNT + 1, 7);
}

static void a_reader_that_speaks_or_leaves_is_ended_once(void **state)
{
    for (int i = 0; i < 3; i++) {
        ends = 0;
        leave_at_end = i == 1;
        subscribe((struct event_cursor){0});
        if (i < 2)
            peer_write_frame(&reader, FRAME_MESSAGE, "hi", 2);
        peer_hang_up(&reader);
        RUN_UNTIL(ends == 1);
        publish(80);
        assert_true(wakeups_within(20) < 10);
        assert_int_equal(ends, 1);
        feed_unsubscribe(subscriber);
        subscriber = NULL;
    }
}

/* A stream that takes nothing, for a reason that does not pass. */
static int refuse_status;
static bool stream_closed;
static size_t sends_left;

static int refusing_send(struct stream *stream, enum frame_type type, struct span payload)
{
    return sends_left > 0 && sends_left-- > 0 ? 0 : refuse_status;
}

static void refusing_close(struct stream *stream)
{
    stream_closed = true;
}

static const struct stream_ops REFUSING = {.send = refusing_send, .close = refusing_close};

static void what_can_never_be_sent_ends_the_reader_instead_of_stalling_it(void **state)
{
    static struct stream stream = {.ops = &REFUSING}, full = {.ops = &REFUSING}, refused = {.ops = &REFUSING};
    refuse_status = STATUS_INVALID;
    stream_closed = false;
    sends_left = 2; /* WELCOME and the snapshot */
    leave_at_end = true;
    assert_int_equal(
        feed_subscribe(feed, &stream, (struct event_cursor){0}, &agent_welcome, on_end, NULL, &subscriber),
        0);
    publish(80);
    assert_int_equal(ends, 1);
    assert_true(stream_closed);
    refuse_status = UV_ENOBUFS; /* this one passes */
    sends_left = 1;
    assert_int_equal(
        feed_subscribe(feed, &full, (struct event_cursor){0}, &agent_welcome, on_end, NULL, &subscriber), 0);
    publish(81);
    assert_int_equal(ends, 1);
    sends_left = 0;
    struct subscriber *none = NULL;
    assert_true(
        feed_subscribe(feed, &refused, (struct event_cursor){0}, &agent_welcome, on_end, NULL, &none) < 0);
    assert_null(none);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_reader_without_a_cursor_gets_a_snapshot_and_what_follows),
        TEST(offers_come_before_the_ports_of_a_snapshot_and_are_numbered_like_them),
        TEST(a_reader_resumes_where_it_was),
        TEST(cursors_that_the_ring_does_not_reach_get_a_snapshot),
        TEST(a_reader_that_falls_behind_the_ring_gets_a_snapshot_and_nobody_waits),
        TEST(a_reader_that_speaks_or_leaves_is_ended_once),
        TEST(what_can_never_be_sent_ends_the_reader_instead_of_stalling_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
