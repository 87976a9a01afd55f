/* SPDX-License-Identifier: MIT */
/* One socket as a stream: splits, bounds, pauses, ends, and closing from every callback. */
#include "protocol/link/stream_fd.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "tests/unit/link/link_fixture.h"

static struct peer peer;
static struct probe probe;

static int setup(void **state)
{
    link_fixture_setup(state);
    int fds[2];
    socket_pair(fds);
    peer_init(&peer, fds[0]);
    struct stream_fd_options options = {0};
    struct stream *stream;
    assert_int_equal(stream_fd_create(&loop, fds[1], &options, &stream), 0);
    probe_init(&probe, stream);
    return 0;
}

static int teardown(void **state)
{
    probe_finish(&probe);
    peer_finish(&peer);
    return link_fixture_teardown(state);
}

static void renew(void)
{
    void *state = NULL;
    teardown(&state);
    setup(&state);
}

static void frames_come_whole_in_any_split(void **state)
{
    uint8_t bytes[256];
    size_t size = frame_put(bytes, FRAME_MESSAGE, "message", 7);
    size += frame_put(bytes + size, FRAME_DATA, "hello, ", 7);
    size += frame_put(bytes + size, FRAME_DATA, NULL, 0);
    size += frame_put(bytes + size, FRAME_DATAGRAM, NULL, 0);
    size += frame_put(bytes + size, FRAME_DATA, "world", 5);
    size += frame_put(bytes + size, FRAME_FIN, NULL, 0);
    for (size_t cut = 0; cut <= size; cut++) {
        peer_write(&peer, bytes, cut);
        uv_run(&uv, UV_RUN_NOWAIT);
        peer_write(&peer, bytes + cut, size - cut);
        RUN_UNTIL(probe.frames == 3);
        assert_int_equal(probe.types[0], FRAME_MESSAGE);
        assert_int_equal(probe.types[1], FRAME_DATAGRAM);
        assert_int_equal(probe.types[2], FRAME_FIN);
        assert_true(span_equals(buffer_span(&probe.data), span_of_text("hello, world")));
        assert_int_equal(probe.ends, 0);
        renew();
    }
    for (size_t i = 0; i < size; i++) {
        peer_write(&peer, bytes + i, 1);
        uv_run(&uv, UV_RUN_NOWAIT);
    }
    RUN_UNTIL(probe.frames == 3);
    assert_true(span_equals(buffer_span(&probe.data), span_of_text("hello, world")));
}

static void what_is_sent_arrives_in_order(void **state)
{
    uint8_t area[FRAME_HEADER_SIZE + 5];
    assert_int_equal(stream_send(probe.stream, FRAME_MESSAGE, span_of_text("one")), 0);
    assert_true(stream_write_room(probe.stream) >= 5);
    memcpy(area + FRAME_HEADER_SIZE, "bytes", 5);
    assert_int_equal(stream_write(probe.stream, area, 5), 0);
    assert_int_equal(stream_send(probe.stream, FRAME_FIN, span_of(NULL, 0)), 0);
    static const enum frame_type TYPES[] = {FRAME_MESSAGE, FRAME_DATA, FRAME_FIN};
    static const char *const PAYLOADS[] = {"one", "bytes", ""};
    for (size_t i = 0; i < 3; i++) {
        struct frame_header header;
        struct buffer payload;
        RUN_UNTIL(peer_take_frame(&peer, &header, &payload));
        assert_int_equal(header.type, TYPES[i]);
        assert_int_equal(header.channel, 0);
        assert_true(span_equals(buffer_span(&payload), span_of_text(PAYLOADS[i])));
        buffer_finish(&payload);
    }
}

static void a_peer_that_never_reads_bounds_the_queue(void **state)
{
    int socket_buffer = 0;
    socklen_t size = sizeof(socket_buffer);
    getsockopt(peer.fd, SOL_SOCKET, SO_SNDBUF, &socket_buffer, &size);
    size_t accepted = probe_send_until_full(&probe, 64 * 1024);
    assert_true(accepted >= FRAME_MESSAGE_MAX);
    assert_true(accepted <= STREAM_QUEUE_MAX + (size_t)socket_buffer);
    assert_int_equal(stream_write_room(probe.stream), 0);
    assert_int_equal(stream_send(probe.stream, FRAME_MESSAGE, span_of(NULL, 0)),
                     0); /* small ones still fit */
    assert_int_equal(stream_send(probe.stream, FRAME_FIN, span_of(NULL, 0)), 0);
    assert_true(wakeups_within(100) < 10);
    assert_int_equal(probe.writable, 0);
    /* once it reads all of it comes, unharmed */
    size_t arrived = 0;
    for (struct frame_header header = {0}; header.type != FRAME_FIN;) {
        struct buffer payload;
        RUN_UNTIL(peer_take_frame(&peer, &header, &payload));
        for (size_t i = 1; i < buffer_size(&payload); i++)
            assert_int_equal(buffer_span(&payload).data[i], buffer_span(&payload).data[0]);
        arrived += buffer_size(&payload);
        buffer_finish(&payload);
    }
    assert_int_equal(arrived, accepted);
    RUN_UNTIL(probe.writable == 1);
    assert_true(stream_write_room(probe.stream) > 0);
}

static void closing_still_sends_what_goes_at_once(void **state)
{
    size_t accepted = probe_send_until_full(&probe, 1000);
    struct buffer all;
    buffer_init(&all, SIZE_MAX / 2);
    peer_read(&peer);
    probe_close(&probe);
    RUN_UNTIL((peer_read(&peer), peer.eof || peer.error != 0));
    assert_true(buffer_size(&peer.in) > accepted / 2);
}

static void a_paused_stream_holds_little_and_goes_on_in_order(void **state)
{
    static uint8_t pattern[3 * 1024 * 1024];
    fill_pattern(pattern, sizeof(pattern), 1);
    probe.take = 3;
    uint8_t head[FRAME_HEADER_SIZE];
    size_t sent = 0, frame = 700 * 1000;
    for (ssize_t size = 0; sent < sizeof(pattern); sent += (size_t)size) {
        if (sent == 0) {
            frame_header_encode(&(struct frame_header){.length = (uint32_t)frame, .type = FRAME_DATA}, head);
            peer_write(&peer, head, sizeof(head));
        }
        size = write(peer.fd, pattern + sent, frame - sent);
        uv_run(&uv, UV_RUN_NOWAIT);
        if (size <= 0)
            break;
    }
    assert_in_range(sent, 1, 600 * 1000); /* its socket is full: nothing more is read */
    assert_int_equal(buffer_size(&probe.data), 3);
    assert_true(wakeups_within(100) < 10);
    probe.take = 5;
    stream_resume(probe.stream);
    assert_int_equal(buffer_size(&probe.data), 8);
    probe.take = SIZE_MAX;
    stream_resume(probe.stream);
    peer_write(&peer, pattern + sent, frame - sent);
    peer_write_frame(&peer, FRAME_FIN, NULL, 0);
    RUN_UNTIL(probe.frames == 1);
    assert_true(span_equals(buffer_span(&probe.data), span_of(pattern, frame)));
}

static void frames_behind_held_data_wait_for_it(void **state)
{
    uint8_t bytes[128];
    size_t size = frame_put(bytes, FRAME_DATA, "abcdef", 6);
    size += frame_put(bytes + size, FRAME_MESSAGE, "m", 1);
    size += frame_put(bytes + size, FRAME_DATA, "gh", 2);
    size += frame_put(bytes + size, FRAME_FIN, NULL, 0);
    probe.take = 0;
    peer_write(&peer, bytes, size);
    uv_run(&uv, UV_RUN_NOWAIT);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(probe.frames, 0);
        probe.take = 1;
        stream_resume(probe.stream);
        stream_resume(probe.stream); /* once more does no harm */
    }
    probe.take = SIZE_MAX;
    stream_resume(probe.stream);
    assert_int_equal(probe.frames, 2);
    assert_int_equal(probe.types[1], FRAME_FIN);
    assert_true(span_equals(buffer_span(&probe.data), span_of_text("abcdefgh")));
}

static void an_end_between_frames_is_clean_and_within_one_is_told(void **state)
{
    uint8_t bytes[64];
    size_t size = frame_put(bytes, FRAME_MESSAGE, "abc", 3);
    for (size_t cut = 0; cut <= size; cut++) {
        peer_write(&peer, bytes, cut);
        peer_hang_up(&peer);
        RUN_UNTIL(probe.ends == 1);
        assert_int_equal(probe.end_status, UV_EOF);
        bool clean = cut == 0 || cut == size;
        assert_string_equal(probe.end_text, clean ? "" : "the connection was cut within a frame");
        assert_true(wakeups_within(5) < 10); /* ended and not yet closed: it does not spin */
        assert_int_equal(probe.ends, 1);
        renew();
    }
}

static void headers_that_break_the_rules_end_the_stream(void **state)
{
    static const struct {
        uint8_t head[FRAME_HEADER_SIZE];
        int status;
    } BAD[] = {
        {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, STATUS_MALFORMED},    /* type 0 */
        {{0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0}, STATUS_MALFORMED},    /* type 7 */
        {{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0}, STATUS_MALFORMED},    /* flags */
        {{0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1}, STATUS_MALFORMED},    /* zero */
        {{0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0}, STATUS_MALFORMED},    /* a channel */
        {{0, 0, 0, 1, 0, 0, 0, 0, 4, 0, 0, 0}, STATUS_TOO_LARGE},    /* FIN with a payload */
        {{0, 0, 0, 3, 0, 0, 0, 0, 5, 0, 0, 0}, STATUS_MALFORMED},    /* RST too short */
        {{0, 0x04, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0}, STATUS_TOO_LARGE}, /* MESSAGE */
        {{0, 0x10, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0}, STATUS_TOO_LARGE}, /* DATA */
        {{0, 1, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0}, STATUS_TOO_LARGE},    /* DATAGRAM */
        {{0, 0, 1, 4, 0, 0, 0, 0, 5, 0, 0, 0}, STATUS_TOO_LARGE},    /* RST */
        {{255, 255, 255, 255, 0, 0, 0, 0, 1, 0, 0, 0}, STATUS_TOO_LARGE},
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        peer_write_frame(&peer, FRAME_MESSAGE, "ok", 2);
        peer_write(&peer, BAD[i].head, FRAME_HEADER_SIZE);
        RUN_UNTIL(probe.ends == 1);
        assert_int_equal(probe.frames, 1);
        assert_int_equal(probe.end_status, BAD[i].status);
        renew();
    }
    static const uint8_t CREDIT[] = {0, 0, 0, 4, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 1};
    peer_write(&peer, CREDIT, sizeof(CREDIT));
    RUN_UNTIL(probe.ends == 1);
    assert_int_equal(probe.end_status, STATUS_MALFORMED);
}

static void data_on_a_stream_without_data_ends_it(void **state)
{
    stream_set_handler(probe.stream, &PROBE_HANDLER_WITHOUT_DATA, &probe);
    peer_write_frame(&peer, FRAME_DATA, NULL, 0); /* means nothing */
    peer_write_frame(&peer, FRAME_DATA, "x", 1);
    peer_write_frame(&peer, FRAME_MESSAGE, "x", 1);
    RUN_UNTIL(probe.ends == 1);
    assert_int_equal(probe.end_status, STATUS_UNEXPECTED);
    assert_int_equal(probe.frames, 0);
}

static void a_stream_may_be_closed_from_every_callback(void **state)
{
    uint8_t bytes[256];
    size_t size = frame_put(bytes, FRAME_MESSAGE, "message", 7);
    size += frame_put(bytes + size, FRAME_DATA, "data", 4);
    size += frame_put(bytes + size, FRAME_MESSAGE, "message", 7);
    static const enum probe_moment MOMENTS[] = {AT_FRAME, AT_DATA, AT_END};
    for (size_t i = 0; i < 3; i++) {
        for (size_t cut = 1; cut <= size; cut += 3) { /* gathered frames and frames in one piece */
            probe.close_at = MOMENTS[i];
            peer_write(&peer, bytes, cut);
            uv_run(&uv, UV_RUN_NOWAIT);
            if (probe.stream != NULL)
                peer_write(&peer, bytes + cut, size - cut);
            peer_hang_up(&peer);
            RUN_UNTIL(probe.stream == NULL);
            renew();
        }
    }
    probe.close_at = AT_WRITABLE;
    probe_send_until_full(&probe, 100 * 1000);
    RUN_UNTIL((peer_read(&peer), probe.stream == NULL));
    renew();
    probe.take = 0; /* while it is fed what was held */
    peer_write(&peer, bytes, size);
    uv_run(&uv, UV_RUN_NOWAIT);
    probe.take = 2;
    probe.close_at = AT_DATA;
    stream_resume(probe.stream);
    assert_null(probe.stream);
}

static void a_reset_is_told_after_the_data_before_it(void **state)
{
    peer_write_frame(&peer, FRAME_MESSAGE, "last words", 10);
    assert_int_equal(stream_send(probe.stream, FRAME_MESSAGE, span_of_text("never read")), 0);
    peer_hang_up(&peer); /* with bytes unread: a reset */
    RUN_UNTIL(probe.ends == 1);
    assert_int_equal(probe.frames, 1);
    assert_true(probe.end_status == UV_ECONNRESET || probe.end_status == UV_EOF);
}

static void sending_to_a_peer_that_left_is_swallowed_and_the_end_still_told(void **state)
{
    probe.take = 0;
    peer_write_frame(&peer, FRAME_DATA, "held", 4);
    uv_run(&uv, UV_RUN_NOWAIT);
    peer_hang_up(&peer);
    for (int i = 0; i < 100; i++)
        assert_int_equal(stream_send(probe.stream, FRAME_MESSAGE, span_of_text("hello?")), 0);
    assert_true(stream_write_room(probe.stream) > 0);
    uint8_t area[FRAME_HEADER_SIZE + 1] = {0};
    assert_int_equal(stream_write(probe.stream, area, 1), 0);
    assert_true(wakeups_within(50) < 10); /* paused, hung up and unwritable: it does not spin */
    assert_int_equal(probe.ends, 0);
    probe.take = SIZE_MAX;
    stream_resume(probe.stream);
    RUN_UNTIL(probe.ends == 1);
    assert_true(span_equals(buffer_span(&probe.data), span_of_text("held")));
}

static void a_queue_whose_reader_left_is_writable_or_ended(void **state)
{
    probe_send_until_full(&probe, 100 * 1000);
    peer_hang_up(&peer);
    RUN_UNTIL(probe.ends == 1);
    assert_true(wakeups_within(50) < 10);
}

static void an_idle_stream_does_not_wake_the_loop(void **state)
{
    assert_true(wakeups_within(100) < 5);
    peer_write_frame(&peer, FRAME_MESSAGE, "x", 1);
    RUN_UNTIL(probe.frames == 1);
    assert_true(wakeups_within(100) < 5);
}

static void an_abort_says_why(void **state)
{
    struct stream *stream = probe.stream;
    probe.stream = NULL;
    stream_abort(stream, STATUS_NOT_ALLOWED, "port 22 is closed to you");
    struct frame_header header;
    struct buffer payload;
    RUN_UNTIL(peer_take_frame(&peer, &header, &payload));
    int status;
    char text[TEXT_REASON_MAX + 1];
    assert_int_equal(header.type, FRAME_RST);
    assert_int_equal(frame_rst_decode(buffer_span(&payload), &status, text), 0);
    assert_int_equal(status, STATUS_NOT_ALLOWED);
    assert_string_equal(text, "port 22 is closed to you");
    buffer_finish(&payload);
    RUN_UNTIL((peer_read(&peer), peer.eof));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(frames_come_whole_in_any_split),
        TEST(what_is_sent_arrives_in_order),
        TEST(a_peer_that_never_reads_bounds_the_queue),
        TEST(closing_still_sends_what_goes_at_once),
        TEST(a_paused_stream_holds_little_and_goes_on_in_order),
        TEST(frames_behind_held_data_wait_for_it),
        TEST(an_end_between_frames_is_clean_and_within_one_is_told),
        TEST(headers_that_break_the_rules_end_the_stream),
        TEST(data_on_a_stream_without_data_ends_it),
        TEST(a_stream_may_be_closed_from_every_callback),
        TEST(a_reset_is_told_after_the_data_before_it),
        TEST(sending_to_a_peer_that_left_is_swallowed_and_the_end_still_told),
        TEST(a_queue_whose_reader_left_is_writable_or_ended),
        TEST(an_idle_stream_does_not_wake_the_loop),
        TEST(an_abort_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
