/* SPDX-License-Identifier: MIT */
/* The mux against a peer that breaks the rules: hand-made frames to a synced dialer or listener. */
#include "protocol/base/status.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/wire/mux_pair.h"

#include <string.h>

static struct mux_pair pair;
static uint8_t zeroes[FRAME_MESSAGE_MAX];

static int setup(void **state)
{
    mux_pair_init(&pair);
    mux_pair_sync(&pair);
    return 0;
}

static int teardown(void **state)
{
    mux_pair_finish(&pair);
    return 0;
}

static int feed(struct mux_end *end, enum frame_type type, uint32_t channel, const void *payload, size_t size)
{
    const struct frame_header header = {.length = (uint32_t)size, .channel = channel, .type = (uint8_t)type};
    uint8_t bytes[FRAME_HEADER_SIZE];
    frame_header_encode(&header, bytes);
    int status = mux_feed(end->mux, span_of(bytes, sizeof(bytes)));
    return status < 0 || size == 0 ? status : mux_feed(end->mux, span_of(payload, size));
}

#define FEED(type, channel, bytes) feed(&pair.listener, type, channel, bytes, sizeof(bytes) - 1)

static void channel_0_ends_the_mux(void **state)
{
    assert_int_equal(FEED(FRAME_MESSAGE, 0, "x"), STATUS_MALFORMED);
    assert_int_equal(FEED(FRAME_MESSAGE, 1, "x"), STATUS_MALFORMED); /* and stays so until the reset */
    assert_int_equal(feed(&pair.dialer, FRAME_DATA, 0, "x", 1), STATUS_MALFORMED);
    assert_null(pair.listener.owners);
}

static void a_listener_can_open_no_channel(void **state)
{
    assert_int_equal(feed(&pair.dialer, FRAME_DATA, 1, "x", 1), STATUS_MALFORMED);
}

static void a_listener_can_use_no_channel_before_the_dialer_did(void **state)
{
    struct owner *here = mux_end_open(&pair.dialer);
    assert_int_equal(feed(&pair.dialer, FRAME_DATA, here->channel, "x", 1), STATUS_MALFORMED);
}

static void credit_of_0_or_above_the_window_ends_the_mux(void **state)
{
    static const char *const AMOUNTS[] = {"\0\0\0\0", "\0\0\0\1", "\377\377\377\377", "\0\4\0\0",
                                          "\0\3\377\377"};
    for (size_t i = 0; i < sizeof(AMOUNTS) / sizeof(AMOUNTS[0]); i++) {
        assert_int_equal(FEED(FRAME_DATA, 1, "x"), 0); /* nothing was sent on it: full credit */
        /* what ends in 0xff may be the start of a SYNC until one more byte has come */
        int status = feed(&pair.listener, FRAME_CREDIT, 1, AMOUNTS[i], 4);
        assert_int_equal(status, AMOUNTS[i][3] == '\377' ? 0 : STATUS_MALFORMED);
        assert_int_equal(mux_feed(pair.listener.mux, span_of_text("x")), STATUS_MALFORMED);
        mux_reset(pair.listener.mux);
        mux_pair_sync(&pair);
    }
}

static void credit_for_a_channel_never_opened_ends_the_mux(void **state)
{
    assert_int_equal(FEED(FRAME_CREDIT, 5, "\0\0\0\1"), STATUS_MALFORMED);
}

static void late_frames_of_ended_channels_are_dropped(void **state)
{
    assert_int_equal(FEED(FRAME_DATA, 1, "x"), 0);
    assert_int_equal(FEED(FRAME_RST, 1, "\377\377\330\340gone"), 0);
    assert_true(pair.listener.owners->reset);
    assert_int_equal(FEED(FRAME_CREDIT, 1, "\0\0\0\1"), 0);
    assert_int_equal(FEED(FRAME_DATA, 1, "x"), 0);
    assert_int_equal(FEED(FRAME_MESSAGE, 1, "x"), 0);
    assert_int_equal(FEED(FRAME_FIN, 1, ""), 0);
    assert_int_equal(FEED(FRAME_RST, 1, "\377\377\330\340"), 0);
    assert_int_equal(mux_channel_count(pair.listener.mux), 0);
    assert_null(pair.listener.owners->next);
    assert_false(mux_has_output(pair.listener.mux));
}

static void a_reset_opens_no_channel(void **state)
{
    assert_int_equal(FEED(FRAME_RST, 9, "\377\377\330\340"), 0);
    assert_int_equal(FEED(FRAME_DATA, 9, "x"), 0);
    assert_null(pair.listener.owners);
}

static void an_ill_formed_reset_ends_the_mux(void **state)
{
    assert_int_equal(FEED(FRAME_DATA, 1, "x"), 0);
    assert_int_equal(FEED(FRAME_RST, 1, "\377\377\330\340\200 \0 "), STATUS_MALFORMED);
}

static void anything_after_fin_ends_the_mux(void **state)
{
    static const enum frame_type TYPES[] = {FRAME_DATA, FRAME_MESSAGE, FRAME_DATAGRAM, FRAME_FIN};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(FEED(FRAME_FIN, 1, ""), 0);
        assert_int_equal(feed(&pair.listener, TYPES[i], 1, "x", TYPES[i] == FRAME_FIN ? 0 : 1),
                         STATUS_MALFORMED);
        mux_reset(pair.listener.mux);
        mux_pair_sync(&pair);
    }
}

static void more_than_the_window_ends_the_mux(void **state)
{
    pair.listener.slow = true;
    for (size_t sent = 0; sent < MUX_WINDOW; sent += FRAME_MUX_PAYLOAD_MAX)
        assert_int_equal(feed(&pair.listener, FRAME_DATA, 1, zeroes, FRAME_MUX_PAYLOAD_MAX), 0);
    assert_int_equal(pair.listener.owners->untaken, MUX_WINDOW);
    assert_int_equal(FEED(FRAME_DATAGRAM, 1, ""), 0);
    assert_int_equal(FEED(FRAME_DATA, 1, "x"), STATUS_MALFORMED);
}

static void taken_bytes_count_until_their_credit_is_sent(void **state)
{
    for (size_t sent = 0; sent < MUX_WINDOW; sent += FRAME_MUX_PAYLOAD_MAX)
        assert_int_equal(feed(&pair.listener, FRAME_DATA, 1, zeroes, FRAME_MUX_PAYLOAD_MAX), 0);
    assert_int_equal(pair.listener.owners->untaken, 0);
    mux_end_produce(&pair.listener, FRAME_HEADER_SIZE + 4);
    const uint8_t expected[] = {0, 0, 0, 4, 0, 0, 0, 1, FRAME_CREDIT, 0, 0, 0, 0, 4, 0, 0};
    assert_memory_equal(buffer_span(&pair.listener.wire).data, expected, sizeof(expected));
    assert_int_equal(FEED(FRAME_DATA, 1, "x"), 0);
}

static void frames_above_the_muxs_own_limits_end_it(void **state)
{
    assert_int_equal(feed(&pair.listener, FRAME_DATA, 1, zeroes, FRAME_MUX_PAYLOAD_MAX + 1),
                     STATUS_TOO_LARGE);
    mux_reset(pair.listener.mux);
    mux_pair_sync(&pair);
    assert_int_equal(feed(&pair.listener, FRAME_MESSAGE, 1, zeroes, MUX_MESSAGE_MAX + 1), STATUS_TOO_LARGE);
    mux_reset(pair.listener.mux);
    mux_pair_sync(&pair);
    assert_int_equal(feed(&pair.listener, FRAME_MESSAGE, 1, zeroes, FRAME_MESSAGE_MAX), STATUS_TOO_LARGE);
}

static void channels_above_the_limit_are_refused(void **state)
{
    for (uint32_t channel = 1; channel <= MUX_CHANNELS_MAX; channel++)
        assert_int_equal(FEED(FRAME_DATA, channel, "x"), 0);
    assert_int_equal(mux_channel_count(pair.listener.mux), MUX_CHANNELS_MAX);
    assert_int_equal(FEED(FRAME_DATA, 70000, "x"), 0);
    assert_null(mux_end_owner(&pair.listener, 70000));
    mux_end_produce(&pair.listener, 1000);
    struct span wire = buffer_span(&pair.listener.wire);
    struct frame_header header;
    assert_int_equal(frame_header_decode(wire.data, &header), 0);
    assert_int_equal(header.type, FRAME_RST);
    assert_int_equal(header.channel, 70000);
    int status;
    char text[TEXT_REASON_MAX + 1];
    assert_int_equal(frame_rst_decode(span_of(wire.data + FRAME_HEADER_SIZE, header.length), &status, text),
                     0);
    assert_int_equal(status, STATUS_LIMIT);
}

static void a_flood_of_channels_without_reading_ends_the_mux(void **state)
{
    pair.listener.refuses = true;
    uint32_t channel = 0;
    int status = 0;
    while (status == 0 && channel < 1000000)
        status = FEED(FRAME_DATA, ++channel, "x");
    assert_int_equal(status, STATUS_TOO_LARGE);
    assert_int_equal(channel, 2 * MUX_CHANNELS_MAX + 1);
}

static void a_flood_of_opened_and_reset_channels_leaves_nothing(void **state)
{
    for (uint32_t channel = 1; channel < 20000; channel++) {
        assert_int_equal(FEED(FRAME_DATA, channel, "x"), 0);
        if (channel % 2 == 0) /* refuse it: the RST waits, but the peer's own takes its place */
            owner_close(pair.listener.owners, STATUS_LIMIT, "no");
        assert_int_equal(FEED(FRAME_RST, channel, "\377\377\330\340"), 0);
    }
    assert_int_equal(mux_channel_count(pair.listener.mux), 0);
    assert_false(mux_has_output(pair.listener.mux));
}

static void channel_numbers_at_the_end_of_their_range_work(void **state)
{
    static const uint32_t NUMBERS[] = {1, 4294966271u, 4294967295u, 4294967294u};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(feed(&pair.listener, FRAME_DATA, NUMBERS[i], "x", 1), 0);
        assert_int_equal(mux_channel_count(pair.listener.mux), i + 1);
    }
    assert_int_equal(FEED(FRAME_DATA, 2, "x"), 0); /* too far below to be told from an ended one */
    assert_int_equal(mux_channel_count(pair.listener.mux), 4);
}

static void a_peer_that_never_reads_fills_a_bounded_queue(void **state)
{
    assert_int_equal(FEED(FRAME_DATA, 1, "x"), 0);
    size_t taken, total = 0;
    while (mux_send(pair.listener.mux, 1, FRAME_DATA, span_of(zeroes, 10000), &taken) == 0)
        total += taken;
    assert_true(total <= MUX_QUEUE_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(channel_0_ends_the_mux),
        TEST(a_listener_can_open_no_channel),
        TEST(a_listener_can_use_no_channel_before_the_dialer_did),
        TEST(credit_of_0_or_above_the_window_ends_the_mux),
        TEST(credit_for_a_channel_never_opened_ends_the_mux),
        TEST(late_frames_of_ended_channels_are_dropped),
        TEST(a_reset_opens_no_channel),
        TEST(an_ill_formed_reset_ends_the_mux),
        TEST(anything_after_fin_ends_the_mux),
        TEST(more_than_the_window_ends_the_mux),
        TEST(taken_bytes_count_until_their_credit_is_sent),
        TEST(frames_above_the_muxs_own_limits_end_it),
        TEST(channels_above_the_limit_are_refused),
        TEST(a_flood_of_channels_without_reading_ends_the_mux),
        TEST(a_flood_of_opened_and_reset_channels_leaves_nothing),
        TEST(channel_numbers_at_the_end_of_their_range_work),
        TEST(a_peer_that_never_reads_fills_a_bounded_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
