/* SPDX-License-Identifier: MIT */
/* A mux over real transports: socket pairs, pipes and terminals. */
#include "protocol/link/mux_link.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "protocol/link/transport_open.h"
#include "tests/unit/link/link_fixture.h"

struct end {
    struct mux_link *link;
    struct probe probes[8]; /* listener: of the streams that came */
    size_t streams;
    unsigned close_at;        /* of the streams that come */
    size_t take;              /* of the streams that come */
    bool closes_with_streams; /* closes the link from on_stream */
    size_t ends;
    int status;
};

static struct end dialer, listener;
static struct peer wire; /* where one side is played by hand */

static void close_end(struct end *end)
{
    struct mux_link *link = end->link;
    end->link = NULL;
    mux_link_close(link);
}

static void on_stream(void *ctx, struct stream *stream)
{
    struct end *end = ctx;
    assert_true(end->streams < 8);
    struct probe *probe = &end->probes[end->streams++];
    probe_init(probe, stream);
    probe->close_at = end->close_at;
    probe->take = end->take;
    if (end->closes_with_streams)
        close_end(end);
}

static void on_end(void *ctx, int status, const char *text)
{
    struct end *end = ctx;
    assert_non_null(end->link);
    end->ends++;
    end->status = status;
    close_end(end);
}

static const struct mux_link_handler HANDLER = {.on_stream = on_stream, .on_end = on_end};

static int setup(void **state)
{
    link_fixture_setup(state);
    dialer = (struct end){0};
    listener = (struct end){.take = SIZE_MAX};
    wire = (struct peer){.fd = -1};
    return 0;
}

static int teardown(void **state)
{
    close_end(&dialer);
    close_end(&listener);
    for (size_t i = 0; i < listener.streams; i++)
        probe_finish(&listener.probes[i]);
    peer_finish(&wire);
    return link_fixture_teardown(state);
}

static void create(struct end *end, enum mux_side side, int in_fd, int out_fd)
{
    struct mux_link_options options = {.side = side};
    assert_int_equal(mux_link_create(&loop, in_fd, out_fd, &options, &HANDLER, end, &end->link), 0);
}

static void create_pair(void)
{
    int fds[2];
    socket_pair(fds);
    create(&dialer, MUX_DIALER, fds[0], fds[0]);
    create(&listener, MUX_LISTENER, fds[1], fds[1]);
}

static void open_stream(struct probe *probe)
{
    struct stream *stream;
    assert_int_equal(mux_link_open(dialer.link, &stream), 0);
    probe_init(probe, stream);
}

static void send_text(struct probe *probe, const char *text)
{
    assert_int_equal(stream_send(probe->stream, FRAME_MESSAGE, span_of_text(text)), 0);
}

static bool has_payload(const struct probe *probe, const char *text)
{
    return probe->frames > 0 && span_equals(buffer_span(&probe->payload), span_of_text(text));
}

static void frames_sent_before_the_sync_arrive_after_it(void **state)
{
    create_pair();
    struct probe a, b;
    open_stream(&a);
    open_stream(&b);
    send_text(&a, "first");
    send_text(&b, "second");
    assert_int_equal(stream_write_room(a.stream), 0);
    assert_false(mux_link_is_synced(dialer.link));
    RUN_UNTIL(listener.streams == 2 && listener.probes[1].frames == 1);
    assert_true(mux_link_is_synced(dialer.link));
    assert_int_equal(a.writable, 1);
    send_text(&listener.probes[0], "answer");
    RUN_UNTIL(a.frames + b.frames == 1);
    probe_finish(&a);
    probe_finish(&b);
    RUN_UNTIL(listener.probes[0].ends == 1 && listener.probes[1].ends == 1);
    assert_int_equal(listener.probes[0].types[listener.probes[0].frames - 1], FRAME_RST);
}

static void write_bytes(struct probe *probe, const uint8_t *bytes, size_t size)
{
    static uint8_t area[FRAME_HEADER_SIZE + SCRATCH_SIZE];
    while (size > 0) {
        size_t room;
        RUN_UNTIL((room = stream_write_room(probe->stream)) > 0);
        size_t piece = size < room ? size : room;
        piece = piece < SCRATCH_SIZE ? piece : SCRATCH_SIZE;
        memcpy(area + FRAME_HEADER_SIZE, bytes, piece);
        assert_int_equal(stream_write(probe->stream, area, piece), 0);
        bytes += piece;
        size -= piece;
    }
}

static uint8_t pattern[3 * 1024 * 1024];

static void check_both_ways(void)
{
    fill_pattern(pattern, sizeof(pattern), 5);
    memset(pattern + 1000, 0xff, 8);
    memcpy(pattern + 1008, "HOSPES\xf5\x02", 8); /* a marker within the data */
    struct probe a;
    open_stream(&a);
    send_text(&a, "open");
    RUN_UNTIL(listener.streams == 1);
    write_bytes(&a, pattern, sizeof(pattern));
    RUN_UNTIL(buffer_size(&listener.probes[0].data) == sizeof(pattern));
    assert_true(span_equals(buffer_span(&listener.probes[0].data), span_of(pattern, sizeof(pattern))));
    write_bytes(&listener.probes[0], pattern, sizeof(pattern));
    RUN_UNTIL(buffer_size(&a.data) == sizeof(pattern));
    assert_true(span_equals(buffer_span(&a.data), span_of(pattern, sizeof(pattern))));
    assert_true(wakeups_within(50) < 10);
    probe_finish(&a);
}

static void megabytes_go_both_ways_over_a_socket(void **state)
{
    create_pair();
    check_both_ways();
}

static void megabytes_go_both_ways_over_pipes(void **state)
{
    int there[2], back[2];
    assert_int_equal(pipe2(there, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(pipe2(back, O_CLOEXEC | O_NONBLOCK), 0);
    create(&dialer, MUX_DIALER, back[0], there[1]);
    create(&listener, MUX_LISTENER, there[0], back[1]);
    check_both_ways();
}

/* A pty: the slave is opened as the agent opens a serial device. */
static int open_terminal(int *ret_slave)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    bool survives_hangup = true;
    assert_int_equal(transport_open(ptsname(master), ret_slave, &survives_hangup), 0);
    assert_false(survives_hangup);
    return master;
}

static void megabytes_go_both_ways_over_a_terminal_in_raw_mode(void **state)
{
    int slave, master = open_terminal(&slave);
    create(&dialer, MUX_DIALER, master, master);
    create(&listener, MUX_LISTENER, slave, slave);
    check_both_ways();
}

static void a_terminal_whose_master_closes_is_an_end(void **state)
{
    int slave;
    peer_init(&wire, open_terminal(&slave));
    create(&listener, MUX_LISTENER, slave, slave);
    assert_true(wakeups_within(30) < 10);
    peer_hang_up(&wire);
    RUN_UNTIL(listener.ends == 1);
    assert_int_equal(listener.status, UV_EOF);
}

static void stale_bytes_before_the_sync_are_harmless(void **state)
{
    int fds[2];
    socket_pair(fds);
    static const char STALE[] = "\r\nlogin: \xff\xff\xff\xff\0\0\0\x05\0\0\0\x01\x02\0\0\0hello";
    assert_int_equal(write(fds[0], STALE, sizeof(STALE)), sizeof(STALE));
    assert_int_equal(write(fds[1], STALE, sizeof(STALE)), sizeof(STALE));
    create(&listener, MUX_LISTENER, fds[1], fds[1]);
    create(&dialer, MUX_DIALER, fds[0], fds[0]);
    check_both_ways();
}

static void a_reader_that_pauses_holds_no_more_than_its_window(void **state)
{
    listener.take = 10;
    create_pair();
    struct probe a;
    open_stream(&a);
    send_text(&a, "open");
    RUN_UNTIL(listener.streams == 1);
    fill_pattern(pattern, sizeof(pattern), 6);
    size_t sent = 0;
    static uint8_t area[FRAME_HEADER_SIZE + 65536];
    for (size_t room; (room = stream_write_room(a.stream)) > 0 && sent < sizeof(pattern);) {
        size_t piece = room < 65536 ? room : 65536;
        memcpy(area + FRAME_HEADER_SIZE, pattern + sent, piece);
        assert_int_equal(stream_write(a.stream, area, piece), 0);
        sent += piece;
        uv_run(&uv, UV_RUN_NOWAIT);
    }
    assert_in_range(sent, MUX_WINDOW / 2, MUX_WINDOW + MUX_QUEUE_MAX);
    assert_true(wakeups_within(50) < 10);
    assert_int_equal(stream_send(a.stream, FRAME_FIN, span_of(NULL, 0)), 0);
    struct probe other; /* the others are not held up */
    open_stream(&other);
    send_text(&other, "still here");
    RUN_UNTIL(listener.streams == 2 && has_payload(&listener.probes[1], "still here"));
    struct probe *there = &listener.probes[0];
    assert_int_equal(buffer_size(&there->data), 10);
    there->take = 5;
    stream_resume(there->stream);
    assert_int_equal(buffer_size(&there->data), 15);
    there->take = SIZE_MAX;
    stream_resume(there->stream);
    RUN_UNTIL(there->frames == 2);
    assert_int_equal(there->types[1], FRAME_FIN);
    assert_true(span_equals(buffer_span(&there->data), span_of(pattern, sent)));
    probe_finish(&a);
    probe_finish(&other);
}

static void a_fin_right_behind_held_data_waits_for_it(void **state)
{
    listener.take = 0;
    create_pair();
    struct probe a;
    open_stream(&a);
    send_text(&a, "open");
    RUN_UNTIL(listener.streams == 1);
    write_bytes(&a, (const uint8_t *)"abc", 3);
    assert_int_equal(stream_send(a.stream, FRAME_FIN, span_of(NULL, 0)), 0);
    struct probe *there = &listener.probes[0];
    assert_true(wakeups_within(20) < 20); /* all of it has arrived */
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(there->frames, 1);
        there->take = 1;
        stream_resume(there->stream);
    }
    assert_int_equal(there->types[1], FRAME_FIN);
    assert_int_equal(stream_send(there->stream, FRAME_FIN, span_of(NULL, 0)), 0);
    RUN_UNTIL(a.frames == 1);
    probe_finish(&a);
}

static void messages_between_held_data_keep_their_places(void **state)
{
    listener.take = 0;
    create_pair();
    struct probe a;
    open_stream(&a);
    send_text(&a, "open");
    RUN_UNTIL(listener.streams == 1);
    write_bytes(&a, (const uint8_t *)"abc", 3);
    write_bytes(&a, (const uint8_t *)"def", 3);
    send_text(&a, "first");
    send_text(&a, "second");
    write_bytes(&a, (const uint8_t *)"ghi", 3);
    send_text(&a, "third");
    struct probe *there = &listener.probes[0];
    assert_true(wakeups_within(20) < 20); /* all of it has arrived */
    assert_int_equal(there->frames, 1);
    there->take = 6;
    stream_resume(there->stream);
    assert_int_equal(there->frames, 3);
    assert_true(has_payload(there, "second"));
    assert_true(span_equals(buffer_span(&there->data), span_of_text("abcdef")));
    there->take = 1;
    stream_resume(there->stream);
    assert_int_equal(there->frames, 3);
    there->take = SIZE_MAX;
    stream_resume(there->stream);
    assert_true(has_payload(there, "third"));
    assert_true(span_equals(buffer_span(&there->data), span_of_text("abcdefghi")));
    probe_finish(&a);
}

static void a_held_channel_ends_when_frames_without_bytes_flood_it(void **state)
{
    listener.take = 0;
    create_pair();
    struct probe a;
    open_stream(&a);
    send_text(&a, "open");
    RUN_UNTIL(listener.streams == 1);
    write_bytes(&a, (const uint8_t *)"abc", 3);
    for (size_t i = 0; i < MUX_WINDOW && listener.probes[0].ends == 0; i++) /* five bytes each */
        if (stream_send(a.stream, FRAME_MESSAGE, span_of(NULL, 0)) == UV_ENOBUFS || i % 1000 == 0)
            uv_run(&uv, UV_RUN_NOWAIT);
    RUN_UNTIL(listener.probes[0].ends == 1);
    assert_int_equal(listener.probes[0].end_status, UV_ENOBUFS);
    probe_finish(&a);
}

static void streams_and_links_may_be_closed_from_every_callback(void **state)
{
    static const unsigned MOMENTS[] = {AT_FRAME, AT_DATA, AT_END, 0};
    for (size_t i = 0; i < 4; i++) {
        listener.close_at = MOMENTS[i];
        listener.closes_with_streams = MOMENTS[i] == 0;
        create_pair();
        struct probe a;
        open_stream(&a);
        send_text(&a, "open");
        RUN_UNTIL(listener.streams == 1);
        if (a.stream != NULL && a.ends == 0)
            write_bytes(&a, (const uint8_t *)"data", 4);
        if (MOMENTS[i] == AT_END)
            close_end(&dialer);
        RUN_UNTIL(listener.probes[0].stream == NULL || listener.link == NULL);
        probe_finish(&a);
        void *state_again = NULL;
        teardown(&state_again);
        setup(&state_again);
    }
    create_pair(); /* as soon as the sync is answered */
    struct probe a;
    open_stream(&a);
    send_text(&a, "open");
    a.close_at = AT_WRITABLE;
    RUN_UNTIL(a.stream == NULL);
    probe_finish(&a);
}

static void closing_the_link_tells_its_streams(void **state)
{
    create_pair();
    struct probe a;
    open_stream(&a);
    send_text(&a, "open");
    RUN_UNTIL(listener.streams == 1);
    a.close_at = AT_END;
    close_end(&dialer);
    assert_int_equal(a.ends, 1);
    assert_int_equal(a.end_status, STATUS_GONE);
    RUN_UNTIL(listener.ends == 1); /* the socket's end */
    assert_int_equal(listener.status, UV_EOF);
    assert_int_equal(listener.probes[0].ends, 1);
    assert_int_equal(stream_send(listener.probes[0].stream, FRAME_MESSAGE, span_of_text("late")), 0);
    assert_true(stream_write_room(listener.probes[0].stream) > 0);
    probe_finish(&a);
}

static void a_refusal_reaches_the_dialer_with_its_reason(void **state)
{
    create_pair();
    struct probe a;
    open_stream(&a);
    send_text(&a, "open");
    RUN_UNTIL(listener.streams == 1 && listener.probes[0].frames == 1);
    struct stream *stream = listener.probes[0].stream;
    listener.probes[0].stream = NULL;
    stream_abort(stream, STATUS_NOT_ALLOWED, "not you");
    RUN_UNTIL(a.ends == 1);
    int status;
    char text[TEXT_REASON_MAX + 1];
    assert_int_equal(a.types[a.frames - 1], FRAME_RST);
    assert_int_equal(frame_rst_decode(buffer_span(&a.payload), &status, text), 0);
    assert_int_equal(status, STATUS_NOT_ALLOWED);
    assert_string_equal(text, "not you");
    probe_finish(&a);
}

static void the_sync_is_repeated_until_it_is_answered(void **state)
{
    int fds[2];
    socket_pair(fds);
    peer_init(&wire, fds[1]);
    create(&dialer, MUX_DIALER, fds[0], fds[0]);
    size_t sync = MUX_MARKER_SIZE + SESSION_ID_SIZE;
    RUN_UNTIL(peer_read(&wire) == sync);
    RUN_UNTIL(peer_read(&wire) == 2 * sync); /* SYNC_INTERVAL_MS later */
    assert_memory_equal(buffer_span(&wire.in).data, buffer_span(&wire.in).data + sync, sync);
}

static void a_listener_that_gets_frames_without_a_sync_asks_for_one(void **state)
{
    int fds[2];
    socket_pair(fds);
    peer_init(&wire, fds[1]);
    create(&listener, MUX_LISTENER, fds[0], fds[0]);
    assert_true(wakeups_within(30) < 10);
    assert_int_equal(peer_read(&wire), 0); /* not before it is spoken to */
    peer_write_frame(&wire, FRAME_MESSAGE, "hello?", 6);
    uint8_t wish[MUX_MARKER_SIZE + SESSION_ID_SIZE] = {0};
    memcpy(wish, MUX_MARKER_ANSWER, MUX_MARKER_SIZE);
    RUN_UNTIL(peer_read(&wire) > 0);
    assert_true(span_equals(buffer_span(&wire.in), span_of(wish, sizeof(wish))));
    buffer_finish(&wire.in);
    peer_write_frame(&wire, FRAME_MESSAGE, "hello?", 6);
    assert_true(wakeups_within(100) < 10);
    assert_int_equal(peer_read(&wire), 0); /* at most one a second */
    RUN_UNTIL(peer_read(&wire) > 0);
}

/* The host's side of a serial port stays connected when the agent is killed and started again. */
static void a_dialer_notices_at_once_that_its_listener_was_started_anew(void **state)
{
    int fds[2];
    socket_pair(fds);
    int again = fcntl(fds[1], F_DUPFD_CLOEXEC, 0);
    create(&dialer, MUX_DIALER, fds[0], fds[0]);
    create(&listener, MUX_LISTENER, fds[1], fds[1]);
    struct probe a;
    open_stream(&a);
    send_text(&a, "open");
    RUN_UNTIL(listener.streams == 1);
    close_end(&listener);
    static const uint8_t HALF_A_FRAME[] = {0, 0, 0x10, 0, 0, 0, 0, 1, 1, 0, 0, 0, 'h', 'a', 'l', 'f'};
    assert_int_equal(write(again, HALF_A_FRAME, sizeof(HALF_A_FRAME)), sizeof(HALF_A_FRAME));
    create(&listener, MUX_LISTENER, again, again);
    RUN_UNTIL(a.frames == 0 && mux_link_is_synced(dialer.link));
    send_text(&a, "a heartbeat");
    RUN_UNTIL(dialer.ends == 1);
    assert_int_equal(dialer.status, UV_ECONNRESET);
    assert_int_equal(a.ends, 1);
    assert_int_equal(a.frames, 0);
    probe_finish(&a);
}

static void a_dialer_that_meets_garbage_ends_and_a_listener_starts_over(void **state)
{
    create_pair();
    struct probe a;
    open_stream(&a);
    send_text(&a, "open");
    RUN_UNTIL(listener.streams == 1);
    int fds[2];
    socket_pair(fds);
    probe_finish(&a);
    close_end(&dialer);
    RUN_UNTIL(listener.ends == 1);
    /* now a listener alone: sync by hand, then garbage */
    peer_init(&wire, fds[1]);
    create(&listener, MUX_LISTENER, fds[0], fds[0]);
    uint8_t sync[MUX_MARKER_SIZE + SESSION_ID_SIZE] = {0};
    memcpy(sync, MUX_MARKER, MUX_MARKER_SIZE);
    sync[20] = 1;
    peer_write(&wire, sync, sizeof(sync));
    RUN_UNTIL(peer_read(&wire) == sizeof(sync));
    peer_write(&wire, "no frame at all, by any reading", 31);
    RUN_UNTIL(!mux_link_is_synced(listener.link));
    assert_int_equal(listener.ends, 1);
    sync[20] = 2;
    peer_write(&wire, sync, sizeof(sync));
    RUN_UNTIL(mux_link_is_synced(listener.link));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(frames_sent_before_the_sync_arrive_after_it),
        TEST(megabytes_go_both_ways_over_a_socket),
        TEST(megabytes_go_both_ways_over_pipes),
        TEST(megabytes_go_both_ways_over_a_terminal_in_raw_mode),
        TEST(a_terminal_whose_master_closes_is_an_end),
        TEST(stale_bytes_before_the_sync_are_harmless),
        TEST(a_reader_that_pauses_holds_no_more_than_its_window),
        TEST(a_fin_right_behind_held_data_waits_for_it),
        TEST(messages_between_held_data_keep_their_places),
        TEST(a_held_channel_ends_when_frames_without_bytes_flood_it),
        TEST(streams_and_links_may_be_closed_from_every_callback),
        TEST(closing_the_link_tells_its_streams),
        TEST(a_refusal_reaches_the_dialer_with_its_reason),
        TEST(the_sync_is_repeated_until_it_is_answered),
        TEST(a_listener_that_gets_frames_without_a_sync_asks_for_one),
        TEST(a_dialer_notices_at_once_that_its_listener_was_started_anew),
        TEST(a_dialer_that_meets_garbage_ends_and_a_listener_starts_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
