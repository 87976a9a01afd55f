/* SPDX-License-Identifier: MIT */
/* The mux between two well-behaved ends: channels, order, credit, ends. */
#include "protocol/base/status.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/wire/mux_pair.h"

#include <string.h>
#include <uv.h>

static uint8_t bytes_of_window[MUX_WINDOW + MUX_QUEUE_MAX];

static struct mux_pair pair;

static int setup(void **state)
{
    mux_pair_init(&pair);
    mux_pair_sync(&pair);
    return 0;
}

static int teardown(void **state)
{
    assert_int_equal(pair.dialer.markers[0], 1); /* one SYNC, and no marker in anything else */
    assert_int_equal(pair.dialer.markers[1], 0);
    assert_int_equal(pair.listener.markers[0], 0);
    assert_int_equal(pair.listener.markers[1], 1);
    mux_pair_finish(&pair);
    return 0;
}

static void a_first_frame_opens_the_channel_and_both_ways_carry_bytes(void **state)
{
    struct owner *here = mux_end_open(&pair.dialer);
    owner_send(here, FRAME_MESSAGE, "open", 4);
    owner_send(here, FRAME_DATA, "hello", 5);
    mux_pair_pump(&pair);
    struct owner *there = mux_end_owner(&pair.listener, here->channel);
    assert_non_null(there);
    assert_int_equal(there->messages, 1);
    assert_true(owner_received(there, span_of_text("openhello")));
    owner_send(there, FRAME_DATAGRAM, "", 0);
    owner_send(there, FRAME_DATAGRAM, "answer", 6);
    mux_pair_pump(&pair);
    assert_int_equal(here->datagrams, 2);
    assert_true(owner_received(here, span_of_text("answer")));
    assert_int_equal(mux_channel_count(pair.dialer.mux), 1);
    assert_int_equal(mux_channel_count(pair.listener.mux), 1);
}

static void fin_closes_one_way_only(void **state)
{
    struct owner *here = mux_end_open(&pair.dialer);
    owner_send(here, FRAME_DATA, "request", 7);
    owner_send(here, FRAME_FIN, NULL, 0);
    size_t taken;
    assert_int_equal(mux_send(pair.dialer.mux, here->channel, FRAME_DATA, span_of_text("x"), &taken),
                     STATUS_INVALID);
    mux_pair_pump(&pair);
    struct owner *there = mux_end_owner(&pair.listener, here->channel);
    assert_true(there->fin);
    owner_send(there, FRAME_DATA, "response", 8);
    owner_send(there, FRAME_FIN, NULL, 0);
    owner_close(there, 0, NULL); /* clean: what is queued still goes */
    assert_int_equal(mux_channel_count(pair.listener.mux), 0);
    mux_pair_pump(&pair);
    assert_true(here->fin);
    assert_false(here->reset);
    assert_true(owner_received(here, span_of_text("response")));
    owner_close(here, 0, NULL);
    assert_false(mux_has_output(pair.dialer.mux));
    assert_int_equal(mux_channel_count(pair.dialer.mux), 0);
}

static void a_close_before_the_end_is_a_reset_with_its_reason(void **state)
{
    struct owner *here = mux_end_open(&pair.dialer);
    owner_send(here, FRAME_MESSAGE, "open", 4);
    mux_pair_pump(&pair);
    struct owner *there = mux_end_owner(&pair.listener, here->channel);
    owner_send(there, FRAME_DATA, "never seen", 10);
    owner_close(there, UV_ECONNREFUSED, "nobody listens");
    assert_int_equal(mux_send(pair.listener.mux, there->channel, FRAME_DATA, span_of_text("x"), NULL),
                     STATUS_NOT_FOUND);
    owner_send(here, FRAME_DATA, "crossing", 8);
    mux_pair_pump(&pair);
    assert_true(here->reset);
    assert_int_equal(here->reset_status, UV_ECONNREFUSED);
    assert_string_equal(here->reset_text, "nobody listens");
    assert_int_equal(buffer_size(&here->received), 0);
    assert_false(there->reset); /* no callback follows a close */
    assert_true(owner_received(there, span_of_text("open")));
    assert_int_equal(mux_channel_count(pair.dialer.mux), 0);
    assert_int_equal(mux_channel_count(pair.listener.mux), 0);
}

static void a_reset_in_the_middle_of_a_frame_leaves_the_stream_whole(void **state)
{
    for (size_t cut = 1; cut < 60; cut++) {
        struct owner *here = mux_end_open(&pair.dialer), *other = mux_end_open(&pair.dialer);
        owner_send(here, FRAME_DATA, "forty bytes forty bytes forty bytes fort", 40);
        mux_end_produce(&pair.dialer, cut);
        owner_close(here, STATUS_GONE, "enough");
        owner_send(other, FRAME_DATA, "after", 5);
        mux_pair_pump(&pair);
        assert_true(mux_end_owner(&pair.listener, here->channel)->reset);
        assert_true(owner_received(mux_end_owner(&pair.listener, other->channel), span_of_text("after")));
        owner_close(other, 0, NULL);
        mux_pair_pump(&pair);
    }
}

static void a_channel_that_said_nothing_goes_without_a_trace(void **state)
{
    struct owner *here = mux_end_open(&pair.dialer);
    owner_send(here, FRAME_DATA, "queued", 6);
    owner_close(here, STATUS_GONE, "changed my mind");
    assert_false(mux_has_output(pair.dialer.mux));
    mux_pair_pump(&pair);
    assert_null(pair.listener.owners);
}

static void credit_stops_a_sender_and_taking_lets_it_go_on(void **state)
{
    pair.listener.slow = true;
    struct owner *here = mux_end_open(&pair.dialer);
    owner_send(here, FRAME_DATA, bytes_of_window, MUX_WINDOW + 1000);
    mux_pair_pump(&pair);
    struct owner *there = mux_end_owner(&pair.listener, here->channel);
    assert_int_equal(there->untaken, MUX_WINDOW);
    assert_false(mux_has_output(pair.dialer.mux));
    there->untaken -= MUX_WINDOW / 2 - 1;
    mux_taken(pair.listener.mux, there->channel, MUX_WINDOW / 2 - 1);
    assert_false(mux_has_output(pair.listener.mux)); /* below half a window nothing is sent */
    there->untaken -= 1;
    mux_taken(pair.listener.mux, there->channel, 1);
    mux_pair_pump(&pair);
    assert_int_equal(buffer_size(&there->received), MUX_WINDOW + 1000);
}

static void a_full_queue_says_so_and_then_that_there_is_room(void **state)
{
    pair.listener.slow = true;
    struct owner *here = mux_end_open(&pair.dialer);
    size_t taken, total = 0;
    int status;
    while ((status = mux_send(pair.dialer.mux, here->channel, FRAME_DATA, span_of(bytes_of_window, 50000),
                              &taken)) == 0)
        total += taken;
    assert_int_equal(status, UV_EAGAIN);
    assert_in_range(total, MUX_QUEUE_MAX - 50000, MUX_QUEUE_MAX);
    assert_int_equal(
        mux_send(pair.dialer.mux, here->channel, FRAME_MESSAGE, span_of(bytes_of_window, 5000), NULL),
        UV_EAGAIN);
    owner_send(here, FRAME_FIN, NULL, 0); /* FIN always fits */
    assert_int_equal(here->writable, 0);
    mux_pair_pump(&pair);
    struct owner *there = mux_end_owner(&pair.listener, here->channel);
    assert_in_range(there->untaken, MUX_WINDOW - FRAME_MUX_PAYLOAD_MAX, MUX_WINDOW); /* frames go whole */
    assert_false(there->fin);
    owner_take(there);
    there->slow = false;
    mux_pair_pump(&pair);
    assert_int_equal(here->writable, 1);
    assert_int_equal(buffer_size(&there->received), total);
    assert_true(there->fin);
}

static void what_send_room_says_is_taken_whole_even_when_full_of_markers(void **state)
{
    static uint8_t markers[MUX_QUEUE_MAX];
    for (size_t at = 0; at < sizeof(markers); at += MUX_MARKER_SIZE)
        memcpy(markers + at, MUX_MARKER, MUX_MARKER_SIZE);
    pair.listener.slow = true;
    struct owner *here = mux_end_open(&pair.dialer);
    assert_int_equal(mux_send_room(pair.dialer.mux, here->channel + 1), 0);
    size_t room, total = 0;
    while ((room = mux_send_room(pair.dialer.mux, here->channel)) > 0) {
        owner_send(here, FRAME_DATA, markers + total % MUX_MARKER_SIZE, room);
        total += room;
    }
    assert_true(total > MUX_QUEUE_MAX / 4);
    mux_pair_pump(&pair);
    assert_int_equal(here->writable, 1);
    assert_true(mux_send_room(pair.dialer.mux, here->channel) > 0);
    assert_int_equal(buffer_size(&mux_end_owner(&pair.listener, here->channel)->received),
                     total < MUX_WINDOW ? total : MUX_WINDOW);
}

static void the_largest_message_always_comes_through(void **state)
{
    struct owner *here = mux_end_open(&pair.dialer);
    for (int i = 0; i < 20; i++) {
        owner_send(here, FRAME_DATA, bytes_of_window, (size_t)i * 997);
        owner_send(here, FRAME_MESSAGE, bytes_of_window, MUX_MESSAGE_MAX);
        mux_pair_pump(&pair);
        assert_int_equal(mux_end_owner(&pair.listener, here->channel)->messages, i + 1);
    }
    assert_int_equal(mux_send(pair.dialer.mux, here->channel, FRAME_MESSAGE,
                              span_of(bytes_of_window, MUX_MESSAGE_MAX + 1), NULL),
                     STATUS_TOO_LARGE);
    assert_int_equal(mux_send(pair.dialer.mux, here->channel, FRAME_DATAGRAM,
                              span_of(bytes_of_window, FRAME_DATAGRAM_MAX + 1), NULL),
                     STATUS_TOO_LARGE);
}

static void a_slow_reader_stops_nobody_else(void **state)
{
    pair.listener.slow = true;
    struct owner *stuck = mux_end_open(&pair.dialer);
    owner_send(stuck, FRAME_DATA, bytes_of_window, MUX_WINDOW + 100000);
    mux_pair_pump(&pair);
    pair.listener.slow = false;
    struct owner *quick = mux_end_open(&pair.dialer);
    for (int i = 0; i < 10; i++) {
        owner_send(quick, FRAME_DATA, bytes_of_window, MUX_WINDOW);
        mux_pair_pump(&pair);
    }
    assert_int_equal(buffer_size(&mux_end_owner(&pair.listener, quick->channel)->received), 10 * MUX_WINDOW);
    assert_int_equal(mux_end_owner(&pair.listener, stuck->channel)->untaken, MUX_WINDOW);
}

static void channels_take_turns_and_channel_1_goes_first(void **state)
{
    struct owner *owners[4];
    for (size_t i = 0; i < 4; i++)
        owners[i] = mux_end_open(&pair.dialer);
    for (size_t i = 4; i-- > 1;) {
        for (int frame = 0; frame < 3; frame++)
            owner_send(owners[i], FRAME_DATAGRAM, "x", 1);
    }
    owner_send(owners[0], FRAME_DATAGRAM, "x", 1);
    owner_send(owners[0], FRAME_DATAGRAM, "x", 1);
    static const uint32_t ORDER[] = {1, 1, 4, 3, 2, 4, 3, 2, 4, 3, 2};
    uint8_t frame[FRAME_HEADER_SIZE + 1];
    for (size_t i = 0; i < sizeof(ORDER) / sizeof(ORDER[0]); i++) {
        assert_int_equal(mux_produce(pair.dialer.mux, frame, sizeof(frame)), sizeof(frame));
        struct frame_header header;
        assert_int_equal(frame_header_decode(frame, &header), 0);
        assert_int_equal(header.channel, ORDER[i]);
    }
    assert_false(mux_has_output(pair.dialer.mux));
}

static void first_frames_may_overtake_each_other(void **state)
{
    struct owner *owners[MUX_CHANNELS_MAX];
    for (size_t i = 0; i < MUX_CHANNELS_MAX; i++)
        owners[i] = mux_end_open(&pair.dialer);
    uint32_t refused;
    assert_int_equal(mux_open(pair.dialer.mux, owners, &refused), STATUS_LIMIT);
    for (size_t i = MUX_CHANNELS_MAX; i-- > 0;) {
        owner_send(owners[i], FRAME_DATA, "late", 4);
        mux_pair_pump(&pair);
        assert_true(owner_received(mux_end_owner(&pair.listener, owners[i]->channel), span_of_text("late")));
    }
    assert_int_equal(mux_channel_count(pair.listener.mux), MUX_CHANNELS_MAX);
}

static void a_refused_channel_is_reset_with_a_limit(void **state)
{
    pair.listener.refuses = true;
    struct owner *here = mux_end_open(&pair.dialer);
    owner_send(here, FRAME_DATA, "anybody?", 8);
    mux_pair_pump(&pair);
    assert_true(here->reset);
    assert_int_equal(here->reset_status, STATUS_LIMIT);
    assert_int_equal(mux_channel_count(pair.listener.mux), 0);
}

static void thousands_of_channels_one_after_another_leave_nothing(void **state)
{
    for (int i = 0; i < 5000; i++) {
        struct owner *here = mux_end_open(&pair.dialer);
        owner_send(here, FRAME_DATA, "x", 1);
        mux_end_produce(&pair.dialer, 100);
        mux_end_deliver(&pair.dialer, &pair.listener, 100);
        owner_close(i % 2 == 0 ? here : mux_end_owner(&pair.listener, here->channel), STATUS_GONE, "");
        mux_pair_pump(&pair);
        assert_int_equal(mux_channel_count(pair.dialer.mux), 0);
        assert_int_equal(mux_channel_count(pair.listener.mux), 0);
    }
}

static void markers_in_data_are_cut_and_arrive_whole(void **state)
{
    uint8_t bytes[1000];
    memset(bytes, 0xff, sizeof(bytes));
    for (size_t at = 0; at + 70 < sizeof(bytes); at += 70) {
        memcpy(bytes + at, at % 140 == 0 ? MUX_MARKER : MUX_MARKER_ANSWER, MUX_MARKER_SIZE);
        memcpy(bytes + at + MUX_MARKER_SIZE, MUX_MARKER, MUX_MARKER_SIZE);
    }
    struct owner *here = mux_end_open(&pair.dialer);
    struct buffer expected;
    buffer_init(&expected, 1 << 20);
    for (size_t size = 1; size <= sizeof(bytes); size += 31) {
        owner_send(here, FRAME_DATA, bytes, size);
        assert_int_equal(buffer_append(&expected, bytes, size), 0);
        mux_pair_pump(&pair);
    }
    struct owner *there = mux_end_owner(&pair.listener, here->channel);
    assert_true(owner_received(there, buffer_span(&expected)));
    owner_send(there, FRAME_DATA, bytes, sizeof(bytes));
    mux_pair_pump(&pair);
    assert_true(owner_received(here, span_of(bytes, sizeof(bytes))));
    buffer_finish(&expected);
    assert_int_equal(pair.listener.synced, 1);
}

static void a_marker_across_two_sends_and_across_header_and_payload_is_none(void **state)
{
    struct owner *here = mux_end_open(&pair.dialer);
    for (size_t cut = 2; cut < MUX_MARKER_SIZE; cut++) {
        owner_send(here, FRAME_DATA, MUX_MARKER, cut);
        owner_send(here, FRAME_DATA, MUX_MARKER + cut, MUX_MARKER_SIZE - cut);
        owner_send(here, FRAME_MESSAGE, MUX_MARKER,
                   cut - 1); /* 15 bytes, which both markers share, are one */
        owner_send(here, FRAME_MESSAGE, MUX_MARKER + cut - 1, MUX_MARKER_SIZE + 1 - cut);
    }
    mux_pair_pump(&pair);
    assert_int_equal(pair.listener.synced, 1);
    assert_int_equal(buffer_size(&mux_end_owner(&pair.listener, here->channel)->received),
                     28 * MUX_MARKER_SIZE);
}

static void a_datagram_with_a_marker_is_lost_and_a_message_refused(void **state)
{
    struct owner *here = mux_end_open(&pair.dialer);
    owner_send(here, FRAME_DATAGRAM, MUX_MARKER, MUX_MARKER_SIZE);
    assert_int_equal(
        mux_send(pair.dialer.mux, here->channel, FRAME_MESSAGE, span_of(MUX_MARKER, MUX_MARKER_SIZE), NULL),
        STATUS_INVALID);
    owner_send(here, FRAME_DATAGRAM, "next", 4);
    mux_pair_pump(&pair);
    assert_int_equal(mux_end_owner(&pair.listener, here->channel)->datagrams, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    for (size_t i = 0; i < sizeof(bytes_of_window); i++)
        bytes_of_window[i] = (uint8_t)(i * 7 % 251);
    const struct CMUnitTest tests[] = {
        TEST(a_first_frame_opens_the_channel_and_both_ways_carry_bytes),
        TEST(fin_closes_one_way_only),
        TEST(a_close_before_the_end_is_a_reset_with_its_reason),
        TEST(a_reset_in_the_middle_of_a_frame_leaves_the_stream_whole),
        TEST(a_channel_that_said_nothing_goes_without_a_trace),
        TEST(credit_stops_a_sender_and_taking_lets_it_go_on),
        TEST(a_full_queue_says_so_and_then_that_there_is_room),
        TEST(what_send_room_says_is_taken_whole_even_when_full_of_markers),
        TEST(the_largest_message_always_comes_through),
        TEST(a_slow_reader_stops_nobody_else),
        TEST(channels_take_turns_and_channel_1_goes_first),
        TEST(first_frames_may_overtake_each_other),
        TEST(a_refused_channel_is_reset_with_a_limit),
        TEST(thousands_of_channels_one_after_another_leave_nothing),
        TEST(markers_in_data_are_cut_and_arrive_whole),
        TEST(a_marker_across_two_sends_and_across_header_and_payload_is_none),
        TEST(a_datagram_with_a_marker_is_lost_and_a_message_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
