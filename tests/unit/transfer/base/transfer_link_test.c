/* SPDX-License-Identifier: MIT */
/* Links that do their work: items, backpressure, engines that can't go on. */
#include "services/transfer/transfer_link.h"

#include "tests/unit/transfer/base/two_ends.h"

#define BOTH_END RUN_UNTIL_WITHIN(30000, giver.ends == 1 && taker.ends == 1)

static void expect_success(void)
{
    BOTH_END;
    assert_int_equal(giver.status, 0);
    assert_int_equal(taker.status, 0);
    assert_int_equal(taker.script.chunks_taken, taker.script.chunks);
}

static void chunks_arrive_and_both_ends_are_told(void **state)
{
    two_ends_connect(40, FILES_CHUNK_SIZE);
    expect_success();
    assert_true(taker.progress > 1);
    assert_int_equal(taker.moved_told, 40 * FILES_CHUNK_SIZE);
}

static void items_of_any_size_keep_their_bounds(void **state)
{
    static const size_t SIZES[] = {1, 11, 12, 13, 65535, 65536, 65537, 262144, 262145, 1048575};
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
        two_ends_connect(9, SIZES[i]);
        expect_success();
        two_ends_renew();
    }
}

static void many_messages_pass(void **state)
{
    giver.script.messages = 20000;
    two_ends_connect(1, 100);
    expect_success();
    assert_int_equal(taker.script.takes, 20000 + 3);
}

/* Sending stops when the receiving engine does, with a bounded amount under way, and nobody spins. */
static void a_held_engine_holds_the_other_end_back(void **state)
{
    taker.script.held = true;
    two_ends_connect(64, FILES_CHUNK_SIZE);
    size_t before = 1;
    while (before != giver.script.produced) {
        before = giver.script.produced;
        wakeups_within(100);
    }
    assert_true(giver.script.produced >= TRANSFER_OUT_MAX);
    assert_true(giver.script.produced <=
                TRANSFER_OUT_MAX + TRANSFER_IN_MAX + 2 * FILES_CHUNK_SIZE + 2 * FILES_CHUNK_SIZE);
    assert_true(wakeups_within(100) < 20);
    taker.script.held = false;
    expect_success();
}

static void what_cannot_be_taken_comes_again_after_a_while(void **state)
{
    taker.script.unwilling_at = 5; /* data */
    taker.script.unwilling_for = 2;
    two_ends_connect(20, FILES_CHUNK_SIZE);
    uint64_t begin = uv_hrtime();
    expect_success();
    assert_int_equal(taker.script.refused, 2);
    assert_in_range((uv_hrtime() - begin) / 1000000, 2 * TRANSFER_RETRY_MS, 20 * TRANSFER_RETRY_MS);
}

static void an_engine_can_wake_its_link_from_anywhere(void **state)
{
    taker.script.wakes = true;
    taker.script.unwilling_at = 5;
    taker.script.unwilling_for = 1;
    two_ends_connect(6, 1000);
    uint64_t begin = uv_hrtime();
    RUN_UNTIL(taker.script.refused == 1);
    uv_thread_t thread;
    assert_int_equal(uv_thread_create(&thread, taker.script.on_wake, taker.script.wake_ctx), 0);
    uv_thread_join(&thread);
    expect_success();
    assert_int_equal(taker.script.refused, 1);
    assert_true((uv_hrtime() - begin) / 1000000 < TRANSFER_RETRY_MS);
}

static void waking_in_vain_does_no_harm(void **state)
{
    taker.script.held = true;
    two_ends_connect(3, 1000);
    transfer_link_wake(taker.link);
    transfer_link_wake(giver.link);
    taker.script.held = false;
    expect_success();
    transfer_link_wake(taker.link);
    transfer_link_wake(giver.link);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, two_ends_setup, two_ends_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(chunks_arrive_and_both_ends_are_told),
        TEST(items_of_any_size_keep_their_bounds),
        TEST(many_messages_pass),
        TEST(a_held_engine_holds_the_other_end_back),
        TEST(what_cannot_be_taken_comes_again_after_a_while),
        TEST(an_engine_can_wake_its_link_from_anywhere),
        TEST(waking_in_vain_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
