/* SPDX-License-Identifier: MIT */
/* Sealed streams over the channels of a mux: credit, its order, its resets, and sending before it is
 * synchronised. */
#include <string.h>

#include "protocol/base/status.h"
#include "protocol/link/mux_link.h"
#include "protocol/link/seal_stream.h"
#include "tests/unit/link/sealed_peer.h"

#define STREAMS 8

static struct session_keys keys;
static int fds[2];
static struct mux_link *dialer, *listener;
static struct probe near[STREAMS], there[STREAMS]; /* both ends of each, in order of opening */
static size_t near_count, there_count;
static size_t takes;      /* of the streams that come */
static bool refuses;      /* the streams that come, once they have said something */
static size_t reset_ends; /* of those */
static uint8_t pattern[3 * 1024 * 1024];

static void on_end(void *ctx, int status, const char *text) {}

static void refuse_on_frame(void *ctx, enum frame_type type, struct span payload)
{
    struct probe *probe = ctx;
    struct stream *stream = probe->stream;
    probe->stream = NULL;
    reset_ends++;
    stream_abort(stream, STATUS_NOT_PAIRED, "the guest does not know this host");
}

static void refuse_on_end(void *ctx, int status, const char *text)
{
    probe_close(ctx);
}

static const struct stream_handler REFUSING_HANDLER = {.on_frame = refuse_on_frame, .on_end = refuse_on_end};

static void on_stream(void *ctx, struct stream *inner)
{
    struct stream *stream;
    assert_true(there_count < STREAMS);
    struct probe *probe = &there[there_count++];
    assert_int_equal(seal_stream_create(&loop, inner, &keys, there_count, false, &stream), 0);
    probe_init(probe, stream);
    probe->take = takes;
    if (refuses)
        stream_set_handler(stream, &REFUSING_HANDLER, probe);
}

static const struct mux_link_handler HANDLER = {.on_stream = on_stream, .on_end = on_end};

static void start(struct mux_link **ret, enum mux_side side, int fd)
{
    struct mux_link_options options = {.side = side};
    assert_int_equal(mux_link_create(&loop, fd, fd, &options, &HANDLER, NULL, ret), 0);
}

static int setup(void **state)
{
    link_fixture_setup(state);
    keys = sample_keys(AEAD_CHACHA20_POLY1305);
    near_count = there_count = reset_ends = 0;
    takes = SIZE_MAX;
    refuses = false;
    socket_pair(fds);
    start(&dialer, MUX_DIALER, fds[0]);
    start(&listener, MUX_LISTENER, fds[1]);
    return 0;
}

static void stop(struct mux_link **link)
{
    struct mux_link *which = *link;
    *link = NULL;
    mux_link_close(which);
}

static int teardown(void **state)
{
    for (size_t i = 0; i < near_count; i++)
        probe_finish(&near[i]);
    for (size_t i = 0; i < there_count; i++)
        probe_finish(&there[i]);
    stop(&dialer);
    stop(&listener);
    return link_fixture_teardown(state);
}

static struct probe *open_stream(void)
{
    struct stream *inner, *stream;
    struct probe *probe = &near[near_count++];
    assert_int_equal(mux_link_open(dialer, &inner), 0);
    assert_int_equal(seal_stream_create(&loop, inner, &keys, near_count, true, &stream), 0);
    probe_init(probe, stream);
    return probe;
}

static void send_text(struct probe *probe, const char *text)
{
    assert_int_equal(stream_send(probe->stream, FRAME_MESSAGE, span_of_text(text)), 0);
}

static bool has_payload(const struct probe *probe, const char *text)
{
    return probe->frames > 0 && span_equals(buffer_span(&probe->payload), span_of_text(text));
}

/* Both ends are there and have heard of each other. */
static struct probe *open_pair(void)
{
    struct probe *probe = open_stream();
    size_t index = near_count - 1;
    send_text(probe, "open");
    RUN_UNTIL(there_count > index && there[index].frames + reset_ends > 0);
    return probe;
}

static size_t pump(struct probe *from, size_t done, size_t all, size_t piece)
{
    static uint8_t area[FRAME_HEADER_SIZE + SCRATCH_SIZE];
    size_t room, sent = 0;
    while (done + sent < all && (room = stream_write_room(from->stream)) > 0) {
        size_t size = piece < room ? piece : room;
        size = size < all - done - sent ? size : all - done - sent;
        memcpy(area + FRAME_HEADER_SIZE, pattern + done + sent, size);
        assert_int_equal(stream_write(from->stream, area, size), 0);
        sent += size;
    }
    return sent;
}

static void send_fin(struct probe *probe)
{
    assert_int_equal(stream_send(probe->stream, FRAME_FIN, span_of(NULL, 0)), 0);
}

static void what_is_sent_before_the_sync_arrives_after_it(void **state)
{
    struct probe *probe = open_stream();
    send_text(probe, "first");
    assert_int_equal(stream_write_room(probe->stream), 0);
    fill_pattern(pattern, FRAME_MESSAGE_MAX, 1);
    assert_int_equal(stream_send(probe->stream, FRAME_MESSAGE, span_of(pattern, FRAME_MESSAGE_MAX)), 0);
    assert_false(mux_link_is_synced(dialer));
    RUN_UNTIL(there_count == 1 && there[0].frames == 2);
    assert_true(span_equals(buffer_span(&there[0].payload), span_of(pattern, FRAME_MESSAGE_MAX)));
    assert_int_equal(probe->writable, 1);
    assert_true(stream_write_room(probe->stream) > 0);
    send_text(&there[0], "answer");
    RUN_UNTIL(has_payload(probe, "answer"));
}

static void write_both_ways(size_t piece)
{
    struct probe *a = open_pair(), *b = &there[near_count - 1];
    fill_pattern(pattern, sizeof(pattern), (uint32_t)piece);
    memset(pattern + 1000, 0xff, 8);
    memcpy(pattern + 1008, "HOSPES\xf5\x02", 8); /* a marker within the data */
    size_t a_sent = pump(a, 0, sizeof(pattern), piece), b_sent = pump(b, 0, sizeof(pattern), piece);
    size_t a_told = a->writable, b_told = b->writable;
    assert_true(a_sent < sizeof(pattern));
    while (buffer_size(&a->data) < sizeof(pattern) || buffer_size(&b->data) < sizeof(pattern)) {
        RUN_UNTIL(a->writable > a_told || b->writable > b_told ||
                  (buffer_size(&a->data) == sizeof(pattern) && buffer_size(&b->data) == sizeof(pattern)));
        if (a->writable > a_told) { /* a writer that is not told does not go on */
            a_told = a->writable;
            a_sent += pump(a, a_sent, sizeof(pattern), piece);
        }
        if (b->writable > b_told) {
            b_told = b->writable;
            b_sent += pump(b, b_sent, sizeof(pattern), piece);
        }
    }
    assert_true(span_equals(buffer_span(&a->data), span_of(pattern, sizeof(pattern))));
    assert_true(span_equals(buffer_span(&b->data), span_of(pattern, sizeof(pattern))));
    assert_int_equal(a->ends + b->ends, 0);
}

static void megabytes_go_both_ways_in_pieces_of_any_size(void **state)
{
    static const size_t PIECES[] = {1021, 4096, 16384, 65537, 150000, SCRATCH_SIZE};
    for (size_t i = 0; i < sizeof(PIECES) / sizeof(PIECES[0]); i++)
        write_both_ways(PIECES[i]);
    assert_true(wakeups_within(50) < 10);
}

/* The reader takes a little at a time, so that credit comes in drops. */
static void a_slow_reader_gets_all_of_it_and_the_writer_never_hangs(void **state)
{
    takes = 0;
    struct probe *a = open_pair(), *b = &there[0];
    fill_pattern(pattern, sizeof(pattern), 7);
    size_t sent = pump(a, 0, sizeof(pattern), 4096), told = a->writable;
    assert_in_range(sent, MUX_WINDOW / 2, MUX_WINDOW + MUX_QUEUE_MAX + STREAM_QUEUE_MAX + SCRATCH_SIZE);
    assert_true(wakeups_within(50) < 10);
    while (buffer_size(&b->data) < sizeof(pattern)) {
        size_t before = buffer_size(&b->data);
        b->take = 20000;
        stream_resume(b->stream);
        RUN_UNTIL(buffer_size(&b->data) > before);
        if (a->writable > told) {
            told = a->writable;
            sent += pump(a, sent, sizeof(pattern), 4096);
        }
    }
    assert_true(span_equals(buffer_span(&b->data), span_of(pattern, sizeof(pattern))));
}

/* Between turns of the loop, where the mux writes at once and may call back from within a call. */
static void a_fin_behind_a_backlog_comes_after_all_of_it(void **state)
{
    takes = 0;
    struct probe *a = open_pair(), *b = &there[0];
    for (int i = 0; i < 3; i++)
        assert_true(wakeups_within(5) < 20);
    size_t sent = 0, messages = 0;
    fill_pattern(pattern, sizeof(pattern), 8);
    sent = pump(a, 0, sizeof(pattern), 100000);
    while (stream_send(a->stream, FRAME_MESSAGE, span_of(pattern, 1000)) == 0) /* behind the blocked writer */
        messages++;
    assert_in_range(messages, 100, 2000);
    b->take = 150000;
    stream_resume(b->stream); /* some credit goes back, which the next turns hand on */
    assert_true(wakeups_within(20) < 100);
    send_fin(a);
    b->take = SIZE_MAX;
    stream_resume(b->stream);
    RUN_UNTIL(b->frames == 1 + messages + 1);
    assert_int_equal(buffer_size(&b->data), sent);
    assert_true(span_equals(buffer_span(&b->data), span_of(pattern, sent)));
    assert_int_equal(b->ends, 0);
    send_fin(b);
    RUN_UNTIL(a->frames == 1);
    assert_int_equal(a->types[0], FRAME_FIN);
    probe_close(a);
    probe_close(b);
}

/* The handler writes on as soon as it hears of room, within the very call that made it. */
static void on_writable_sends(void *ctx)
{
    struct probe *probe = ctx;
    probe->writable++;
    if (stream_write_room(probe->stream) > 0)
        assert_in_range(pump(probe, 0, 5000, 5000), 1, 5000);
}

static size_t eager_data(void *ctx, struct span bytes)
{
    return bytes.size;
}

static void eager_frame(void *ctx, enum frame_type type, struct span payload) {}

static void eager_end(void *ctx, int status, const char *text)
{
    ((struct probe *)ctx)->ends++;
}

static const struct stream_handler EAGER_HANDLER = {
    .on_frame = eager_frame, .on_data = eager_data, .on_writable = on_writable_sends, .on_end = eager_end};

static void writing_from_on_writable_never_comes_between_the_records_of_a_frame(void **state)
{
    struct probe *a = open_pair(), *b = &there[0];
    stream_set_handler(a->stream, &EAGER_HANDLER, a);
    fill_pattern(pattern, sizeof(pattern), 9);
    size_t messages = 0, ends = 0;
    for (int i = 0; i < 300; i++) {
        while (stream_write_room(a->stream) > 0)
            assert_true(pump(a, 0, 60000, 60000) > 0);
        /* blocked, and a call that writes may be told of room within it */
        if (stream_send(a->stream, FRAME_MESSAGE, span_of(pattern, FRAME_MESSAGE_MAX)) == 0)
            messages++;
        if (i % 3 == 0)
            uv_run(&uv, UV_RUN_NOWAIT);
        ends += a->ends + b->ends;
    }
    assert_int_equal(ends, 0);
    assert_true(messages > 10);
    stream_set_handler(a->stream, &PROBE_HANDLER, a);
    RUN_UNTIL(b->frames == 1 + messages || b->ends > 0);
    assert_int_equal(b->ends, 0);
    assert_true(span_equals(buffer_span(&b->payload), span_of(pattern, FRAME_MESSAGE_MAX)));
}

static void both_fins_end_the_channel_without_a_reset(void **state)
{
    struct probe *a = open_pair(), *b = &there[0];
    send_fin(a);
    RUN_UNTIL(b->frames == 2);
    assert_int_equal(b->types[1], FRAME_FIN);
    send_text(b, "half closed");
    RUN_UNTIL(has_payload(a, "half closed"));
    send_fin(b);
    RUN_UNTIL(a->frames == 2);
    assert_int_equal(a->ends + b->ends, 0);
    assert_true(stream_write_room(a->stream) > 0);
    probe_close(a);
    assert_true(wakeups_within(20) < 20);
    assert_int_equal(b->ends, 0); /* nobody says anything behind the last FIN */
    assert_int_equal(b->frames, 2);
    probe_close(b);
}

static void expect_refusal(const struct probe *probe)
{
    int status;
    char text[TEXT_REASON_MAX + 1];
    RUN_UNTIL(probe->ends == 1 || (probe->frames > 0 && probe->types[probe->frames - 1] == FRAME_RST));
    assert_true(probe->frames > 0);
    assert_int_equal(probe->types[probe->frames - 1], FRAME_RST);
    assert_int_equal(frame_rst_decode(buffer_span(&probe->payload), &status, text), 0);
    assert_int_equal(status, STATUS_NOT_PAIRED);
    assert_string_equal(text, "the guest does not know this host");
}

static void a_refusal_from_within_a_callback_keeps_its_reason(void **state)
{
    refuses = true;
    struct probe *a = open_pair();
    assert_int_equal(reset_ends, 1);
    expect_refusal(a);
    probe_close(a);
    assert_true(wakeups_within(20) < 50);
}

static void a_refusal_behind_much_data_keeps_its_reason(void **state)
{
    struct probe *a = open_pair(), *b = &there[0];
    a->take = 0;
    fill_pattern(pattern, sizeof(pattern), 10);
    size_t sent = pump(b, 0, sizeof(pattern), 65536);
    struct stream *stream = b->stream;
    b->stream = NULL;
    stream_abort(stream, STATUS_NOT_PAIRED, "the guest does not know this host");
    assert_true(wakeups_within(20) < 50);
    a->take = SIZE_MAX;
    stream_resume(a->stream);
    expect_refusal(a);
    assert_int_equal(buffer_size(&a->data), sent);
}

static void a_refusal_that_is_never_read_goes_with_the_link(void **state)
{
    struct probe *a = open_pair(), *b = &there[0];
    a->take = 0;
    pump(b, 0, sizeof(pattern), 65536);
    struct stream *stream = b->stream;
    b->stream = NULL;
    stream_abort(stream, STATUS_NOT_PAIRED, "the guest does not know this host");
    assert_true(wakeups_within(20) < 50);
    stop(&listener);              /* teardown finds what is left */
    assert_int_equal(a->ends, 0); /* what is held comes first */
}

static void refusals_of_peers_that_close_at_the_same_time_cross(void **state)
{
    struct probe *a = open_pair(), *b = &there[0];
    struct stream *streams[2] = {a->stream, b->stream};
    a->stream = b->stream = NULL;
    stream_abort(streams[0], STATUS_GONE, "");
    stream_abort(streams[1], STATUS_GONE, "");
    assert_true(wakeups_within(20) < 50);
    open_pair(); /* the mux goes on */
}

static void a_reset_of_the_channel_is_a_cut(void **state)
{
    struct probe *a = open_pair(), *b = &there[0];
    send_fin(a);
    RUN_UNTIL(b->frames == 2);
    probe_close(a); /* a reset, which anybody on the way could have sent */
    RUN_UNTIL(b->ends == 1);
    assert_int_equal(b->end_status, STATUS_GONE);
    assert_int_equal(b->types[b->frames - 1], FRAME_FIN);
}

static void the_end_of_the_link_ends_its_streams(void **state)
{
    struct probe *a = open_pair(), *b = &there[0];
    b->take = 0;
    fill_pattern(pattern, sizeof(pattern), 11);
    pump(a, 0, sizeof(pattern), 65536);
    send_text(b, "last words");
    RUN_UNTIL(has_payload(a, "last words"));
    a->close_at = AT_END;
    stop(&dialer);
    assert_int_equal(a->ends, 1);
    assert_int_equal(a->end_status, STATUS_GONE);
    assert_null(a->stream);
    stop(&listener);
    assert_int_equal(b->ends, 0); /* something is held: it comes first */
    b->take = SIZE_MAX;
    stream_resume(b->stream);
    assert_int_equal(b->ends, 1);
    assert_true(b->end_status < 0 && b->end_status != UV_EOF);
}

static void one_that_is_not_read_does_not_hold_up_the_others(void **state)
{
    takes = 0;
    struct probe *a = open_pair();
    fill_pattern(pattern, sizeof(pattern), 12);
    pump(a, 0, sizeof(pattern), 65536);
    takes = SIZE_MAX;
    write_both_ways(65536);
    assert_int_equal(buffer_size(&there[0].data), 0);
}

static void streams_may_be_closed_from_every_callback(void **state)
{
    static const unsigned MOMENTS[] = {AT_FRAME, AT_DATA, AT_END};
    for (size_t i = 0; i < 3; i++) {
        struct probe *a = open_pair(), *b = &there[near_count - 1];
        b->close_at = MOMENTS[i];
        send_text(a, "more");
        pump(a, 0, 100, 100);
        if (MOMENTS[i] == AT_END)
            probe_close(a);
        RUN_UNTIL(b->stream == NULL);
    }
    struct probe *a = open_stream();
    send_text(a, "open");
    a->close_at = AT_WRITABLE;
    pump(a, 0, sizeof(pattern), 65536);
    assert_int_equal(stream_write_room(a->stream), 0);
    RUN_UNTIL(a->stream == NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_sent_before_the_sync_arrives_after_it),
        TEST(megabytes_go_both_ways_in_pieces_of_any_size),
        TEST(a_slow_reader_gets_all_of_it_and_the_writer_never_hangs),
        TEST(a_fin_behind_a_backlog_comes_after_all_of_it),
        TEST(writing_from_on_writable_never_comes_between_the_records_of_a_frame),
        TEST(both_fins_end_the_channel_without_a_reset),
        TEST(a_refusal_from_within_a_callback_keeps_its_reason),
        TEST(a_refusal_behind_much_data_keeps_its_reason),
        TEST(a_refusal_that_is_never_read_goes_with_the_link),
        TEST(refusals_of_peers_that_close_at_the_same_time_cross),
        TEST(a_reset_of_the_channel_is_a_cut),
        TEST(the_end_of_the_link_ends_its_streams),
        TEST(one_that_is_not_read_does_not_hold_up_the_others),
        TEST(streams_may_be_closed_from_every_callback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
