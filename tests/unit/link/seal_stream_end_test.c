/* SPDX-License-Identifier: MIT */
/* Sealed streams that pause and end: what is held, what is a clean end and what a cut, and closing from every
 * callback. */
#include <string.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "tests/unit/link/seal_fixture.h"

static uint8_t pattern[3 * 1024 * 1024];

/* ---- pauses ---- */

static void a_paused_stream_holds_little_and_goes_on_in_order(void **state)
{
    size_t size = sizeof(pattern), wire_size = 0;
    uint8_t *wire = test_malloc(size + size / 16);
    fill_pattern(pattern, size, 3);
    for (size_t done = 0; done < size; done += 65536 - FRAME_HEADER_SIZE) {
        static uint8_t plain[65536], record[RECORD_SIZE_MAX];
        size_t piece = size - done < 65536 - FRAME_HEADER_SIZE ? size - done : 65536 - FRAME_HEADER_SIZE;
        size_t record_size =
            sealed_peer_seal(&far, plain, frame_put(plain, FRAME_DATA, pattern + done, piece), record);
        wire_size += frame_put(wire + wire_size, FRAME_DATA, record, record_size);
    }
    probe.take = 3;
    size_t sent = 0;
    for (ssize_t now; (now = write(peer.fd, wire + sent, wire_size - sent)) > 0; sent += (size_t)now)
        uv_run(&uv, UV_RUN_NOWAIT);
    assert_in_range(sent, 1, 700 * 1000); /* its socket is full: nothing more is read */
    assert_int_equal(buffer_size(&probe.data), 3);
    assert_true(wakeups_within(100) < 10);
    probe.take = 5;
    stream_resume(probe.stream);
    assert_int_equal(buffer_size(&probe.data), 8);
    probe.take = SIZE_MAX;
    stream_resume(probe.stream);
    peer_write(&peer, wire + sent, wire_size - sent);
    RUN_UNTIL(buffer_size(&probe.data) == size);
    assert_true(span_equals(buffer_span(&probe.data), span_of(pattern, size)));
    test_free(wire);
}

static void frames_behind_held_data_wait_for_it(void **state)
{
    uint8_t bytes[128];
    size_t size = frame_put(bytes, FRAME_DATA, "abcdef", 6);
    size += frame_put(bytes + size, FRAME_MESSAGE, "m", 1);
    size += frame_put(bytes + size, FRAME_DATA, "gh", 2);
    size += frame_put(bytes + size, FRAME_FIN, NULL, 0);
    for (size_t cut = 1; cut <= size; cut++) { /* one record, or two */
        probe.take = 0;
        sealed_peer_write(&far, bytes, cut);
        sealed_peer_write(&far, bytes + cut, size - cut);
        peer_write_frame(&peer, FRAME_FIN, NULL, 0);
        assert_true(wakeups_within(2) < 20);
        for (size_t i = 0; i < 6; i++) {
            assert_int_equal(probe.frames, 0);
            probe.take = 1;
            stream_resume(probe.stream);
            stream_resume(probe.stream); /* once more does no harm */
            RUN_UNTIL(buffer_size(&probe.data) == i + 1);
        }
        probe.take = SIZE_MAX;
        stream_resume(probe.stream);
        RUN_UNTIL(probe.frames == 2);
        assert_int_equal(probe.types[1], FRAME_FIN);
        assert_true(span_equals(buffer_span(&probe.data), span_of_text("abcdefgh")));
        assert_int_equal(probe.ends, 0); /* the other direction goes on */
        assert_int_equal(stream_send(probe.stream, FRAME_MESSAGE, span_of_text("still here")), 0);
        expect_sealed_frame(FRAME_MESSAGE, span_of_text("still here"));
        seal_fixture_renew();
    }
}

static void an_end_behind_held_data_waits_for_it(void **state)
{
    for (int clean = 0; clean < 2; clean++) {
        probe.take = 0;
        sealed_peer_write_frame(&far, FRAME_DATA, "abc", 3);
        sealed_peer_write_frame(&far, FRAME_DATA, "def", 3);
        if (clean)
            sealed_peer_write_frame(&far, FRAME_FIN, NULL, 0);
        peer_hang_up(&peer);
        assert_true(wakeups_within(30) < 30);
        for (size_t i = 0; i < 6; i++) {
            assert_int_equal(probe.ends, 0);
            probe.take = 1;
            stream_resume(probe.stream);
            RUN_UNTIL(buffer_size(&probe.data) == i + 1);
        }
        RUN_UNTIL(probe.ends == 1);
        assert_int_equal(probe.end_status, clean ? UV_EOF : UV_ECONNRESET);
        assert_int_equal(probe.frames, clean);
        assert_true(wakeups_within(10) < 10);
        seal_fixture_renew();
    }
}

/* ---- ends ---- */

static void half_closed_one_way_the_other_goes_on(void **state)
{
    assert_int_equal(stream_send(probe.stream, FRAME_FIN, span_of(NULL, 0)), 0);
    expect_sealed_frame(FRAME_FIN, span_of(NULL, 0));
    RUN_UNTIL((sealed_peer_read(&far), far.fin));
    sealed_peer_write_frame(&far, FRAME_DATA, "still sending", 13);
    RUN_UNTIL(buffer_size(&probe.data) == 13);
    sealed_peer_write_frame(&far, FRAME_FIN, NULL, 0);
    peer_write_frame(&peer, FRAME_FIN, NULL, 0);
    RUN_UNTIL(probe.frames == 1);
    assert_int_equal(probe.ends, 0);
    assert_true(stream_write_room(probe.stream) > 0); /* everything is on its way */
    peer_hang_up(&peer);
    RUN_UNTIL(probe.ends == 1);
    assert_int_equal(probe.end_status, UV_EOF);
    assert_true(stream_write_room(probe.stream) > 0);
}

static void an_end_is_clean_behind_a_sealed_fin_only(void **state)
{
    uint8_t plain[64], wire[256];
    for (size_t cut = 0, size = SIZE_MAX; cut <= size; cut++) {
        size = frame_put(wire, FRAME_DATA, NULL, 0);
        size_t plain_size = frame_put(plain, FRAME_DATA, "abc", 3);
        plain_size += frame_put(plain + plain_size, FRAME_FIN, NULL, 0);
        uint8_t record[128];
        size += frame_put(wire + size, FRAME_DATA, record, sealed_peer_seal(&far, plain, plain_size, record));
        size_t whole = size;
        size += frame_put(wire + size, FRAME_FIN, NULL, 0);
        peer_write(&peer, wire, cut);
        peer_hang_up(&peer);
        RUN_UNTIL(probe.ends == 1);
        assert_int_equal(probe.end_status, cut >= whole ? UV_EOF : UV_ECONNRESET);
        assert_int_equal(buffer_size(&probe.data), cut >= whole ? 3 : 0);
        assert_true(wakeups_within(2) < 10);
        assert_int_equal(probe.ends, 1);
        seal_fixture_renew();
    }
}

static void a_cut_between_records_is_no_clean_end(void **state)
{
    sealed_peer_write_frame(&far, FRAME_DATA, "abc", 3);
    peer_hang_up(&peer);
    RUN_UNTIL(probe.ends == 1);
    assert_int_equal(probe.end_status, UV_ECONNRESET);
    seal_fixture_renew();
    uint8_t plain[64]; /* within a frame, whose record is whole */
    size_t size = frame_put(plain, FRAME_MESSAGE, "abcdef", 6);
    sealed_peer_write(&far, plain, size - 1);
    peer_hang_up(&peer);
    RUN_UNTIL(probe.ends == 1);
    assert_int_equal(probe.end_status, UV_ECONNRESET);
    assert_int_equal(probe.frames, 0);
}

static void a_fin_outside_of_records_is_no_end(void **state)
{
    sealed_peer_write_frame(&far, FRAME_DATA, "abc", 3);
    peer_write_frame(&peer, FRAME_FIN, NULL, 0);
    RUN_UNTIL(probe.ends == 1);
    assert_int_equal(probe.end_status, UV_ECONNRESET);
    assert_int_equal(probe.frames, 0);
}

static void a_reset_outside_of_records_is_never_a_clean_end(void **state)
{
    static const int SAID[] = {UV_EOF, 0, STATUS_LIMIT};
    for (size_t i = 0; i < 2 * sizeof(SAID) / sizeof(SAID[0]); i++) {
        uint8_t payload[FRAME_RST_MAX];
        if (i % 2 == 1) /* not even behind a FIN */
            sealed_peer_write_frame(&far, FRAME_FIN, NULL, 0);
        peer_write_frame(&peer, FRAME_RST, payload, frame_rst_encode(SAID[i / 2], "believe me", payload));
        RUN_UNTIL(probe.ends == 1);
        assert_true(probe.end_status < 0 && probe.end_status != UV_EOF);
        assert_int_equal(probe.frames, i % 2);
        seal_fixture_renew();
    }
}

/* To a bridge it may be an agent's REFUSE; the end behind it counts. */
static void a_message_outside_of_records_is_not_handed_on(void **state)
{
    peer_write_frame(&peer, FRAME_MESSAGE, "believe me", 10);
    sealed_peer_write_frame(&far, FRAME_MESSAGE, "true", 4);
    RUN_UNTIL(probe.frames == 1);
    assert_true(span_equals(buffer_span(&probe.payload), span_of_text("true")));
    peer_write_frame(&peer, FRAME_MESSAGE, "goodbye", 7);
    peer_hang_up(&peer);
    RUN_UNTIL(probe.ends == 1);
    assert_int_equal(probe.end_status, UV_ECONNRESET);
    assert_int_equal(probe.frames, 1);
}

static void a_datagram_outside_of_records_ends_it(void **state)
{
    peer_write_frame(&peer, FRAME_DATAGRAM, "believe me", 10);
    sealed_peer_write_frame(&far, FRAME_MESSAGE, "too late", 8);
    RUN_UNTIL(probe.ends == 1);
    assert_int_equal(probe.end_status, STATUS_AUTHENTICATION_FAILED);
    assert_true(wakeups_within(10) < 10);
    assert_int_equal(probe.frames, 0);
}

static void a_reset_in_a_record_is_told_with_its_reason(void **state)
{
    uint8_t payload[FRAME_RST_MAX];
    size_t size = frame_rst_encode(STATUS_NOT_ALLOWED, "not you", payload);
    sealed_peer_write_frame(&far, FRAME_RST, payload, size);
    RUN_UNTIL(probe.frames == 1);
    assert_int_equal(probe.types[0], FRAME_RST);
    assert_true(span_equals(buffer_span(&probe.payload), span_of(payload, size)));
}

static void an_abort_says_why_in_a_record(void **state)
{
    struct stream *stream = probe.stream;
    probe.stream = NULL;
    stream_abort(stream, STATUS_NOT_ALLOWED, "port 22 is closed to you");
    uint8_t payload[FRAME_RST_MAX];
    expect_sealed_frame(FRAME_RST, span_of(payload, frame_rst_encode(STATUS_NOT_ALLOWED,
                                                                     "port 22 is closed to you", payload)));
    RUN_UNTIL((sealed_peer_read(&far), peer.eof));
    assert_false(far.other);
}

static void sending_to_a_peer_that_left_is_swallowed_and_the_end_still_told(void **state)
{
    probe.take = 0;
    sealed_peer_write_frame(&far, FRAME_DATA, "held", 4);
    uv_run(&uv, UV_RUN_NOWAIT);
    peer_hang_up(&peer);
    for (int i = 0; i < 100; i++)
        assert_int_equal(stream_send(probe.stream, FRAME_MESSAGE, span_of_text("hello?")), 0);
    assert_true(stream_write_room(probe.stream) > 0);
    assert_int_equal(write_piece(&probe, (const uint8_t *)"x", 1), 0);
    assert_true(wakeups_within(50) < 10);
    assert_int_equal(probe.ends, 0);
    probe.take = SIZE_MAX;
    stream_resume(probe.stream);
    RUN_UNTIL(probe.ends == 1);
    assert_true(span_equals(buffer_span(&probe.data), span_of_text("held")));
}

static void a_queue_whose_reader_left_ends_as_a_cut(void **state)
{
    probe_send_until_full(&probe, 100 * 1000);
    peer_hang_up(&peer);
    RUN_UNTIL(probe.ends == 1);
    assert_int_equal(probe.end_status, UV_ECONNRESET);
    assert_int_equal(stream_send(probe.stream, FRAME_MESSAGE, span_of_text("hello?")), 0);
    assert_true(wakeups_within(50) < 10);
}

/* ---- life ---- */

static void a_stream_may_be_closed_from_every_callback(void **state)
{
    uint8_t bytes[256];
    size_t size = frame_put(bytes, FRAME_MESSAGE, "message", 7);
    size += frame_put(bytes + size, FRAME_DATA, "data", 4);
    size += frame_put(bytes + size, FRAME_MESSAGE, "message", 7);
    static const enum probe_moment MOMENTS[] = {AT_FRAME, AT_DATA, AT_END};
    for (size_t i = 0; i < 3; i++) {
        for (size_t cut = 1; cut < size; cut += 3) { /* gathered frames and frames in one piece */
            probe.close_at = MOMENTS[i];
            sealed_peer_write(&far, bytes, cut);
            uv_run(&uv, UV_RUN_NOWAIT);
            if (probe.stream != NULL)
                sealed_peer_write(&far, bytes + cut, size - cut);
            peer_hang_up(&peer);
            RUN_UNTIL(probe.stream == NULL);
            seal_fixture_renew();
        }
    }
    probe.close_at = AT_WRITABLE;
    probe_send_until_full(&probe, 100 * 1000);
    RUN_UNTIL((peer_read(&peer), probe.stream == NULL));
    seal_fixture_renew();
    probe.take = 0; /* while it is fed what was held */
    sealed_peer_write(&far, bytes, size);
    uv_run(&uv, UV_RUN_NOWAIT);
    probe.take = 2;
    probe.close_at = AT_DATA;
    stream_resume(probe.stream);
    assert_null(probe.stream);
    seal_fixture_renew();
    probe.take = 0; /* at an end that had to wait */
    sealed_peer_write_frame(&far, FRAME_DATA, "abc", 3);
    peer_write_frame(&peer, FRAME_FIN, NULL, 0);
    assert_true(wakeups_within(10) < 20);
    probe.take = SIZE_MAX;
    probe.close_at = AT_END;
    stream_resume(probe.stream);
    RUN_UNTIL(probe.stream == NULL);
}

static void an_idle_stream_does_not_wake_the_loop(void **state)
{
    assert_true(wakeups_within(100) < 5);
    sealed_peer_write_frame(&far, FRAME_MESSAGE, "x", 1);
    RUN_UNTIL(probe.frames == 1);
    assert_true(wakeups_within(100) < 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, seal_fixture_setup, seal_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_paused_stream_holds_little_and_goes_on_in_order),
        TEST(frames_behind_held_data_wait_for_it),
        TEST(an_end_behind_held_data_waits_for_it),
        TEST(half_closed_one_way_the_other_goes_on),
        TEST(an_end_is_clean_behind_a_sealed_fin_only),
        TEST(a_cut_between_records_is_no_clean_end),
        TEST(a_fin_outside_of_records_is_no_end),
        TEST(a_reset_outside_of_records_is_never_a_clean_end),
        TEST(a_message_outside_of_records_is_not_handed_on),
        TEST(a_datagram_outside_of_records_ends_it),
        TEST(a_reset_in_a_record_is_told_with_its_reason),
        TEST(an_abort_says_why_in_a_record),
        TEST(sending_to_a_peer_that_left_is_swallowed_and_the_end_still_told),
        TEST(a_queue_whose_reader_left_ends_as_a_cut),
        TEST(a_stream_may_be_closed_from_every_callback),
        TEST(an_idle_stream_does_not_wake_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
