/* SPDX-License-Identifier: MIT */
/* The agent's end of a control session. */
#include "protocol/link/served_session.h"

#include <string.h>

#include "protocol/base/status.h"
#include "protocol/link/stream_fd.h"
#include "tests/unit/link/sealed_peer.h"

static struct served_session *session;
static struct session_keys keys;
static enum aead_cipher cipher; /* 0: plain */
static struct feed *feed;
static struct peer bridge, events;
static size_t requests, heartbeats, ends;
static int end_status;

static void on_request(void *ctx, struct stream *control, const struct message *request)
{
    requests++;
    struct message error = {.kind = MESSAGE_ERROR, .id = request->id};
    error.body.failure.status = STATUS_NOT_ALLOWED;
    assert_int_equal(stream_send_message(control, &error), 0);
}

static void on_heartbeat(void *ctx, struct served_session *which)
{
    assert_ptr_equal(which, session);
    heartbeats++;
}

static void on_end(void *ctx, struct served_session *which, int status, const char *text)
{
    assert_ptr_equal(which, session);
    ends++;
    end_status = status;
    session = NULL;
    served_session_close(which);
}

static const struct served_session_handler HANDLER = {
    .on_request = on_request, .on_heartbeat = on_heartbeat, .on_end = on_end};

static void snapshot(void *ctx, void (*emit)(void *emit_ctx, const struct ports_message *part),
                     void *emit_ctx)
{
    struct ports_message part = {.snapshot = true};
    emit(emit_ctx, &part);
}

static struct stream *connect_peer(struct peer *peer)
{
    int fds[2];
    socket_pair(fds);
    peer_init(peer, fds[0]);
    struct stream_fd_options options = {0};
    struct stream *stream;
    assert_int_equal(stream_fd_create(&loop, fds[1], &options, &stream), 0);
    return stream;
}

static bool take(struct peer *peer, struct message *ret)
{
    struct frame_header header;
    struct buffer payload;
    struct message_head head;
    if (!peer_take_frame(peer, &header, &payload))
        return false;
    assert_int_equal(header.type, FRAME_MESSAGE);
    assert_int_equal(message_decode(buffer_span(&payload), ret, &head), 0);
    buffer_finish(&payload);
    return true;
}

static int setup(void **state)
{
    link_fixture_setup(state);
    requests = heartbeats = ends = 0;
    events = (struct peer){.fd = -1};
    feed = feed_create(snapshot, NULL);
    keys = sample_keys(cipher);
    struct welcome_message welcome = {.version = 1};
    assert_int_equal(
        served_session_create(&loop, connect_peer(&bridge), &keys, &welcome, &HANDLER, NULL, &session), 0);
    assert_ptr_not_equal(served_session_keys(session), &keys);
    assert_memory_equal(served_session_keys(session)->master, keys.master, sizeof(keys.master));
    struct message message;
    RUN_UNTIL(take(&bridge, &message));
    assert_int_equal(message.kind, MESSAGE_WELCOME);
    assert_memory_equal(&message.body.welcome.session, served_session_id(session), SESSION_ID_SIZE);
    return 0;
}

static int teardown(void **state)
{
    if (session != NULL)
        served_session_close(session);
    feed_destroy(feed);
    peer_finish(&bridge);
    peer_finish(&events);
    return link_fixture_teardown(state);
}

static void say(enum message_kind kind, uint64_t id)
{
    struct message message = {.kind = kind, .id = id};
    struct buffer payload;
    buffer_init(&payload, 1000);
    assert_int_equal(message_encode(&message, &payload), 0);
    peer_write_frame(&bridge, FRAME_MESSAGE, buffer_span(&payload).data, buffer_size(&payload));
    buffer_finish(&payload);
}

static void expect(enum message_kind kind, uint64_t id, int status)
{
    struct message message;
    RUN_UNTIL(take(&bridge, &message));
    assert_int_equal(message.kind, kind);
    assert_int_equal(message.id, id);
    if (kind == MESSAGE_ERROR)
        assert_int_equal(message.body.failure.status, status);
    message_finish(&message);
}

static void heartbeats_requests_and_unknown_kinds_are_answered_in_order(void **state)
{
    say(MESSAGE_PING, 41);
    say(MESSAGE_HEALTH_REQUEST, 42);
    peer_write_frame(&bridge, FRAME_MESSAGE, "\x93\xcd\x10\x00\x2b\x80", 6); /* [4096, 43, {}] */
    say(MESSAGE_PING, 44);
    expect(MESSAGE_PONG, 41, 0);
    expect(MESSAGE_ERROR, 42, STATUS_NOT_ALLOWED);
    expect(MESSAGE_ERROR, 43, STATUS_NOT_SUPPORTED);
    expect(MESSAGE_PONG, 44, 0);
    assert_int_equal(heartbeats, 2);
    assert_int_equal(requests, 1);
}

static void a_flood_of_heartbeats_from_a_bridge_that_does_not_read_is_bounded(void **state)
{
    for (uint64_t i = 1; i <= 100000; i++)
        say(MESSAGE_PING, i);
    RUN_UNTIL(heartbeats == 100000);
    assert_int_equal(ends, 0);
    peer_read(&bridge);
    assert_true(buffer_size(&bridge.in) > 0);
}

static void it_ends_with_its_connection_or_what_breaks_the_rules(void **state)
{
    static const struct {
        enum frame_type type;
        const char *payload;
        size_t size;
        int status;
    } LAST[] = {{FRAME_MESSAGE, "junk", 4, STATUS_MALFORMED},
                {FRAME_DATAGRAM, "x", 1, STATUS_UNEXPECTED},
                {FRAME_DATA, "x", 1, STATUS_UNEXPECTED},
                {FRAME_FIN, NULL, 0, UV_EOF},
                {FRAME_RST, "\xff\xff\xd8\xe0", 4, UV_EOF}};
    for (size_t i = 0; i < sizeof(LAST) / sizeof(LAST[0]); i++) {
        peer_write_frame(&bridge, LAST[i].type, LAST[i].payload, LAST[i].size);
        RUN_UNTIL(ends == 1);
        assert_int_equal(end_status, LAST[i].status);
        void *again = NULL;
        teardown(&again);
        setup(&again);
    }
    peer_hang_up(&bridge);
    RUN_UNTIL(ends == 1);
    assert_int_equal(end_status, UV_EOF);
}

static void its_events_end_with_it_and_it_with_its_events(void **state)
{
    struct welcome_message welcome = {.version = 2}; /* what the agent speaks at best; in force is 1 */
    assert_int_equal(
        served_session_subscribe(session, feed, connect_peer(&events), (struct event_cursor){0}, &welcome),
        0);
    struct message message;
    RUN_UNTIL(take(&events, &message));
    assert_memory_equal(&message.body.welcome.session, served_session_id(session), SESSION_ID_SIZE);
    assert_int_equal(message.body.welcome.version, 1);
    struct peer first = events; /* a second feed takes the place of the first */
    assert_int_equal(
        served_session_subscribe(session, feed, connect_peer(&events), (struct event_cursor){0}, &welcome),
        0);
    RUN_UNTIL((peer_read(&first), first.eof));
    assert_int_equal(ends, 0);
    peer_finish(&first);
    peer_hang_up(&events);
    RUN_UNTIL(ends == 1);
    RUN_UNTIL((peer_read(&bridge), bridge.eof));
}

/* ---- further connections ---- */

static struct join_message make_join(uint64_t number)
{
    struct join_message join = {.session = *served_session_id(session), .connection = number};
    session_keys_prove(&keys, &join.session, number, join.proof);
    return join;
}

/* Joins with a stream that goes at once; tells whether it was let in. */
static int try_join(const struct join_message *join)
{
    struct peer peer;
    struct stream *stream = connect_peer(&peer), *joined = NULL;
    int status = served_session_join(session, join, stream, &joined);
    if (status < 0)
        assert_null(joined);
    stream_close(status < 0 ? stream : joined);
    peer_finish(&peer);
    return status;
}

static void a_proof_is_good_once(void **state)
{
    struct join_message first = make_join(1), second = make_join(2);
    assert_int_equal(try_join(&second), 0); /* in any order */
    assert_int_equal(try_join(&first), 0);
    assert_int_equal(try_join(&first), STATUS_AUTHENTICATION_FAILED);
    assert_int_equal(try_join(&second), STATUS_AUTHENTICATION_FAILED);
    struct join_message far = make_join(CONNECTION_WINDOW + 2), old = make_join(2), edge = make_join(3);
    assert_int_equal(try_join(&far), 0);
    assert_int_equal(try_join(&old), STATUS_AUTHENTICATION_FAILED);
    assert_int_equal(try_join(&edge), 0);
}

static void a_wrong_proof_is_refused_and_does_not_use_up_the_number(void **state)
{
    struct join_message join = make_join(7);
    for (size_t i = 0; i < PROOF_SIZE; i++) {
        struct join_message wrong = join;
        wrong.proof[i] ^= 1;
        assert_int_equal(try_join(&wrong), STATUS_AUTHENTICATION_FAILED);
    }
    struct join_message moved = join; /* another number with this one's proof */
    moved.connection = 8;
    assert_int_equal(try_join(&moved), STATUS_AUTHENTICATION_FAILED);
    moved.connection = UINT64_MAX;
    assert_int_equal(try_join(&moved), STATUS_AUTHENTICATION_FAILED);
    struct join_message zero = make_join(0);
    assert_int_equal(try_join(&zero), STATUS_AUTHENTICATION_FAILED);
    struct join_message other = make_join(9); /* a proof of another session's keys */
    keys.master[0] ^= 1;
    session_keys_prove(&keys, &other.session, 9, other.proof);
    assert_int_equal(try_join(&other), STATUS_AUTHENTICATION_FAILED);
    assert_int_equal(try_join(&join), 0);
    assert_int_equal(ends, 0); /* none of it touches the session */
}

static void a_connection_of_a_plain_session_stays_as_it_is(void **state)
{
    struct join_message join = make_join(1);
    struct stream *stream = connect_peer(&events), *joined;
    assert_int_equal(served_session_join(session, &join, stream, &joined), 0);
    assert_ptr_equal(joined, stream);
    stream_close(joined);
}

static void a_connection_of_a_sealed_session_is_in_records_of_its_own(void **state)
{
    struct join_message join = make_join(5);
    struct stream *joined;
    struct probe probe;
    struct sealed_peer far;
    assert_int_equal(served_session_join(session, &join, connect_peer(&events), &joined), 0);
    probe_init(&probe, joined);
    sealed_peer_init(&far, &events, &keys, 5, true);
    sealed_peer_write_frame(&far, FRAME_DATA, "sealed", 6);
    RUN_UNTIL(buffer_size(&probe.data) == 6);
    assert_int_equal(stream_send(probe.stream, FRAME_MESSAGE, span_of_text("answer")), 0);
    struct frame_header header;
    struct buffer payload;
    RUN_UNTIL(sealed_peer_take_frame(&far, &header, &payload));
    assert_true(span_equals(buffer_span(&payload), span_of_text("answer")));
    buffer_finish(&payload);
    served_session_close(session); /* the connection has keys of its own */
    session = NULL;
    sealed_peer_write_frame(&far, FRAME_DATA, "!", 1);
    RUN_UNTIL(buffer_size(&probe.data) == 7);
    probe_finish(&probe);
    sealed_peer_finish(&far);
}

static void an_idle_session_does_not_wake_the_loop(void **state)
{
    assert_true(wakeups_within(200) < 5);
}

static int setup_sealed(void **state)
{
    cipher = AEAD_CHACHA20_POLY1305;
    return setup(state);
}

static int teardown_sealed(void **state)
{
    cipher = 0;
    return teardown(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(heartbeats_requests_and_unknown_kinds_are_answered_in_order),
        TEST(a_flood_of_heartbeats_from_a_bridge_that_does_not_read_is_bounded),
        TEST(it_ends_with_its_connection_or_what_breaks_the_rules),
        TEST(its_events_end_with_it_and_it_with_its_events),
        TEST(a_proof_is_good_once),
        TEST(a_wrong_proof_is_refused_and_does_not_use_up_the_number),
        TEST(a_connection_of_a_plain_session_stays_as_it_is),
        cmocka_unit_test_setup_teardown(a_connection_of_a_sealed_session_is_in_records_of_its_own,
                                        setup_sealed, teardown_sealed),
        TEST(an_idle_session_does_not_wake_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
