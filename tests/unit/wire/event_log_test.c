/* SPDX-License-Identifier: MIT */
/* protocol/wire/event_log: numbers, what is kept, and where a cursor may stand. */
#include "protocol/wire/event_log.h"
#include "tests/unit/base/testing.h"

#include <stdio.h>
#include <string.h>

static void append_number(struct event_log *log, uint64_t expected)
{
    char text[32];
    snprintf(text, sizeof(text), "event %llu", (unsigned long long)expected);
    uint64_t sequence;
    assert_int_equal(event_log_append(log, span_of_text(text), &sequence), 0);
    assert_int_equal(sequence, expected);
}

static void check_number(const struct event_log *log, uint64_t sequence)
{
    char text[32];
    snprintf(text, sizeof(text), "event %llu", (unsigned long long)sequence);
    struct span bytes;
    assert_true(event_log_get(log, sequence, &bytes));
    assert_true(span_equals(bytes, span_of_text(text)));
}

static void a_new_log_is_empty_and_reached_by_its_start(void **state)
{
    struct event_log *log = event_log_create(7, 100, 10, 1000);
    struct span bytes;
    assert_int_equal(event_log_epoch(log), 7);
    assert_int_equal(event_log_last(log), 99);
    assert_int_equal(event_log_next(log), 100);
    assert_int_equal(event_log_oldest(log), 100);
    assert_false(event_log_get(log, 99, &bytes));
    assert_false(event_log_get(log, 100, &bytes));
    assert_true(event_log_reaches(log, (struct event_cursor){7, 99}));
    assert_false(event_log_reaches(log, (struct event_cursor){7, 98}));
    assert_false(event_log_reaches(log, (struct event_cursor){7, 100}));
    event_log_destroy(log);
}

static void the_oldest_go_when_the_count_is_exceeded(void **state)
{
    for (size_t count_max = 1; count_max < 70; count_max += 7) {
        struct event_log *log = event_log_create(1, 1, count_max, 1 << 20);
        for (uint64_t i = 1; i <= 500; i++) {
            append_number(log, i);
            uint64_t oldest = i <= count_max ? 1 : i - count_max + 1;
            assert_int_equal(event_log_oldest(log), oldest);
            check_number(log, oldest);
            check_number(log, i);
            check_number(log, oldest + (i - oldest) / 2);
            struct span bytes;
            assert_false(event_log_get(log, oldest - 1, &bytes));
            assert_false(event_log_get(log, i + 1, &bytes));
        }
        event_log_destroy(log);
    }
}

static void the_oldest_go_when_the_bytes_are_exceeded(void **state)
{
    struct event_log *log = event_log_create(1, 1, 1000, 100);
    char text[60] = {0};
    for (int i = 0; i < 4; i++)
        assert_int_equal(event_log_append(log, span_of(text, 30), NULL), 0);
    assert_int_equal(event_log_oldest(log), 2); /* three of 30 fit in 100 */
    assert_int_equal(event_log_append(log, span_of(text, 60), NULL), 0);
    assert_int_equal(event_log_oldest(log), 4);
    event_log_destroy(log);
}

static void one_event_is_kept_however_large(void **state)
{
    static char large[5000];
    struct event_log *log = event_log_create(1, 1, 10, 100);
    append_number(log, 1);
    assert_int_equal(event_log_append(log, span_of(large, sizeof(large)), NULL), 0);
    struct span bytes;
    assert_int_equal(event_log_oldest(log), 2);
    assert_true(event_log_get(log, 2, &bytes));
    assert_int_equal(bytes.size, sizeof(large));
    append_number(log, 3);
    assert_int_equal(event_log_oldest(log), 3);
    event_log_destroy(log);
}

static void an_empty_event_has_a_number_too(void **state)
{
    struct event_log *log = event_log_create(1, 1, 10, 100);
    assert_int_equal(event_log_append(log, span_of(NULL, 0), NULL), 0);
    struct span bytes;
    assert_true(event_log_get(log, 1, &bytes));
    assert_int_equal(bytes.size, 0);
    event_log_destroy(log);
}

static void reaches_says_whether_anything_was_missed(void **state)
{
    struct event_log *log = event_log_create(9, 1, 4, 1 << 20);
    for (uint64_t i = 1; i <= 10; i++)
        append_number(log, i);
    for (uint64_t sequence = 0; sequence < 15; sequence++) {
        bool reached = sequence >= 6 && sequence <= 10; /* 7 … 10 are kept */
        assert_int_equal(event_log_reaches(log, (struct event_cursor){9, sequence}), reached);
        assert_false(event_log_reaches(log, (struct event_cursor){8, sequence}));
        assert_false(event_log_reaches(log, (struct event_cursor){0, sequence}));
    }
    assert_false(event_log_reaches(log, (struct event_cursor){9, UINT64_MAX}));
    event_log_destroy(log);
    event_log_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_log_is_empty_and_reached_by_its_start),
        cmocka_unit_test(the_oldest_go_when_the_count_is_exceeded),
        cmocka_unit_test(the_oldest_go_when_the_bytes_are_exceeded),
        cmocka_unit_test(one_event_is_kept_however_large),
        cmocka_unit_test(an_empty_event_has_a_number_too),
        cmocka_unit_test(reaches_says_whether_anything_was_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
