/* SPDX-License-Identifier: MIT */
/* The pairing window: when it takes a code, who hears what, and how it ends. */
#include "agent/trust/pairing_window.h"

#include <stdio.h>
#include <string.h>

#include "protocol/base/status.h"
#include "tests/unit/base/testing.h"

#define LONG_MS  60000
#define SHORT_MS 5

static uv_loop_t loop;
static struct pairing_window window;
static char news[32]; /* a letter each */
static char answers[32];
static struct pairing_offer pinned;
static int pin_count;
static struct pairing *pairing;

static const uint8_t KEY[NOISE_KEY_SIZE] = {7};
static const struct trust_claim CLAIM = {.key = KEY, .link = "tcp"};

static void append(char *text, char letter)
{
    size_t size = strlen(text);
    assert_true(size < sizeof(news) - 1);
    text[size] = letter;
    text[size + 1] = '\0';
}

static void listen_to(void *ctx, enum window_news what)
{
    append(news, " clpdxs"[what]);
    assert_ptr_equal(ctx, &news);
    if (what > WINDOW_LOST)
        assert_null(window.listener);
}

static void hear(void *ctx, bool same)
{
    append(answers, same ? 'y' : 'n');
    assert_ptr_equal(ctx, &answers);
}

static void pin(void *ctx, const struct pairing_offer *offer)
{
    pinned = *offer;
    pin_count++;
}

static void start(uint64_t window_ms, uint64_t timeout_ms)
{
    news[0] = answers[0] = '\0';
    pin_count = 0;
    pairing = NULL;
    assert_int_equal(uv_loop_init(&loop), 0);
    pairing_window_init(&window, &loop, window_ms, timeout_ms, pin, NULL);
}

static int setup(void **state)
{
    start(LONG_MS, LONG_MS);
    return 0;
}

static int teardown(void **state)
{
    pairing_window_close(&window, NULL);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
    return 0;
}

static int open_window(void)
{
    return pairing_window_open(&window, listen_to, &news);
}

static int begin(const char *code)
{
    return pairing_window_begin(&window, &CLAIM, code, hear, &answers, &pairing);
}

static void a_closed_window_takes_no_code(void **state)
{
    assert_int_equal(begin("123456"), STATUS_CODE_NEEDED);
    assert_null(pairing);
    assert_int_equal(open_window(), 0);
    pairing_window_shut(&window);
    assert_int_equal(begin("123456"), STATUS_CODE_NEEDED);
    assert_string_equal(news, "");
}

static void yes_on_both_sides_pins_the_key(void **state)
{
    assert_int_equal(open_window(), 0);
    assert_int_equal(begin("123456"), 0);
    assert_string_equal(news, "c");
    assert_string_equal(pairing_window_offer(&window)->code, "123456");
    assert_string_equal(answers, "");
    pairing_window_answer(&window, true);
    pairing_window_answer(&window, true);
    pairing_window_answer(&window, false); /* too late: it was answered */
    assert_string_equal(answers, "y");
    assert_int_equal(pin_count, 0); /* until the host has agreed */
    pairing_pin(pairing);
    pairing_pin(pairing);
    assert_int_equal(pin_count, 1);
    assert_memory_equal(pinned.key, KEY, sizeof(KEY));
    assert_string_equal(pinned.link, "tcp");
    pairing_end(pairing);
    assert_string_equal(news, "cp");
    assert_int_equal(begin("123456"), STATUS_CODE_NEEDED);
    assert_int_equal(open_window(), 0);
}

static void no_closes_the_window(void **state)
{
    assert_int_equal(open_window(), 0);
    assert_int_equal(begin("123456"), 0);
    pairing_window_answer(&window, false);
    assert_string_equal(answers, "n");
    assert_string_equal(news, "cd");
    pairing_end(pairing);
    assert_string_equal(news, "cd");
    assert_int_equal(begin("123456"), STATUS_CODE_NEEDED);
    assert_int_equal(pin_count, 0);
}

static void an_answer_without_a_code_does_nothing(void **state)
{
    pairing_window_answer(&window, true);
    assert_int_equal(open_window(), 0);
    pairing_window_answer(&window, true);
    assert_int_equal(begin("123456"), 0);
    assert_string_equal(answers, "");
    pairing_end(pairing);
    pairing_window_answer(&window, true);
    assert_string_equal(answers, "");
}

static void one_pairing_and_one_owner_at_a_time(void **state)
{
    assert_int_equal(open_window(), 0);
    assert_int_equal(open_window(), UV_EBUSY);
    assert_int_equal(begin("123456"), 0);
    struct pairing *first = pairing;
    assert_int_equal(begin("654321"), UV_EBUSY);
    assert_string_equal(pairing_window_offer(&window)->code, "123456");
    pairing_window_shut(&window);
    assert_int_equal(open_window(), UV_EBUSY); /* the pairing is still its beginner's */
    pairing_end(first);
    assert_int_equal(open_window(), 0);
}

static void a_host_that_leaves_lets_the_window_wait_on(void **state)
{
    assert_int_equal(open_window(), 0);
    assert_int_equal(begin("111111"), 0);
    pairing_end(pairing);
    assert_string_equal(news, "cl");
    assert_string_equal(answers, "");
    assert_int_equal(begin("222222"), 0);
    pairing_window_answer(&window, true);
    pairing_end(pairing); /* the people of the host said no */
    assert_string_equal(news, "clcl");
    assert_int_equal(pin_count, 0);
}

static void three_codes_are_all_that_a_window_shows(void **state)
{
    assert_int_equal(open_window(), 0);
    for (int i = 0; i < PAIRING_ATTEMPTS_MAX; i++) {
        assert_int_equal(begin("111111"), 0);
        pairing_end(pairing);
    }
    assert_string_equal(news, "clclcs");
    assert_int_equal(begin("111111"), STATUS_LIMIT);
    assert_int_equal(open_window(), 0); /* the owner asks again */
    assert_int_equal(begin("111111"), 0);
    pairing_end(pairing);
}

static void a_window_that_nobody_uses_expires(void **state)
{
    teardown(state);
    start(SHORT_MS, LONG_MS);
    assert_int_equal(open_window(), 0);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0); /* ends when the timer has */
    assert_string_equal(news, "x");
    assert_int_equal(begin("123456"), STATUS_CODE_NEEDED);
}

static void a_spent_window_is_closed_when_its_time_is_over(void **state)
{
    teardown(state);
    start(SHORT_MS, LONG_MS);
    assert_int_equal(open_window(), 0);
    for (int i = 0; i < PAIRING_ATTEMPTS_MAX; i++) {
        assert_int_equal(begin("111111"), 0);
        pairing_end(pairing);
    }
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_string_equal(news, "clclcs");
    assert_int_equal(begin("111111"), STATUS_CODE_NEEDED);
}

static void a_code_that_nobody_answers_is_declined(void **state)
{
    teardown(state);
    start(LONG_MS, SHORT_MS);
    assert_int_equal(open_window(), 0);
    assert_int_equal(begin("123456"), 0);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_string_equal(answers, "n");
    assert_string_equal(news, "cd");
    pairing_end(pairing);
}

static void an_owner_that_leaves_declines(void **state)
{
    assert_int_equal(open_window(), 0);
    assert_int_equal(begin("123456"), 0);
    pairing_window_shut(&window);
    assert_string_equal(answers, "n");
    assert_string_equal(news, "c");
    pairing_end(pairing);
    assert_string_equal(news, "c");
}

static void a_yes_holds_when_its_owner_has_left(void **state)
{
    assert_int_equal(open_window(), 0);
    assert_int_equal(begin("123456"), 0);
    pairing_window_answer(&window, true);
    pairing_window_shut(&window);
    assert_string_equal(answers, "y");
    pairing_pin(pairing);
    assert_int_equal(pin_count, 1);
    pairing_end(pairing);
    assert_string_equal(news, "c");
}

static void a_pairing_may_outlive_the_window(void **state)
{
    assert_int_equal(open_window(), 0);
    assert_int_equal(begin("123456"), 0);
    teardown(state);
    assert_string_equal(answers, "n");
    pairing_end(pairing);
    pairing_end(NULL);
    start(LONG_MS, LONG_MS);
}

static struct pairing *to_end;
static void end_at_once(void *ctx, bool same)
{
    append(answers, same ? 'y' : 'n');
    if (same)
        pairing_pin(to_end);
    pairing_end(to_end);
}

static void a_pairing_may_end_within_its_answer(void **state)
{
    assert_int_equal(open_window(), 0);
    assert_int_equal(pairing_window_begin(&window, &CLAIM, "123456", end_at_once, NULL, &to_end), 0);
    pairing_window_answer(&window, true);
    assert_string_equal(news, "cp");
    assert_int_equal(open_window(), 0);
    assert_int_equal(pairing_window_begin(&window, &CLAIM, "123456", end_at_once, NULL, &to_end), 0);
    pairing_window_answer(&window, false);
    assert_string_equal(news, "cpcd");
    assert_int_equal(open_window(), 0);
    assert_int_equal(pairing_window_begin(&window, &CLAIM, "123456", end_at_once, NULL, &to_end), 0);
    pairing_window_shut(&window);
    assert_string_equal(answers, "ynn");
}

int main(void)
{
#define WITH_WINDOW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_WINDOW(a_closed_window_takes_no_code),
        WITH_WINDOW(yes_on_both_sides_pins_the_key),
        WITH_WINDOW(no_closes_the_window),
        WITH_WINDOW(an_answer_without_a_code_does_nothing),
        WITH_WINDOW(one_pairing_and_one_owner_at_a_time),
        WITH_WINDOW(a_host_that_leaves_lets_the_window_wait_on),
        WITH_WINDOW(three_codes_are_all_that_a_window_shows),
        WITH_WINDOW(a_window_that_nobody_uses_expires),
        WITH_WINDOW(a_spent_window_is_closed_when_its_time_is_over),
        WITH_WINDOW(a_code_that_nobody_answers_is_declined),
        WITH_WINDOW(an_owner_that_leaves_declines),
        WITH_WINDOW(a_yes_holds_when_its_owner_has_left),
        WITH_WINDOW(a_pairing_may_outlive_the_window),
        WITH_WINDOW(a_pairing_may_end_within_its_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
