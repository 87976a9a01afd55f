/* SPDX-License-Identifier: MIT */
/* Refusals that come one by one and in floods, against what is told of them. */
#include "agent/features/refusals.h"

#include <string.h>

#include "protocol/base/status.h"
#include "protocol/wire/utf8.h"
#include "tests/unit/base/testing.h"

static uv_loop_t uv;
static struct refusals refusals;
static struct refusals_message told[8];
static size_t told_count;
static uint64_t told_at_ns[8];

static void on_tell(void *ctx, const struct refusals_message *message)
{
    assert_ptr_equal(ctx, &told_count);
    assert_true(told_count < 8);
    told_at_ns[told_count] = uv_hrtime();
    told[told_count++] = *message;
}

static int setup(void **state)
{
    told_count = 0;
    assert_int_equal(uv_loop_init(&uv), 0);
    refusals_init(&refusals, &uv, on_tell, &told_count);
    return 0;
}

static int teardown(void **state)
{
    refusals_close(&refusals);
    uv_run(&uv, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&uv), 0);
    return 0;
}

static void run_until_told(size_t count)
{
    uint64_t give_up_ns = uv_hrtime() + 5 * 1000000000ull;
    while (told_count < count && uv_hrtime() < give_up_ns)
        uv_run(&uv, UV_RUN_ONCE);
    assert_int_equal(told_count, count);
}

static void the_first_one_is_told_at_once(void **state)
{
    refusals_add(&refusals, STATUS_NOT_PAIRED, "vsock", "vsock CID 1");
    assert_int_equal(told_count, 1);
    assert_int_equal(told[0].count, 1);
    assert_int_equal(told[0].status, STATUS_NOT_PAIRED);
    assert_string_equal(told[0].link, "vsock");
    assert_string_equal(told[0].who, "vsock CID 1");
}

static void a_flood_is_counted_and_told_once_an_interval(void **state)
{
    uv_update_time(&uv);
    for (int i = 0; i < 100000; i++)
        refusals_add(&refusals, STATUS_NOT_ALLOWED, "unix", "uid 1000 (pid 12)");
    refusals_add(&refusals, STATUS_AUTHENTICATION_FAILED, "tcp", "192.0.2.7:4711");
    assert_int_equal(told_count, 1);
    run_until_told(2);
    assert_in_range((told_at_ns[1] - told_at_ns[0]) / 1000000, REFUSALS_INTERVAL_MS - 50,
                    REFUSALS_INTERVAL_MS + 500);
    assert_int_equal(told[0].count + told[1].count, 100001);
    assert_int_equal(told[1].status, STATUS_AUTHENTICATION_FAILED); /* of the last one */
    assert_string_equal(told[1].link, "tcp");
    assert_string_equal(told[1].who, "192.0.2.7:4711");
}

static void after_a_quiet_interval_one_is_told_at_once_again(void **state)
{
    refusals_add(&refusals, STATUS_NOT_ALLOWED, "unix", "uid 1000 (pid 12)");
    uv_run(&uv, UV_RUN_DEFAULT); /* the interval passes: nothing is left to wait for */
    assert_int_equal(told_count, 1);
    refusals_add(&refusals, STATUS_DECLINED, "serial", "");
    assert_int_equal(told_count, 2);
    assert_int_equal(told[1].count, 1);
    assert_string_equal(told[1].who, "");
}

static void an_interval_begins_with_every_telling(void **state)
{
    refusals_add(&refusals, STATUS_NOT_ALLOWED, "unix", "a");
    refusals_add(&refusals, STATUS_NOT_ALLOWED, "unix", "b");
    run_until_told(2);
    refusals_add(&refusals, STATUS_NOT_ALLOWED, "unix", "c");
    assert_int_equal(told_count, 2);
    run_until_told(3);
    assert_string_equal(told[2].who, "c");
    assert_int_equal(told[2].count, 1);
}

static void words_are_cut_and_repaired(void **state)
{
    char longest[1000];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    refusals_add(&refusals, STATUS_NOT_ALLOWED, longest, longest);
    assert_int_equal(strlen(told[0].link), TEXT_NAME_MAX);
    assert_int_equal(strlen(told[0].who), TEXT_REASON_MAX);
    refusals_add(&refusals, STATUS_NOT_ALLOWED, "\xff\xc3", "half a letter \xe2\x82");
    run_until_told(2);
    assert_true(utf8_is_valid(span_of_text(told[1].link)));
    assert_true(utf8_is_valid(span_of_text(told[1].who)));
}

static void what_is_pending_is_told_before_the_end(void **state)
{
    refusals_add(&refusals, STATUS_NOT_ALLOWED, "unix", "a");
    refusals_add(&refusals, STATUS_NOT_ALLOWED, "unix", "b");
    refusals_add(&refusals, STATUS_NOT_ALLOWED, "unix", "c");
    assert_int_equal(told_count, 1);
    teardown(state);
    assert_int_equal(told_count, 2);
    assert_int_equal(told[1].count, 2);
    setup(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_one_is_told_at_once),
        TEST(a_flood_is_counted_and_told_once_an_interval),
        TEST(after_a_quiet_interval_one_is_told_at_once_again),
        TEST(an_interval_begins_with_every_telling),
        TEST(words_are_cut_and_repaired),
        TEST(what_is_pending_is_told_before_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
