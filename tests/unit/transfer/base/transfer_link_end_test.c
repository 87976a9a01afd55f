/* SPDX-License-Identifier: MIT */
/* Every way in which a link ends, at every moment. */
#include <sched.h>
#include <sys/socket.h>

#include "protocol/base/status.h"
#include "tests/unit/transfer/base/two_ends.h"

#define BOTH_END RUN_UNTIL_WITHIN(30000, giver.ends == 1 && taker.ends == 1)

static struct peer wire; /* where the other end is played by hand */

static void connect_by_hand(void)
{
    int fds[2];
    socket_pair(fds);
    peer_init(&wire, fds[0]);
    end_create(&taker, socket_stream(fds[1], true));
}

static void expect_reset(int expected)
{
    struct frame_header header;
    struct buffer payload;
    int status;
    char text[TEXT_REASON_MAX + 1];
    RUN_UNTIL(peer_take_frame(&wire, &header, &payload));
    assert_int_equal(header.type, FRAME_RST);
    assert_int_equal(frame_rst_decode(buffer_span(&payload), &status, text), 0);
    assert_int_equal(status, expected);
    buffer_finish(&payload);
    peer_finish(&wire);
}

static void a_broken_engine_is_told_to_both(void **state)
{
    taker.script.fails_at = 5;
    two_ends_connect(20, FILES_CHUNK_SIZE);
    BOTH_END;
    assert_int_equal(taker.status, UV_EIO);
    assert_string_equal(taker.text, "the fake is broken");
    assert_int_equal(giver.status, UV_EIO);
    assert_string_equal(giver.text, "the fake is broken");
    end_close(&giver, false);
    RUN_UNTIL(giver.closed == 1);
    assert_false(giver.script.discarded);
}

static void a_cancelled_transfer_is_discarded_on_both_sides(void **state)
{
    taker.script.held = true;
    two_ends_connect(20, FILES_CHUNK_SIZE);
    RUN_UNTIL(giver.script.produced > 0);
    end_close(&giver, true);
    RUN_UNTIL(taker.ends == 1);
    assert_int_equal(taker.status, UV_ECANCELED);
    end_close(&taker, false); /* although its owner does not say so */
    RUN_UNTIL(giver.closed == 1 && taker.closed == 1);
    assert_true(giver.script.discarded);
    assert_true(taker.script.discarded);
}

/* The engine may never be able to go on: it must not wait for that to hear that nobody wants it any more. */
static void a_paused_engine_hears_that_it_was_cancelled(void **state)
{
    for (size_t lost = 0; lost < 2; lost++) {
        taker.script.unwilling_at = 5;
        taker.script.unwilling_for = SIZE_MAX;
        taker.script.pauses = true;
        two_ends_connect(64, FILES_CHUNK_SIZE);
        size_t before = 1;
        while (taker.script.refused == 0 || before != giver.script.produced) {
            before = giver.script.produced;
            wakeups_within(50);
        }
        assert_true(before < 20 * FILES_CHUNK_SIZE);
        size_t refused = taker.script.refused;
        end_close(&giver, lost == 0);
        RUN_UNTIL(taker.ends == 1);
        assert_int_equal(taker.status, lost == 0 ? UV_ECANCELED : UV_ECONNRESET);
        assert_true(taker.script.refused <= refused + 1);
        two_ends_renew();
    }
}

static void fill_the_stream(void)
{
    size_t before = 1;
    while (before != giver.script.produced) {
        before = giver.script.produced;
        wakeups_within(50);
    }
}

/* The stream to the taker is full when the word comes. */
static void a_full_stream_still_says_why(void **state)
{
    taker.script.held = taker.script.cancels_slowly = true;
    two_ends_connect(64, FILES_CHUNK_SIZE);
    fill_the_stream();
    end_close(&giver, true);
    wakeups_within(20);
    assert_int_equal(giver.closed, 0);
    taker.script.held = false;
    RUN_UNTIL(taker.ends == 1 && giver.closed == 1);
    assert_int_equal(taker.status, UV_ECANCELED);
}

static void nobody_waits_long_for_one_who_does_not_read(void **state)
{
    taker.script.held = taker.script.cancels_slowly = true;
    two_ends_connect(64, FILES_CHUNK_SIZE);
    fill_the_stream();
    end_close(&giver, true);
    RUN_UNTIL(giver.closed == 1);
    assert_int_equal(taker.ends, 0);
}

static void a_link_that_is_just_closed_can_be_resumed(void **state)
{
    taker.script.held = true;
    two_ends_connect(20, FILES_CHUNK_SIZE);
    RUN_UNTIL(giver.script.produced > 0);
    end_close(&giver, false);
    taker.script.held = false;
    RUN_UNTIL(taker.ends == 1);
    assert_int_equal(taker.status, UV_ECONNRESET);
    end_close(&taker, false);
    RUN_UNTIL(giver.closed == 1 && taker.closed == 1);
    assert_false(giver.script.discarded);
    assert_false(taker.script.discarded);
}

static void what_came_before_a_cut_is_still_taken(void **state)
{
    taker.script.chunks = 5;
    taker.script.held = true;
    connect_by_hand();
    peer_write_frame(&wire, FRAME_MESSAGE, "M", 1);
    peer_write_frame(&wire, FRAME_MESSAGE, "M", 1);
    peer_finish(&wire);
    assert_int_equal(wakeups_within(20) > 0, 1);
    taker.script.held = false;
    RUN_UNTIL(taker.ends == 1);
    assert_int_equal(taker.status, UV_ECONNRESET);
    assert_int_equal(taker.script.takes, 2);
}

static void an_end_behind_the_work_is_none(void **state)
{
    taker.script.chunks = taker.script.chunk_size = 1;
    connect_by_hand();
    peer_write_frame(&wire, FRAME_MESSAGE, "CHUNK", 5);
    peer_write_frame(&wire, FRAME_DATA, "\0", 1);
    peer_write_frame(&wire, FRAME_MESSAGE, "K", 1);
    struct frame_header header;
    struct buffer payload;
    RUN_UNTIL(peer_take_frame(&wire, &header, &payload));
    assert_memory_equal(buffer_span(&payload).data, "D", 1);
    buffer_finish(&payload);
    peer_write_frame(&wire, FRAME_FIN, NULL, 0);
    peer_finish(&wire);
    RUN_UNTIL(taker.ends == 1);
    assert_int_equal(taker.status, 0);
}

static void fin_too_early_is_refused(void **state)
{
    taker.script.chunks = 1;
    connect_by_hand();
    peer_write_frame(&wire, FRAME_FIN, NULL, 0);
    RUN_UNTIL(taker.ends == 1);
    assert_int_equal(taker.status, STATUS_UNEXPECTED);
    expect_reset(STATUS_UNEXPECTED);
}

static void more_data_than_a_chunk_is_refused(void **state)
{
    static uint8_t bytes[FRAME_DATA_MAX];
    connect_by_hand();
    peer_write_frame(&wire, FRAME_DATA, bytes, FRAME_DATA_MAX);
    peer_write_frame(&wire, FRAME_DATA, bytes, 1);
    RUN_UNTIL(taker.ends == 1);
    assert_int_equal(taker.status, STATUS_MALFORMED);
    expect_reset(STATUS_MALFORMED);
}

static void frames_that_mean_nothing_here_are_refused(void **state)
{
    connect_by_hand();
    peer_write_frame(&wire, FRAME_DATAGRAM, "x", 1);
    RUN_UNTIL(taker.ends == 1);
    assert_int_equal(taker.status, STATUS_UNEXPECTED);
    expect_reset(STATUS_UNEXPECTED);
    two_ends_renew();
    taker.script.held = true; /* FIN is not looked at before the frame behind it comes */
    connect_by_hand();
    peer_write_frame(&wire, FRAME_FIN, NULL, 0);
    peer_write_frame(&wire, FRAME_MESSAGE, "M", 1);
    RUN_UNTIL(taker.ends == 1);
    assert_int_equal(taker.status, STATUS_UNEXPECTED);
    expect_reset(STATUS_UNEXPECTED);
}

static void a_flood_of_messages_is_cut_off(void **state)
{
    static uint8_t bytes[FRAME_MESSAGE_MAX], frame[FRAME_HEADER_SIZE + FRAME_MESSAGE_MAX];
    taker.script.held = true;
    connect_by_hand();
    frame_put(frame, FRAME_MESSAGE, bytes, sizeof(bytes));
    size_t at = 0, sent_all = 0;
    while (taker.ends == 0 && sent_all < 200 * sizeof(frame)) {
        ssize_t sent = send(wire.fd, frame + at, sizeof(frame) - at, MSG_NOSIGNAL);
        if (sent > 0) {
            at = (at + (size_t)sent) % sizeof(frame);
            sent_all += (size_t)sent;
        }
        uv_run(&uv, UV_RUN_NOWAIT);
        sched_yield();
    }
    assert_int_equal(taker.ends, 1);
    assert_true(sent_all < 100 * sizeof(frame));
    assert_int_equal(taker.status, STATUS_LIMIT);
    peer_finish(&wire);
}

static void a_reset_that_makes_no_sense_is_a_lost_link(void **state)
{
    connect_by_hand();
    peer_write_frame(&wire, FRAME_RST, "\0\0\0\5\xff", 5); /* no text */
    RUN_UNTIL(taker.ends == 1);
    assert_int_equal(taker.status, UV_ECONNRESET);
    peer_finish(&wire);
}

static void links_can_be_closed_from_their_callbacks(void **state)
{
    for (unsigned moments = 0; moments < 16; moments++) {
        giver.close_at = moments & 3;
        taker.close_at = moments >> 2;
        giver.discards = taker.discards = moments % 3 == 0;
        two_ends_connect(6, FILES_CHUNK_SIZE);
        RUN_UNTIL((giver.ends == 1 || giver.closed == 1) && (taker.ends == 1 || taker.closed == 1));
        two_ends_renew();
    }
}

/* The loop runs one step more each time, until the work is done before the close comes. */
static void links_can_be_closed_at_every_moment(void **state)
{
    bool finished = false;
    for (size_t steps = 0; steps < 400 && !finished; steps++) {
        struct one_end *closes = steps % 2 == 0 ? &giver : &taker;
        struct one_end *other = steps % 2 == 0 ? &taker : &giver;
        taker.script.cancels_slowly = steps % 5 == 0;
        two_ends_connect(8, FILES_CHUNK_SIZE / (steps % 3 + 1));
        for (size_t i = 0; i < steps && giver.ends + taker.ends < 2; i++)
            uv_run(&uv, UV_RUN_ONCE);
        finished = steps > 100 && giver.ends == 1 && taker.ends == 1;
        end_close(closes, steps % 4 < 2);
        RUN_UNTIL(other->ends == 1 && closes->closed == 1);
        two_ends_renew();
    }
}

static void an_engine_that_does_not_listen_is_waited_for(void **state)
{
    taker.script.held = taker.script.cancels_slowly = true;
    two_ends_connect(2, 1000);
    wakeups_within(20);
    end_close(&taker, true);
    assert_int_equal(taker.closed, 0);
    wakeups_within(50);
    assert_int_equal(taker.closed + (size_t)taker.script.destroyed, 0);
    taker.script.held = false;
    RUN_UNTIL(taker.closed == 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, two_ends_setup, two_ends_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_broken_engine_is_told_to_both),
        TEST(a_cancelled_transfer_is_discarded_on_both_sides),
        TEST(a_paused_engine_hears_that_it_was_cancelled),
        TEST(a_full_stream_still_says_why),
        TEST(nobody_waits_long_for_one_who_does_not_read),
        TEST(a_link_that_is_just_closed_can_be_resumed),
        TEST(what_came_before_a_cut_is_still_taken),
        TEST(an_end_behind_the_work_is_none),
        TEST(fin_too_early_is_refused),
        TEST(more_data_than_a_chunk_is_refused),
        TEST(frames_that_mean_nothing_here_are_refused),
        TEST(a_flood_of_messages_is_cut_off),
        TEST(a_reset_that_makes_no_sense_is_a_lost_link),
        TEST(links_can_be_closed_from_their_callbacks),
        TEST(links_can_be_closed_at_every_moment),
        TEST(an_engine_that_does_not_listen_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
