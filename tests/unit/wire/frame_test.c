/* SPDX-License-Identifier: MIT */
/* protocol/wire/frame: headers and RST payloads. */
#include "protocol/base/status.h"
#include "protocol/wire/frame.h"
#include "tests/unit/base/testing.h"

#include <string.h>
#include <uv.h>

static void header_has_the_documented_layout(void **state)
{
    const struct frame_header header = {.length = 0x00012345, .channel = 0xa1b2c3d4, .type = FRAME_DATA};
    const uint8_t expected[FRAME_HEADER_SIZE] = {0, 1, 0x23, 0x45, 0xa1, 0xb2, 0xc3, 0xd4, 2, 0, 0, 0};
    uint8_t bytes[FRAME_HEADER_SIZE];
    frame_header_encode(&header, bytes);
    assert_memory_equal(bytes, expected, sizeof(bytes));
    struct frame_header back;
    assert_int_equal(frame_header_decode(bytes, &back), 0);
    assert_int_equal(back.length, header.length);
    assert_int_equal(back.channel, header.channel);
    assert_int_equal(back.type, header.type);
    assert_int_equal(back.flags, 0);
}

static int decode(uint32_t length, uint8_t type)
{
    const struct frame_header header = {.length = length, .type = type};
    uint8_t bytes[FRAME_HEADER_SIZE];
    frame_header_encode(&header, bytes);
    struct frame_header back;
    return frame_header_decode(bytes, &back);
}

static void decode_rejects_length_above_limit(void **state)
{
    static const struct {
        uint8_t type;
        uint32_t max;
    } CASES[] = {{FRAME_MESSAGE, FRAME_MESSAGE_MAX},   {FRAME_DATA, FRAME_DATA_MAX},
                 {FRAME_DATAGRAM, FRAME_DATAGRAM_MAX}, {FRAME_FIN, 0},
                 {FRAME_RST, FRAME_RST_MAX},           {FRAME_CREDIT, 4}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        assert_int_equal(decode(CASES[i].max, CASES[i].type), 0);
        assert_int_equal(decode(CASES[i].max + 1, CASES[i].type), STATUS_TOO_LARGE);
        assert_int_equal(decode(UINT32_MAX, CASES[i].type), STATUS_TOO_LARGE);
    }
}

static void decode_rejects_length_below_minimum(void **state)
{
    assert_int_equal(decode(3, FRAME_RST), STATUS_MALFORMED);
    assert_int_equal(decode(4, FRAME_RST), 0);
    assert_int_equal(decode(3, FRAME_CREDIT), STATUS_MALFORMED);
}

static void decode_rejects_unknown_types(void **state)
{
    for (unsigned type = 0; type < 256; type++) {
        if (type < FRAME_MESSAGE || type > FRAME_CREDIT)
            assert_int_equal(decode(4, (uint8_t)type), STATUS_MALFORMED);
    }
}

static void decode_rejects_flags_and_nonzero_reserved_bytes_and_leaves_ret_alone(void **state)
{
    const struct frame_header header = {.length = 5, .type = FRAME_DATA};
    for (size_t at = 9; at < FRAME_HEADER_SIZE; at++) {
        uint8_t bytes[FRAME_HEADER_SIZE];
        frame_header_encode(&header, bytes);
        bytes[at] = 1;
        struct frame_header back = {.length = 77};
        assert_int_equal(frame_header_decode(bytes, &back), STATUS_MALFORMED);
        assert_int_equal(back.length, 77);
    }
}

static void rst_carries_status_and_text(void **state)
{
    uint8_t bytes[FRAME_RST_MAX];
    size_t size = frame_rst_encode(UV_ECONNREFUSED, "nobody listens", bytes);
    const uint8_t number[4] = {0xff, 0xff, 0xd5, 0x06}; /* -11002 */
    assert_int_equal(size, 4 + 14);
    assert_memory_equal(bytes, number, 4);
    int status;
    char text[TEXT_REASON_MAX + 1];
    assert_int_equal(frame_rst_decode(span_of(bytes, size), &status, text), 0);
    assert_int_equal(status, UV_ECONNREFUSED);
    assert_string_equal(text, "nobody listens");
}

static void rst_text_is_cut_and_repaired(void **state)
{
    char long_text[1000];
    memset(long_text, 'x', sizeof(long_text));
    long_text[0] = '\xff';
    long_text[sizeof(long_text) - 1] = '\0';
    uint8_t bytes[FRAME_RST_MAX];
    size_t size = frame_rst_encode(STATUS_LIMIT, long_text, bytes);
    assert_int_equal(size, 4 + TEXT_REASON_MAX);
    int status;
    char text[TEXT_REASON_MAX + 1];
    assert_int_equal(frame_rst_decode(span_of(bytes, size), &status, text), 0);
    assert_int_equal(text[0], '?');
    assert_int_equal(strlen(text), TEXT_REASON_MAX);
    assert_int_equal(frame_rst_encode(STATUS_LIMIT, NULL, bytes), 4);
}

static void rst_decode_rejects_short_long_and_ill_formed(void **state)
{
    uint8_t bytes[5 + TEXT_REASON_MAX];
    memset(bytes, 'x', sizeof(bytes));
    int status = 99;
    char text[TEXT_REASON_MAX + 1];
    for (size_t size = 0; size < 4; size++)
        assert_int_equal(frame_rst_decode(span_of(bytes, size), &status, text), STATUS_MALFORMED);
    assert_int_equal(frame_rst_decode(span_of(bytes, sizeof(bytes)), &status, text), STATUS_MALFORMED);
    assert_int_equal(frame_rst_decode(span_of("\xff\xff\xd8\xef\0", 5), &status, text), STATUS_MALFORMED);
    assert_int_equal(frame_rst_decode(span_of("\xff\xff\xd8\xef\xff", 5), &status, text), STATUS_MALFORMED);
    assert_int_equal(status, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_has_the_documented_layout),
        cmocka_unit_test(decode_rejects_length_above_limit),
        cmocka_unit_test(decode_rejects_length_below_minimum),
        cmocka_unit_test(decode_rejects_unknown_types),
        cmocka_unit_test(decode_rejects_flags_and_nonzero_reserved_bytes_and_leaves_ret_alone),
        cmocka_unit_test(rst_carries_status_and_text),
        cmocka_unit_test(rst_text_is_cut_and_repaired),
        cmocka_unit_test(rst_decode_rejects_short_long_and_ill_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
