/* SPDX-License-Identifier: MIT */
/* protocol/wire/frame_reader: any split of the bytes gives the same frames. */
#include "protocol/base/status.h"
#include "protocol/wire/frame.h"
#include "tests/unit/base/testing.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

/* Writes what it is told into a transcript: DATA pieces of one frame run together. */
struct record {
    struct buffer transcript;
    size_t data_room; /* on_data takes no more than this in all */
    int stop;         /* on_frame returns it */
};

static void note(struct record *record, const struct frame_header *header, struct span payload)
{
    char line[32];
    snprintf(line, sizeof(line), "[%u %u:", header->type, header->channel);
    assert_int_equal(buffer_append(&record->transcript, line, strlen(line)), 0);
    assert_int_equal(buffer_append(&record->transcript, payload.data, payload.size), 0);
    assert_int_equal(buffer_append(&record->transcript, "]", 1), 0);
}

static int on_frame(void *ctx, const struct frame_header *header, struct span payload)
{
    struct record *record = ctx;
    assert_int_equal(payload.size, header->length);
    note(record, header, payload);
    return record->stop;
}

static size_t on_data(void *ctx, const struct frame_header *header, struct span piece)
{
    struct record *record = ctx;
    assert_true(piece.size > 0);
    size_t size = piece.size < record->data_room ? piece.size : record->data_room;
    record->data_room -= size;
    assert_int_equal(buffer_append(&record->transcript, piece.data, size), 0);
    return size;
}

static const struct frame_reader_callbacks CALLBACKS = {.on_frame = on_frame, .on_data = on_data};

static void record_init(struct record *record)
{
    *record = (struct record){.data_room = SIZE_MAX};
    buffer_init(&record->transcript, 1 << 20);
}

static void put(struct buffer *out, uint8_t type, uint32_t channel, const char *payload)
{
    const struct frame_header header = {
        .length = (uint32_t)strlen(payload), .channel = channel, .type = type};
    uint8_t bytes[FRAME_HEADER_SIZE];
    frame_header_encode(&header, bytes);
    assert_int_equal(buffer_append(out, bytes, sizeof(bytes)), 0);
    assert_int_equal(buffer_append(out, payload, header.length), 0);
}

static void put_all_types(struct buffer *out)
{
    put(out, FRAME_MESSAGE, 1, "message");
    put(out, FRAME_FIN, 2, "");
    put(out, FRAME_DATA, 3, "stream of bytes");
    put(out, FRAME_DATA, 3, "");
    put(out, FRAME_DATAGRAM, 4, "");
    put(out, FRAME_DATAGRAM, 4, "datagram");
    put(out, FRAME_CREDIT, 5, "abcd");
    put(out, FRAME_RST, 6, "abcdwhy");
}

#define EXPECTED "[1 1:message][4 2:]stream of bytes[3 4:][3 4:datagram][6 5:abcd][5 6:abcdwhy]"

static void check_transcript(const struct record *record)
{
    assert_true(span_equals(buffer_span(&record->transcript), span_of_text(EXPECTED)));
}

static void every_split_in_two_gives_the_same_frames(void **state)
{
    struct buffer bytes;
    buffer_init(&bytes, 4096);
    put_all_types(&bytes);
    struct span all = buffer_span(&bytes);
    for (size_t split = 0; split <= all.size; split++) {
        struct record record;
        record_init(&record);
        struct frame_reader reader;
        frame_reader_init(&reader);
        size_t taken;
        assert_int_equal(frame_reader_feed(&reader, span_of(all.data, split), &CALLBACKS, &record, &taken),
                         0);
        assert_int_equal(taken, split);
        struct span rest = span_of(all.data + split, all.size - split);
        assert_int_equal(frame_reader_feed(&reader, rest, &CALLBACKS, &record, &taken), 0);
        assert_int_equal(taken, rest.size);
        check_transcript(&record);
        assert_true(frame_reader_at_boundary(&reader));
        frame_reader_finish(&reader);
        buffer_finish(&record.transcript);
    }
    buffer_finish(&bytes);
}

static void byte_by_byte_gives_the_same_frames_and_tells_the_boundaries(void **state)
{
    struct buffer bytes;
    buffer_init(&bytes, 4096);
    put_all_types(&bytes);
    struct span all = buffer_span(&bytes);
    struct record record;
    record_init(&record);
    struct frame_reader reader;
    frame_reader_init(&reader);
    size_t boundaries = 0;
    for (size_t i = 0; i < all.size; i++) {
        size_t taken;
        assert_int_equal(frame_reader_feed(&reader, span_of(all.data + i, 1), &CALLBACKS, &record, &taken),
                         0);
        assert_int_equal(taken, 1);
        boundaries += frame_reader_at_boundary(&reader) ? 1 : 0;
    }
    assert_int_equal(boundaries, 8);
    check_transcript(&record);
    frame_reader_finish(&reader);
    buffer_finish(&record.transcript);
    buffer_finish(&bytes);
}

static void data_that_is_not_taken_is_left_with_the_caller(void **state)
{
    struct buffer bytes;
    buffer_init(&bytes, 4096);
    put_all_types(&bytes);
    struct record record;
    record_init(&record);
    record.data_room = 0;
    struct frame_reader reader;
    frame_reader_init(&reader);
    size_t rounds = 0;
    while (buffer_size(&bytes) > 0) {
        size_t taken;
        assert_int_equal(frame_reader_feed(&reader, buffer_span(&bytes), &CALLBACKS, &record, &taken), 0);
        buffer_consume(&bytes, taken);
        record.data_room = 4; /* four more, then it stops again */
        rounds++;
    }
    assert_int_equal(rounds, 5);
    check_transcript(&record);
    frame_reader_finish(&reader);
    buffer_finish(&record.transcript);
}

static void a_refused_header_ends_the_stream(void **state)
{
    uint8_t head[FRAME_HEADER_SIZE] = {0, 4, 0, 1, 0, 0, 0, 1, FRAME_MESSAGE, 0, 0, 0};
    for (size_t split = 0; split <= sizeof(head); split++) {
        struct record record;
        record_init(&record);
        struct frame_reader reader;
        frame_reader_init(&reader);
        size_t taken;
        int status = frame_reader_feed(&reader, span_of(head, split), &CALLBACKS, &record, &taken);
        if (split < sizeof(head)) {
            assert_int_equal(status, 0);
            status = frame_reader_feed(&reader, span_of(head + split, sizeof(head) - split), &CALLBACKS,
                                       &record, &taken);
        }
        assert_int_equal(status, STATUS_TOO_LARGE);
        assert_int_equal(buffer_size(&record.transcript), 0);
        frame_reader_finish(&reader);
    }
}

static void the_callbacks_refusal_is_returned(void **state)
{
    struct buffer bytes;
    buffer_init(&bytes, 4096);
    put_all_types(&bytes);
    struct record record;
    record_init(&record);
    record.stop = STATUS_UNEXPECTED;
    struct frame_reader reader;
    frame_reader_init(&reader);
    size_t taken;
    assert_int_equal(frame_reader_feed(&reader, buffer_span(&bytes), &CALLBACKS, &record, &taken),
                     STATUS_UNEXPECTED);
    assert_true(span_equals(buffer_span(&record.transcript), span_of_text("[1 1:message]")));
    frame_reader_finish(&reader);
    buffer_finish(&record.transcript);
    buffer_finish(&bytes);
}

static void an_announced_length_allocates_nothing_by_itself(void **state)
{
    const uint8_t head[FRAME_HEADER_SIZE + 1] = {0, 4, 0, 0, 0, 0, 0, 1, FRAME_MESSAGE, 0, 0, 0, 'x'};
    struct record record;
    record_init(&record);
    struct frame_reader reader;
    frame_reader_init(&reader);
    size_t taken;
    assert_int_equal(frame_reader_feed(&reader, span_of(head, sizeof(head)), &CALLBACKS, &record, &taken), 0);
    assert_true(reader.payload.capacity <= 256);
    assert_false(frame_reader_at_boundary(&reader));
    frame_reader_finish(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_split_in_two_gives_the_same_frames),
        cmocka_unit_test(byte_by_byte_gives_the_same_frames_and_tells_the_boundaries),
        cmocka_unit_test(data_that_is_not_taken_is_left_with_the_caller),
        cmocka_unit_test(a_refused_header_ends_the_stream),
        cmocka_unit_test(the_callbacks_refusal_is_returned),
        cmocka_unit_test(an_announced_length_allocates_nothing_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
