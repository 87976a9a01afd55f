/* SPDX-License-Identifier: MIT */
/* The mux's synchronisation: stale bytes, repeats, restarts of either side, in any split. */
#include "protocol/base/status.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/wire/mux_pair.h"

#include <string.h>
#include <uv.h>

static struct mux_pair pair;

static int setup(void **state)
{
    mux_pair_init(&pair);
    return 0;
}

static int teardown(void **state)
{
    mux_pair_finish(&pair);
    return 0;
}

static void put_wire(struct mux_end *end, const void *bytes, size_t size)
{
    assert_int_equal(buffer_append(&end->wire, bytes, size), 0);
}

static void check_that_it_works(void)
{
    struct owner *here = mux_end_open(&pair.dialer);
    owner_send(here, FRAME_DATA, "ping", 4);
    mux_pair_pump(&pair);
    struct owner *there = mux_end_owner(&pair.listener, here->channel);
    assert_non_null(there);
    assert_true(owner_received(there, span_of_text("ping")));
    owner_send(there, FRAME_DATA, "pong", 4);
    mux_pair_pump(&pair);
    assert_true(owner_received(here, span_of_text("pong")));
}

static void nothing_is_sent_or_opened_before_the_sync(void **state)
{
    uint32_t channel;
    assert_int_equal(mux_open(pair.dialer.mux, &pair, &channel), STATUS_NOT_CONNECTED);
    assert_false(mux_has_output(pair.dialer.mux));
    assert_false(mux_has_output(pair.listener.mux));
    mux_sync(pair.dialer.mux);
    assert_true(mux_has_output(pair.dialer.mux));
    assert_int_equal(mux_end_produce(&pair.dialer, 1000), MUX_MARKER_SIZE + SESSION_ID_SIZE);
    assert_memory_equal(buffer_span(&pair.dialer.wire).data, MUX_MARKER, MUX_MARKER_SIZE);
    assert_int_equal(mux_open(pair.dialer.mux, &pair, &channel), STATUS_NOT_CONNECTED);
}

static void stale_bytes_before_the_sync_are_discarded(void **state)
{
    static const char LOGIN[] = "Debian GNU/Linux 12\r\nlogin: \xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
    put_wire(&pair.dialer, LOGIN, sizeof(LOGIN) - 1);
    put_wire(&pair.listener, LOGIN, sizeof(LOGIN) - 1);
    put_wire(&pair.listener, MUX_MARKER_ANSWER, MUX_MARKER_SIZE); /* an old answer, its nonce cut off */
    put_wire(&pair.listener, "12345", 5);
    put_wire(&pair.dialer, MUX_MARKER, MUX_MARKER_SIZE); /* an old SYNC, its nonce cut off */
    put_wire(&pair.dialer, "12345", 5);
    mux_pair_sync(&pair);
    check_that_it_works();
}

static void repeats_before_the_answer_are_answered_and_harmless(void **state)
{
    for (int i = 0; i < 3; i++) {
        mux_sync(pair.dialer.mux);
        mux_end_produce(&pair.dialer, 1000);
        mux_end_deliver(&pair.dialer, &pair.listener, 1000);
        mux_end_produce(&pair.listener, 1000);
    }
    mux_sync(pair.dialer.mux); /* queued when the answer arrives: not sent any more */
    assert_int_equal(pair.listener.markers[1], 3);
    for (size_t size; (size = buffer_size(&pair.listener.wire)) > 0;)
        mux_end_deliver(&pair.listener, &pair.dialer, 7);
    assert_int_equal(pair.dialer.synced, 1);
    assert_int_equal(pair.listener.synced, 1);
    assert_false(mux_has_output(pair.dialer.mux));
    check_that_it_works();
}

static void a_repeat_half_sent_when_the_answer_arrives_is_completed(void **state)
{
    mux_sync(pair.dialer.mux);
    mux_end_produce(&pair.dialer, 1000);
    mux_end_deliver(&pair.dialer, &pair.listener, 1000);
    mux_sync(pair.dialer.mux);
    mux_end_produce(&pair.dialer, 20);
    mux_pair_pump(&pair);
    assert_int_equal(pair.listener.markers[1], 2);
    assert_int_equal(pair.listener.synced, 1);
    check_that_it_works();
}

/* A session with a frame under way in both directions; then one side starts anew with `cut` bytes of its
 * frame sent. */
static void break_off(size_t cut)
{
    mux_pair_sync(&pair);
    struct owner *here = mux_end_open(&pair.dialer);
    uint8_t payload[40];
    memset(payload, 0xff, sizeof(payload)); /* looks like the start of a marker all the time */
    owner_send(here, FRAME_DATA, payload, sizeof(payload));
    mux_end_produce(&pair.dialer, cut);
    while (mux_end_deliver(&pair.dialer, &pair.listener, 1) > 0)
        continue;
    mux_reset(pair.dialer.mux);
    assert_true(here->reset);
    assert_int_equal(here->reset_status, STATUS_GONE);
}

static void a_new_sync_in_the_middle_of_a_frame_starts_afresh(void **state)
{
    for (size_t cut = 0; cut <= 52; cut++) {
        size_t synced = pair.listener.synced;
        break_off(cut);
        struct owner *there = pair.listener.owners;
        mux_sync(pair.dialer.mux);
        mux_end_produce(&pair.dialer, 1000);
        while (mux_end_deliver(&pair.dialer, &pair.listener, 1) > 0)
            continue;
        assert_int_equal(pair.listener.synced, synced + 2);
        if (there != NULL && there->channel == 1 && cut > FRAME_HEADER_SIZE)
            assert_true(there->reset);
        mux_pair_pump(&pair);
        check_that_it_works();
        mux_reset(pair.dialer.mux);
        mux_reset(pair.listener.mux);
    }
}

static void a_sync_after_garbage_in_one_piece_is_found(void **state)
{
    mux_pair_sync(&pair);
    struct owner *here = mux_end_open(&pair.dialer);
    owner_send(here, FRAME_DATA, "x", 1);
    mux_pair_pump(&pair);
    put_wire(&pair.dialer, "this is no frame at all, but a kernel's oops", 44);
    mux_reset(pair.dialer.mux);
    mux_sync(pair.dialer.mux);
    mux_end_produce(&pair.dialer, 1000);
    mux_end_deliver(&pair.dialer, &pair.listener, 1000);
    assert_int_equal(pair.listener.synced, 2);
    assert_true(mux_end_owner(&pair.listener, here->channel)->reset);
    mux_pair_pump(&pair);
    check_that_it_works();
}

static void what_only_looks_like_a_marker_is_still_an_error(void **state)
{
    mux_pair_sync(&pair);
    static const uint8_t BYTES[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                    0xff, 'H',  'O',  'S',  'P',  'E',  'T'};
    for (size_t i = 0; i + 1 < sizeof(BYTES); i++)
        assert_int_equal(mux_feed(pair.listener.mux, span_of(BYTES + i, 1)), 0);
    assert_int_equal(mux_feed(pair.listener.mux, span_of(BYTES + 13, 1)), STATUS_MALFORMED);
    assert_int_equal(mux_feed(pair.listener.mux, span_of("x", 1)), STATUS_MALFORMED);
    mux_reset(pair.listener.mux);
    assert_int_equal(mux_feed(pair.listener.mux, span_of("x", 1)), 0);
    mux_pair_sync(&pair);
    check_that_it_works();
}

static void the_dialer_believes_no_answer_with_another_nonce(void **state)
{
    mux_sync(pair.dialer.mux);
    mux_end_produce(&pair.dialer, 1000);
    buffer_finish(&pair.dialer.wire);
    put_wire(&pair.listener, MUX_MARKER_ANSWER, MUX_MARKER_SIZE);
    put_wire(&pair.listener, "another nonce...", SESSION_ID_SIZE);
    mux_end_deliver(&pair.listener, &pair.dialer, 1000);
    assert_false(mux_is_synced(pair.dialer.mux));
}

static void an_answer_to_the_sync_before_the_reset_is_no_answer(void **state)
{
    mux_sync(pair.dialer.mux);
    mux_end_produce(&pair.dialer, 1000);
    mux_end_deliver(&pair.dialer, &pair.listener, 1000);
    mux_end_produce(&pair.listener, 1000); /* on its way */
    mux_reset(pair.dialer.mux);
    mux_sync(pair.dialer.mux);
    mux_end_deliver(&pair.listener, &pair.dialer, 1000);
    assert_false(mux_is_synced(pair.dialer.mux));
    mux_pair_pump(&pair);
    assert_true(mux_is_synced(pair.dialer.mux));
    check_that_it_works();
}

static void a_lost_listener_is_found_again(void **state)
{
    mux_pair_sync(&pair);
    check_that_it_works();
    mux_reset(pair.listener.mux); /* the agent restarted */
    struct owner *lost = mux_end_open(&pair.dialer);
    owner_send(lost, FRAME_DATA, "into the void", 13);
    mux_pair_pump(&pair);
    assert_false(lost->reset);
    mux_sync(pair.dialer.mux); /* the heartbeat failed */
    assert_true(lost->reset);
    mux_pair_pump(&pair);
    check_that_it_works();
}

static void a_reset_tells_every_owner_once(void **state)
{
    mux_pair_sync(&pair);
    struct owner *owners[100];
    for (size_t i = 0; i < 100; i++) {
        owners[i] = mux_end_open(&pair.dialer);
        owner_send(owners[i], FRAME_DATA, "x", 1);
    }
    mux_pair_pump(&pair);
    mux_reset(pair.dialer.mux);
    mux_reset(pair.listener.mux);
    for (size_t i = 0; i < 100; i++) {
        assert_true(owners[i]->reset);
        assert_true(mux_end_owner(&pair.listener, owners[i]->channel)->reset);
    }
    assert_int_equal(mux_channel_count(pair.dialer.mux), 0);
    assert_false(mux_has_output(pair.dialer.mux));
    mux_reset(pair.dialer.mux);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* The listener that a dialer was talking to is gone; another one has its place and knows no sync. */
static void a_listener_started_anew_is_noticed_wherever_the_frames_stand(void **state)
{
    for (size_t cut = 0; cut <= 40; cut++) {
        for (size_t piece = 1; piece <= 40; piece += 13) {
            mux_pair_sync(&pair);
            struct owner *here = mux_end_open(&pair.dialer);
            owner_send(here, FRAME_DATA, "ping", 4);
            mux_pair_pump(&pair);
            struct owner *there = mux_end_owner(&pair.listener, here->channel);
            owner_send(there, FRAME_DATA, "some bytes of the old one...", 28);
            mux_end_produce(&pair.listener, cut); /* the rest is lost with it */
            mux_reset(pair.listener.mux);
            mux_ask_for_sync(pair.listener.mux);
            assert_int_equal(mux_end_produce(&pair.listener, 1000), MUX_MARKER_SIZE + SESSION_ID_SIZE);
            int status = 0;
            while (status == 0 && buffer_size(&pair.listener.wire) > 0) {
                struct span bytes = buffer_span(&pair.listener.wire);
                size_t size = bytes.size < piece ? bytes.size : piece;
                status = mux_feed(pair.dialer.mux, span_of(bytes.data, size));
                buffer_consume(&pair.listener.wire, size);
            }
            assert_int_equal(status, UV_ECONNRESET);
            teardown(state);
            setup(state);
        }
    }
}

static void a_wish_for_a_sync_means_nothing_to_a_dialer_that_is_about_to_send_one(void **state)
{
    mux_ask_for_sync(pair.listener.mux);
    mux_end_produce(&pair.listener, 20); /* half of it: the SYNC cuts it off */
    mux_pair_sync(&pair);
    check_that_it_works();
    mux_ask_for_sync(pair.listener.mux); /* synced: nothing to ask for */
    assert_false(mux_has_output(pair.listener.mux));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_sent_or_opened_before_the_sync),
        TEST(stale_bytes_before_the_sync_are_discarded),
        TEST(repeats_before_the_answer_are_answered_and_harmless),
        TEST(a_repeat_half_sent_when_the_answer_arrives_is_completed),
        TEST(a_new_sync_in_the_middle_of_a_frame_starts_afresh),
        TEST(a_sync_after_garbage_in_one_piece_is_found),
        TEST(what_only_looks_like_a_marker_is_still_an_error),
        TEST(the_dialer_believes_no_answer_with_another_nonce),
        TEST(an_answer_to_the_sync_before_the_reset_is_no_answer),
        TEST(a_lost_listener_is_found_again),
        TEST(a_reset_tells_every_owner_once),
        cmocka_unit_test_setup_teardown(a_listener_started_anew_is_noticed_wherever_the_frames_stand, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_wish_for_a_sync_means_nothing_to_a_dialer_that_is_about_to_send_one,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
