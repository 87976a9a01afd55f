/* SPDX-License-Identifier: MIT */
/* Bytes that go from a pipe into a stream without being copied. */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "protocol/link/stream_fd.h"
#include "tests/unit/link/link_fixture.h"

#define AMOUNT (256u * 1024)

static struct peer peer;
static struct probe probe;
static int pipe_fds[2], stream_socket;
static uint8_t pattern[AMOUNT];

static int setup(void **state)
{
    link_fixture_setup(state);
    int fds[2];
    socket_pair(fds);
    peer_init(&peer, fds[0]);
    stream_socket = fds[1];
    struct stream_fd_options options = {.splice = true};
    struct stream *stream;
    assert_int_equal(stream_fd_create(&loop, fds[1], &options, &stream), 0);
    probe_init(&probe, stream);
    fill_pattern(pattern, sizeof(pattern), 9);
    assert_int_equal(pipe2(pipe_fds, O_NONBLOCK | O_CLOEXEC), 0);
    assert_true(fcntl(pipe_fds[1], F_SETPIPE_SZ, AMOUNT) >= (int)AMOUNT);
    return 0;
}

static int teardown(void **state)
{
    probe_finish(&probe);
    peer_finish(&peer);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    return link_fixture_teardown(state);
}

/* Moves as much as goes; returns what is left. */
static size_t splice_on(size_t left)
{
    while (left > 0) {
        ssize_t moved = stream_splice_from(probe.stream, pipe_fds[0], left);
        if (moved == UV_EAGAIN)
            break;
        assert_true(moved > 0);
        left -= (size_t)moved;
    }
    return left;
}

static void a_pipes_bytes_arrive_as_one_frame_between_others(void **state)
{
    assert_true(stream_can_splice(probe.stream));
    assert_int_equal(stream_send(probe.stream, FRAME_MESSAGE, span_of_text("before")), 0);
    assert_int_equal(write(pipe_fds[1], pattern, AMOUNT), AMOUNT);
    size_t left = splice_on(AMOUNT);
    struct frame_header header;
    struct buffer payload;
    RUN_UNTIL(peer_take_frame(&peer, &header, &payload));
    assert_int_equal(header.type, FRAME_MESSAGE);
    buffer_finish(&payload);
    while (left > 0) { /* the socket was full: on_writable comes when it has room */
        size_t writable = probe.writable;
        RUN_UNTIL((peer_read(&peer), probe.writable > writable));
        left = splice_on(left);
    }
    assert_int_equal(stream_send(probe.stream, FRAME_FIN, span_of(NULL, 0)), 0);
    RUN_UNTIL(peer_take_frame(&peer, &header, &payload));
    assert_int_equal(header.type, FRAME_DATA);
    assert_true(span_equals(buffer_span(&payload), span_of(pattern, AMOUNT)));
    buffer_finish(&payload);
    RUN_UNTIL(peer_take_frame(&peer, &header, &payload));
    assert_int_equal(header.type, FRAME_FIN);
    buffer_finish(&payload);
}

static void a_stalled_splice_waits_quietly(void **state)
{
    assert_int_equal(write(pipe_fds[1], pattern, AMOUNT), AMOUNT);
    size_t left = splice_on(AMOUNT);
    for (int i = 0; i < 16 && left == 0; i++) { /* until the socket is full */
        assert_int_equal(write(pipe_fds[1], pattern, AMOUNT), AMOUNT);
        left = splice_on(AMOUNT);
    }
    assert_true(left > 0);
    assert_true(wakeups_within(50) < 10);
    assert_int_equal(probe.writable, 0);
}

/* The frame that was begun can't be completed, and whatever follows would be taken for a part of it. */
static void an_abort_within_a_spliced_frame_cuts_it_off(void **state)
{
    int small = 8192;
    setsockopt(stream_socket, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    assert_int_equal(write(pipe_fds[1], pattern, AMOUNT), AMOUNT);
    size_t left = splice_on(AMOUNT);
    assert_in_range(left, 1, AMOUNT - 1);
    struct stream *stream = probe.stream;
    probe.stream = NULL;
    stream_abort(stream, UV_ECONNRESET, "");
    RUN_UNTIL((peer_read(&peer), peer.eof || peer.error != 0));
    struct frame_header header;
    struct buffer payload;
    while (peer_take_frame(&peer, &header, &payload)) {
        assert_int_equal(header.type, FRAME_DATA);
        assert_true(span_equals(buffer_span(&payload), span_of(pattern, AMOUNT)));
        buffer_finish(&payload);
    }
    assert_true(buffer_size(&peer.in) > FRAME_HEADER_SIZE);
    assert_int_equal(buffer_size(&peer.in), FRAME_HEADER_SIZE + AMOUNT - left);
}

static void a_reader_that_left_is_told(void **state)
{
    peer_hang_up(&peer);
    assert_int_equal(write(pipe_fds[1], pattern, AMOUNT), AMOUNT);
    assert_true(stream_splice_from(probe.stream, pipe_fds[0], AMOUNT) < 0);
    RUN_UNTIL(probe.ends == 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pipes_bytes_arrive_as_one_frame_between_others),
        TEST(a_stalled_splice_waits_quietly),
        TEST(an_abort_within_a_spliced_frame_cuts_it_off),
        TEST(a_reader_that_left_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
