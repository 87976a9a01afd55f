/* SPDX-License-Identifier: MIT */
/* protocol/wire/msgpack_check: shapes and bombs, before anything is allocated. */
#include "protocol/base/status.h"
#include "protocol/wire/limits.h"
#include "protocol/wire/msgpack_check.h"
#include "tests/unit/base/testing.h"

#include <stdlib.h>
#include <string.h>

#define CHECK(bytes) msgpack_check(span_of(bytes, sizeof(bytes) - 1))

static void every_plain_type_is_accepted(void **state)
{
    assert_int_equal(CHECK("\x00"), 0);
    assert_int_equal(CHECK("\x7f"), 0);
    assert_int_equal(CHECK("\xe0"), 0);
    assert_int_equal(CHECK("\xff"), 0);
    assert_int_equal(CHECK("\xc0"), 0);
    assert_int_equal(CHECK("\xc2"), 0);
    assert_int_equal(CHECK("\xc3"), 0);
    assert_int_equal(CHECK("\xca\1\2\3\4"), 0);
    assert_int_equal(CHECK("\xcb\1\2\3\4\5\6\7\10"), 0);
    assert_int_equal(CHECK("\xcc\1"), 0);
    assert_int_equal(CHECK("\xcd\1\2"), 0);
    assert_int_equal(CHECK("\xce\1\2\3\4"), 0);
    assert_int_equal(CHECK("\xcf\1\2\3\4\5\6\7\10"), 0);
    assert_int_equal(CHECK("\xd0\1"), 0);
    assert_int_equal(CHECK("\xd1\1\2"), 0);
    assert_int_equal(CHECK("\xd2\1\2\3\4"), 0);
    assert_int_equal(CHECK("\xd3\1\2\3\4\5\6\7\10"), 0);
    assert_int_equal(CHECK("\xa0"), 0);
    assert_int_equal(CHECK("\xa2hi"), 0);
    assert_int_equal(CHECK("\xd9\2hi"), 0);
    assert_int_equal(CHECK("\xda\0\2hi"), 0);
    assert_int_equal(CHECK("\xdb\0\0\0\2hi"), 0);
    assert_int_equal(CHECK("\xc4\2hi"), 0);
    assert_int_equal(CHECK("\xc5\0\2hi"), 0);
    assert_int_equal(CHECK("\xc6\0\0\0\2hi"), 0);
    assert_int_equal(CHECK("\x90"), 0);
    assert_int_equal(CHECK("\x92\1\2"), 0);
    assert_int_equal(CHECK("\xdc\0\2\1\2"), 0);
    assert_int_equal(CHECK("\xdd\0\0\0\2\1\2"), 0);
    assert_int_equal(CHECK("\x80"), 0);
    assert_int_equal(CHECK("\x81\1\2"), 0);
    assert_int_equal(CHECK("\xde\0\1\1\2"), 0);
    assert_int_equal(CHECK("\xdf\0\0\0\1\1\2"), 0);
    assert_int_equal(CHECK("\x93\x81\1\x92\1\2\x90\3"), 0);
}

static void extensions_and_the_unused_byte_are_refused(void **state)
{
    assert_int_equal(CHECK("\xc1"), STATUS_MALFORMED);
    assert_int_equal(CHECK("\xc7\1\1x"), STATUS_MALFORMED);
    assert_int_equal(CHECK("\xc8\0\1\1x"), STATUS_MALFORMED);
    assert_int_equal(CHECK("\xc9\0\0\0\1\1x"), STATUS_MALFORMED);
    for (int type = 0xd4; type <= 0xd8; type++) {
        uint8_t bytes[18] = {(uint8_t)type};
        assert_int_equal(msgpack_check(span_of(bytes, sizeof(bytes))), STATUS_MALFORMED);
    }
}

static void truncation_at_every_byte_and_trailing_bytes_are_refused(void **state)
{
    static const char BYTES[] = "\x94\x82\xa1"
                                "a\xcd\1\2\xa1"
                                "b\xda\0\2hi\xc4\2xy\xcb\1\2\3\4\5\6\7\10\xdf\0\0\0\1\1\xdc\0\1\2!";
    size_t size = sizeof(BYTES) - 2; /* without the '!' */
    assert_int_equal(msgpack_check(span_of(BYTES, size)), 0);
    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(msgpack_check(span_of(BYTES, cut)), STATUS_MALFORMED);
    assert_int_equal(msgpack_check(span_of(BYTES, size + 1)), STATUS_MALFORMED);
}

static void huge_lengths_in_few_bytes_are_refused(void **state)
{
    assert_int_equal(CHECK("\xdd\xff\xff\xff\xff\1"), STATUS_MALFORMED); /* array of 4 billion */
    assert_int_equal(CHECK("\xdf\xff\xff\xff\xff\1"), STATUS_MALFORMED); /* map of 4 billion */
    assert_int_equal(CHECK("\xdb\xff\xff\xff\xff\1"), STATUS_MALFORMED); /* text of 4 GiB */
    assert_int_equal(CHECK("\xc6\xff\xff\xff\xff\1"), STATUS_MALFORMED); /* 4 GiB of bytes */
    assert_int_equal(CHECK("\xdf\x80\0\0\0\1"), STATUS_MALFORMED);       /* 2^31 entries: 2^32 objects */
}

static void depth_is_limited_exactly(void **state)
{
    uint8_t bytes[100001];
    memset(bytes, 0x91, sizeof(bytes)); /* array of one */
    bytes[MSGPACK_DEPTH_MAX] = 0x00;
    assert_int_equal(msgpack_check(span_of(bytes, MSGPACK_DEPTH_MAX + 1)), 0);
    bytes[MSGPACK_DEPTH_MAX] = 0x91;
    bytes[MSGPACK_DEPTH_MAX + 1] = 0x00;
    assert_int_equal(msgpack_check(span_of(bytes, MSGPACK_DEPTH_MAX + 2)), STATUS_TOO_LARGE);
    bytes[MSGPACK_DEPTH_MAX + 1] = 0x91;
    assert_int_equal(msgpack_check(span_of(bytes, sizeof(bytes))), STATUS_TOO_LARGE);
    memset(bytes, 0x81, sizeof(bytes)); /* map of one, nested in its key */
    assert_int_equal(msgpack_check(span_of(bytes, sizeof(bytes))), STATUS_TOO_LARGE);
}

static void object_count_is_limited_exactly(void **state)
{
    uint8_t bytes[3 + MSGPACK_OBJECTS_MAX] = {0xdc, (MSGPACK_OBJECTS_MAX - 1) >> 8,
                                              (uint8_t)(MSGPACK_OBJECTS_MAX - 1)};
    assert_int_equal(msgpack_check(span_of(bytes, 3 + MSGPACK_OBJECTS_MAX - 1)), 0);
    bytes[1] = MSGPACK_OBJECTS_MAX >> 8;
    bytes[2] = (uint8_t)MSGPACK_OBJECTS_MAX;
    assert_int_equal(msgpack_check(span_of(bytes, sizeof(bytes))), STATUS_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_plain_type_is_accepted),
        cmocka_unit_test(extensions_and_the_unused_byte_are_refused),
        cmocka_unit_test(truncation_at_every_byte_and_trailing_bytes_are_refused),
        cmocka_unit_test(huge_lengths_in_few_bytes_are_refused),
        cmocka_unit_test(depth_is_limited_exactly),
        cmocka_unit_test(object_count_is_limited_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
