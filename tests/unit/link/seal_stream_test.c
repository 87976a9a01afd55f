/* SPDX-License-Identifier: MIT */
/* A sealed stream over a socket: what goes in comes out, in order and within bounds. */
#include <string.h>
#include <sys/socket.h>

#include "protocol/base/status.h"
#include "tests/unit/link/seal_fixture.h"

static uint8_t pattern[3 * 1024 * 1024];

/* ---- what goes in comes out ---- */

static size_t put_samples(uint8_t *bytes)
{
    size_t size = frame_put(bytes, FRAME_MESSAGE, "message", 7);
    size += frame_put(bytes + size, FRAME_DATA, "hello, ", 7);
    size += frame_put(bytes + size, FRAME_DATA, NULL, 0);
    size += frame_put(bytes + size, FRAME_DATAGRAM, NULL, 0);
    size += frame_put(bytes + size, FRAME_DATA, "world", 5);
    return size + frame_put(bytes + size, FRAME_FIN, NULL, 0);
}

static void expect_samples(void)
{
    RUN_UNTIL(probe.frames == 3);
    assert_int_equal(probe.types[0], FRAME_MESSAGE);
    assert_int_equal(probe.types[1], FRAME_DATAGRAM);
    assert_int_equal(probe.types[2], FRAME_FIN);
    assert_true(span_equals(buffer_span(&probe.data), span_of_text("hello, world")));
    assert_int_equal(probe.ends, 0);
}

static void frames_come_whole_in_any_split_of_records(void **state)
{
    uint8_t bytes[256];
    size_t size = put_samples(bytes);
    for (size_t cut = 1; cut < size; cut++) {
        sealed_peer_write(&far, bytes, cut);
        uv_run(&uv, UV_RUN_NOWAIT);
        sealed_peer_write(&far, bytes + cut, size - cut);
        expect_samples();
        seal_fixture_renew();
    }
    for (size_t i = 0; i < size; i++)
        sealed_peer_write(&far, bytes + i, 1);
    expect_samples();
}

static void records_come_whole_in_any_split_of_the_bytes(void **state)
{
    uint8_t plain[256], wire[512];
    size_t plain_size = put_samples(plain);
    for (size_t cut = 1; cut < plain_size + 2 * RECORD_OVERHEAD_SIZE; cut++) {
        size_t size = sealed_peer_seal(&far, plain, 20, wire);
        size += sealed_peer_seal(&far, plain + 20, plain_size - 20, wire + size);
        peer_write_frame(&peer, FRAME_DATA, wire, cut);
        uv_run(&uv, UV_RUN_NOWAIT);
        peer_write_frame(&peer, FRAME_DATA, wire + cut, size - cut);
        expect_samples();
        seal_fixture_renew();
    }
    size_t size = sealed_peer_seal(&far, plain, plain_size, wire);
    for (size_t i = 0; i < size; i++) {
        peer_write_frame(&peer, FRAME_DATA, wire + i, 1);
        uv_run(&uv, UV_RUN_NOWAIT);
    }
    expect_samples();
}

static void what_is_sent_arrives_in_order_and_unreadable_on_the_way(void **state)
{
    static const char SECRET[] = "nobody on the way reads this";
    assert_int_equal(stream_send(probe.stream, FRAME_MESSAGE, span_of_text(SECRET)), 0);
    assert_true(stream_write_room(probe.stream) >= sizeof(SECRET));
    assert_int_equal(write_piece(&probe, (const uint8_t *)SECRET, sizeof(SECRET)), 0);
    assert_int_equal(stream_send(probe.stream, FRAME_DATAGRAM, span_of(NULL, 0)), 0);
    assert_int_equal(stream_send(probe.stream, FRAME_FIN, span_of(NULL, 0)), 0);
    RUN_UNTIL(peer_read(&peer) >= 4 * (RECORD_OVERHEAD_SIZE + FRAME_HEADER_SIZE) + 2 * sizeof(SECRET));
    struct span wire = buffer_span(&peer.in);
    assert_null(memmem(wire.data, wire.size, SECRET, 8));
    expect_sealed_frame(FRAME_MESSAGE, span_of_text(SECRET));
    expect_sealed_frame(FRAME_DATA, span_of(SECRET, sizeof(SECRET)));
    expect_sealed_frame(FRAME_DATAGRAM, span_of(NULL, 0));
    assert_false(far.other);
    expect_sealed_frame(FRAME_FIN, span_of(NULL, 0));
    RUN_UNTIL((sealed_peer_read(&far), far.fin));
    assert_int_equal(stream_send(probe.stream, FRAME_MESSAGE, span_of_text("too late")), 0);
    assert_true(wakeups_within(20) < 10);
    assert_int_equal(sealed_peer_read(&far), 0);
}

static void frames_of_every_size_arrive(void **state)
{
    static const size_t SIZES[] = {1,
                                   2,
                                   1011,
                                   1012,
                                   1013,
                                   4096,
                                   RECORD_PLAIN_MAX - FRAME_HEADER_SIZE - 1,
                                   RECORD_PLAIN_MAX - FRAME_HEADER_SIZE,
                                   RECORD_PLAIN_MAX - FRAME_HEADER_SIZE + 1,
                                   RECORD_PLAIN_MAX,
                                   2 * RECORD_PLAIN_MAX - FRAME_HEADER_SIZE,
                                   3 * RECORD_PLAIN_MAX + 1,
                                   SCRATCH_SIZE - 5 * RECORD_OVERHEAD_SIZE - FRAME_HEADER_SIZE,
                                   SCRATCH_SIZE - 4 * RECORD_OVERHEAD_SIZE - FRAME_HEADER_SIZE,
                                   SCRATCH_SIZE - 4 * RECORD_OVERHEAD_SIZE - FRAME_HEADER_SIZE + 1,
                                   SCRATCH_SIZE - 1,
                                   SCRATCH_SIZE};
    assert_int_equal(SCRATCH_SIZE, FRAME_MESSAGE_MAX);
    fill_pattern(pattern, sizeof(pattern), 1);
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
        struct span payload = span_of(pattern + i, SIZES[i]);
        size_t room;
        RUN_UNTIL((room = stream_write_room(probe.stream)) > 0);
        assert_in_range(room, 1, SCRATCH_SIZE);
        if (SIZES[i] <= room) {
            assert_int_equal(write_piece(&probe, payload.data, payload.size), 0);
            expect_sealed_frame(FRAME_DATA, payload);
        }
        assert_int_equal(stream_send(probe.stream, FRAME_MESSAGE, payload), 0);
        expect_sealed_frame(FRAME_MESSAGE, payload);
        if (SIZES[i] <= FRAME_DATAGRAM_MAX) {
            assert_int_equal(stream_send(probe.stream, FRAME_DATAGRAM, payload), 0);
            expect_sealed_frame(FRAME_DATAGRAM, payload);
        }
        size_t frames = probe.frames;
        sealed_peer_write_frame(&far, FRAME_MESSAGE, payload.data, payload.size);
        RUN_UNTIL(probe.frames == frames + 1);
        assert_true(span_equals(buffer_span(&probe.payload), payload));
    }
    sealed_peer_write_frame(&far, FRAME_DATA, pattern, FRAME_DATA_MAX);
    RUN_UNTIL(buffer_size(&probe.data) == FRAME_DATA_MAX);
    assert_true(span_equals(buffer_span(&probe.data), span_of(pattern, FRAME_DATA_MAX)));
}

/* Sends what `from` takes now; returns how much. */
static size_t pump(struct probe *from, size_t done, size_t all, size_t piece)
{
    size_t room, sent = 0;
    while (done + sent < all && (room = stream_write_room(from->stream)) > 0) {
        size_t size = piece < room ? piece : room;
        size = size < all - done - sent ? size : all - done - sent;
        assert_int_equal(write_piece(from, pattern + done + sent, size), 0);
        sent += size;
    }
    return sent;
}

static void megabytes_go_both_ways_at_once(void **state)
{
    int fds[2];
    struct probe a, b;
    socket_pair(fds);
    probe_init(&a, make_sealed_stream(fds[0], true));
    probe_init(&b, make_sealed_stream(fds[1], false));
    fill_pattern(pattern, sizeof(pattern), 2);
    size_t a_sent = 0, b_sent = 0;
    RUN_UNTIL((a_sent += pump(&a, a_sent, sizeof(pattern), 300001),
               b_sent += pump(&b, b_sent, sizeof(pattern), 70007),
               buffer_size(&a.data) == sizeof(pattern) && buffer_size(&b.data) == sizeof(pattern)));
    assert_true(span_equals(buffer_span(&a.data), span_of(pattern, sizeof(pattern))));
    assert_true(span_equals(buffer_span(&b.data), span_of(pattern, sizeof(pattern))));
    assert_true(wakeups_within(50) < 10);
    probe_finish(&a);
    probe_finish(&b);
}

static void keys_change_on_both_sides_at_the_same_record(void **state)
{
    for (size_t i = 0; i < RECORDS_A_KEY + 10; i++) {
        uint8_t byte = (uint8_t)i;
        size_t room;
        RUN_UNTIL((sealed_peer_read(&far), room = stream_write_room(probe.stream)) > 0);
        assert_int_equal(write_piece(&probe, &byte, 1), 0);
        if (i % 64 == 0)
            uv_run(&uv, UV_RUN_NOWAIT);
        sealed_peer_write_frame(&far, FRAME_DATA, &byte, 1);
    }
    RUN_UNTIL(sealed_peer_read(&far) == (RECORDS_A_KEY + 10) * (FRAME_HEADER_SIZE + 1));
    RUN_UNTIL(buffer_size(&probe.data) == RECORDS_A_KEY + 10);
    for (size_t i = 0; i < RECORDS_A_KEY + 10; i++) {
        assert_int_equal(buffer_span(&probe.data).data[i], (uint8_t)i);
        assert_int_equal(buffer_span(&far.plain).data[i * (FRAME_HEADER_SIZE + 1) + FRAME_HEADER_SIZE],
                         (uint8_t)i);
    }
    assert_int_equal(probe.ends, 0);
}

/* ---- bounds ---- */

static void a_peer_that_never_reads_bounds_the_queue(void **state)
{
    int socket_buffer = 0;
    socklen_t size = sizeof(socket_buffer);
    getsockopt(peer.fd, SOL_SOCKET, SO_SNDBUF, &socket_buffer, &size);
    size_t accepted = probe_send_until_full(&probe, 64 * 1024);
    assert_true(accepted >= FRAME_MESSAGE_MAX);
    assert_true(accepted <= 2 * STREAM_QUEUE_MAX + SCRATCH_SIZE + (size_t)socket_buffer);
    assert_int_equal(stream_write_room(probe.stream), 0);
    assert_int_equal(stream_send(probe.stream, FRAME_MESSAGE, span_of(NULL, 0)),
                     0); /* small ones still fit */
    assert_int_equal(stream_send(probe.stream, FRAME_FIN, span_of(NULL, 0)), 0);
    assert_true(wakeups_within(100) < 10);
    assert_int_equal(probe.writable, 0);
    size_t arrived = 0; /* once it reads all of it comes, unharmed */
    for (struct frame_header header = {0}; header.type != FRAME_FIN;) {
        struct buffer payload;
        RUN_UNTIL(sealed_peer_take_frame(&far, &header, &payload));
        for (size_t i = 1; i < buffer_size(&payload); i++)
            assert_int_equal(buffer_span(&payload).data[i], buffer_span(&payload).data[0]);
        arrived += buffer_size(&payload);
        buffer_finish(&payload);
    }
    assert_int_equal(arrived, accepted);
    RUN_UNTIL((sealed_peer_read(&far), far.fin));
    RUN_UNTIL(probe.writable == 1);
}

/* Takes what has come, and goes on writing only when the stream has said that it may. */
static size_t read_and_pump(struct buffer *all, size_t *told, size_t *sent, size_t piece)
{
    struct frame_header header;
    struct buffer payload;
    while (sealed_peer_take_frame(&far, &header, &payload)) {
        assert_int_equal(header.type, FRAME_DATA);
        assert_int_equal(buffer_append(all, buffer_span(&payload).data, buffer_size(&payload)), 0);
        buffer_finish(&payload);
    }
    if (probe.writable > *told) {
        *told = probe.writable;
        *sent += pump(&probe, *sent, sizeof(pattern), piece);
    }
    return buffer_size(all);
}

static void a_blocked_writer_is_told_of_room_and_loses_nothing(void **state)
{
    static const size_t PIECES[] = {1000, 65536, 100001, SCRATCH_SIZE};
    for (size_t i = 0; i < sizeof(PIECES) / sizeof(PIECES[0]); i++) {
        struct buffer all;
        buffer_init(&all, SIZE_MAX / 2);
        fill_pattern(pattern, sizeof(pattern), (uint32_t)i);
        size_t told = 0, sent = pump(&probe, 0, sizeof(pattern), PIECES[i]);
        assert_true(sent < sizeof(pattern));
        assert_true(wakeups_within(20) < 10);
        RUN_UNTIL(read_and_pump(&all, &told, &sent, PIECES[i]) == sizeof(pattern));
        assert_true(span_equals(buffer_span(&all), span_of(pattern, sizeof(pattern))));
        buffer_finish(&all);
        seal_fixture_renew();
    }
}

static void closing_still_sends_what_goes_at_once(void **state)
{
    size_t accepted = probe_send_until_full(&probe, 1000);
    RUN_UNTIL(peer_read(&peer) > accepted / 3);
    probe_close(&probe);
    RUN_UNTIL((peer_read(&peer), peer.eof || peer.error != 0));
    assert_true(buffer_size(&peer.in) > accepted / 3);
}

/* ---- the other cipher ---- */

static int setup_aes(void **state)
{
    cipher = AEAD_AES256_GCM;
    return seal_fixture_setup(state);
}

static int teardown_aes(void **state)
{
    int status = seal_fixture_teardown(state);
    cipher = AEAD_CHACHA20_POLY1305;
    return status;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, seal_fixture_setup, seal_fixture_teardown)
#define TEST_AES(name)                                                                                       \
    {                                                                                                        \
#name " with AES-256-GCM", name, setup_aes, teardown_aes, NULL                                       \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(frames_come_whole_in_any_split_of_records),
        TEST(records_come_whole_in_any_split_of_the_bytes),
        TEST(what_is_sent_arrives_in_order_and_unreadable_on_the_way),
        TEST(frames_of_every_size_arrive),
        TEST(megabytes_go_both_ways_at_once),
        TEST(keys_change_on_both_sides_at_the_same_record),
        TEST(a_peer_that_never_reads_bounds_the_queue),
        TEST(a_blocked_writer_is_told_of_room_and_loses_nothing),
        TEST(closing_still_sends_what_goes_at_once),
    };
    const struct CMUnitTest aes_tests[] = {
        TEST_AES(records_come_whole_in_any_split_of_the_bytes),
        TEST_AES(frames_of_every_size_arrive),
        TEST_AES(megabytes_go_both_ways_at_once),
        TEST_AES(keys_change_on_both_sides_at_the_same_record),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if ((aead_ciphers() & AEAD_AES256_GCM) != 0)
        failed += cmocka_run_group_tests(aes_tests, NULL, NULL);
    return failed;
}
