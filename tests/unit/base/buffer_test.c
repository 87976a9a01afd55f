/* SPDX-License-Identifier: MIT */
/* protocol/base/buffer: growth, limit, order of bytes. */
#include "protocol/base/buffer.h"
#include "tests/unit/base/testing.h"

#include <string.h>
#include <uv.h>

static void append_keeps_bytes_in_order_over_growth_and_consumption(void **state)
{
    struct buffer buffer;
    buffer_init(&buffer, 100000);
    uint8_t written = 0, read = 0;
    for (int round = 0; round < 2000; round++) {
        uint8_t bytes[97];
        size_t size = (size_t)(round * 31 % 97);
        for (size_t i = 0; i < size; i++)
            bytes[i] = written++;
        assert_int_equal(buffer_append(&buffer, bytes, size), 0);
        size_t out = (size_t)(round * 17 % 89);
        if (out > buffer_size(&buffer))
            out = buffer_size(&buffer);
        struct span span = buffer_span(&buffer);
        for (size_t i = 0; i < out; i++)
            assert_int_equal(span.data[i], read++);
        buffer_consume(&buffer, out);
    }
    assert_int_equal((uint8_t)(written - read), (uint8_t)buffer_size(&buffer));
    buffer_finish(&buffer);
}

static void append_above_limit_is_refused_whole(void **state)
{
    struct buffer buffer;
    buffer_init(&buffer, 10);
    assert_int_equal(buffer_append(&buffer, "12345678", 8), 0);
    assert_int_equal(buffer_append(&buffer, "abc", 3), UV_ENOBUFS);
    assert_int_equal(buffer_size(&buffer), 8);
    assert_int_equal(buffer_append(&buffer, "ab", 2), 0);
    assert_int_equal(buffer_room(&buffer), 0);
    assert_memory_equal(buffer_span(&buffer).data, "12345678ab", 10);
    buffer_finish(&buffer);
}

static void limit_counts_unconsumed_bytes_only(void **state)
{
    struct buffer buffer;
    buffer_init(&buffer, 8);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(buffer_append(&buffer, "abcdefgh", 8), 0);
        buffer_consume(&buffer, 5);
        assert_int_equal(buffer_append(&buffer, "vwxyz", 5), 0);
        assert_memory_equal(buffer_span(&buffer).data, "fghvwxyz", 8);
        buffer_consume(&buffer, 8);
    }
    buffer_finish(&buffer);
}

static void empty_buffer_owns_no_storage(void **state)
{
    struct buffer buffer;
    buffer_init(&buffer, 1000);
    assert_null(buffer.storage);
    assert_int_equal(buffer_append(&buffer, NULL, 0), 0);
    assert_null(buffer.storage);
    assert_int_equal(buffer_append(&buffer, "x", 1), 0);
    assert_non_null(buffer.storage);
    buffer_consume(&buffer, 1);
    assert_null(buffer.storage);
    assert_int_equal(buffer.limit, 1000);
}

static void reserve_gives_room_that_commit_makes_part_of_it(void **state)
{
    struct buffer buffer;
    buffer_init(&buffer, 1000);
    uint8_t *tail;
    assert_int_equal(buffer_reserve(&buffer, 1001, &tail), UV_ENOBUFS);
    assert_int_equal(buffer_reserve(&buffer, 1000, &tail), 0);
    memcpy(tail, "hello", 5);
    assert_int_equal(buffer_size(&buffer), 0);
    buffer_commit(&buffer, 5);
    assert_true(span_equals(buffer_span(&buffer), span_of_text("hello")));
    buffer_finish(&buffer);
}

static void spans_compare_by_content(void **state)
{
    assert_true(span_equals(span_of("abc", 3), span_of_text("abc")));
    assert_false(span_equals(span_of("abc", 2), span_of_text("abc")));
    assert_false(span_equals(span_of_text("abd"), span_of_text("abc")));
    assert_true(span_equals(span_of(NULL, 0), span_of_text("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(append_keeps_bytes_in_order_over_growth_and_consumption),
        cmocka_unit_test(append_above_limit_is_refused_whole),
        cmocka_unit_test(limit_counts_unconsumed_bytes_only),
        cmocka_unit_test(empty_buffer_owns_no_storage),
        cmocka_unit_test(reserve_gives_room_that_commit_makes_part_of_it),
        cmocka_unit_test(spans_compare_by_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
