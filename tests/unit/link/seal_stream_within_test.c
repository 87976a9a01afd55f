/* SPDX-License-Identifier: MIT */
/* A sealed stream whose inner one says that there is room from within a write, as a mux may: what waits goes
 * out once and in order. */
#include <string.h>

#include "protocol/base/status.h"
#include "protocol/link/seal_stream.h"
#include "tests/unit/link/sealed_peer.h"

#define CONNECTION 2

/* The inner stream: keeps what is written. */
static struct {
    struct stream base;
    struct buffer wire;
    size_t room;
    bool says_so; /* of room, at the next write, from within it */
    bool fin, closed;
} inner;

static struct session_keys keys;
static struct stream *stream;
static struct sealed_peer far;
static size_t writes_when_told; /* bytes that the owner writes as soon as it is told of room; 0: nothing */

static int inner_send(struct stream *self, enum frame_type type, struct span payload)
{
    assert_int_equal(type, FRAME_FIN);
    assert_false(inner.fin);
    inner.fin = true;
    return 0;
}

static size_t inner_write_room(struct stream *self)
{
    return inner.room;
}

static int inner_write(struct stream *self, uint8_t *head_room, size_t size)
{
    assert_true(size <= inner.room);
    assert_false(inner.fin);
    inner.room -= size;
    assert_int_equal(buffer_append(&inner.wire, head_room + FRAME_HEADER_SIZE, size), 0);
    if (inner.says_so) {
        inner.says_so = false;
        inner.room = SCRATCH_SIZE;
        inner.base.handler->on_writable(inner.base.ctx);
    }
    return 0;
}

static void inner_resume(struct stream *self) {}

static void inner_close(struct stream *self)
{
    inner.closed = true;
}

static const struct stream_ops INNER_OPS = {.send = inner_send,
                                            .write_room = inner_write_room,
                                            .write = inner_write,
                                            .resume = inner_resume,
                                            .close = inner_close};

static void on_frame(void *ctx, enum frame_type type, struct span payload) {}

static void on_end(void *ctx, int status, const char *text) {}

static void on_writable(void *ctx)
{
    static uint8_t area[FRAME_HEADER_SIZE + SCRATCH_SIZE];
    size_t size = writes_when_told;
    writes_when_told = 0;
    if (size > 0 && stream_write_room(stream) >= size)
        assert_int_equal(stream_write(stream, area, size), 0);
}

static const struct stream_handler HANDLER = {
    .on_frame = on_frame, .on_writable = on_writable, .on_end = on_end};

static int setup(void **state)
{
    link_fixture_setup(state);
    memset(&inner, 0, sizeof(inner));
    inner.base.ops = &INNER_OPS;
    buffer_init(&inner.wire, SIZE_MAX / 2);
    writes_when_told = 0;
    keys = sample_keys(AEAD_CHACHA20_POLY1305);
    sealed_peer_init(&far, NULL, &keys, CONNECTION, false);
    assert_int_equal(seal_stream_create(&loop, &inner.base, &keys, CONNECTION, true, &stream), 0);
    stream_set_handler(stream, &HANDLER, NULL);
    return 0;
}

static int teardown(void **state)
{
    stream_close(stream);
    assert_true(inner.closed);
    buffer_finish(&inner.wire);
    sealed_peer_finish(&far);
    return link_fixture_teardown(state);
}

/* Opens all that was written, which must be records in order, and takes the next frame. */
static void expect_frame(enum frame_type type, size_t size)
{
    static uint8_t plain[RECORD_PLAIN_MAX];
    struct span wire = buffer_span(&inner.wire);
    while (wire.size > 0) {
        size_t plain_size = 0, taken = 0;
        assert_int_equal(record_open(&far.opener, wire, plain, &plain_size, &taken), 0);
        assert_int_equal(buffer_append(&far.plain, plain, plain_size), 0);
        wire = span_of(wire.data + taken, wire.size - taken);
    }
    buffer_finish(&inner.wire);
    struct frame_header header;
    struct buffer payload;
    assert_true(frame_take(&far.plain, &header, &payload));
    assert_int_equal(header.type, type);
    assert_int_equal(buffer_size(&payload), size);
    buffer_finish(&payload);
}

static uint8_t message[FRAME_MESSAGE_MAX];

static void what_waits_goes_out_once(void **state)
{
    assert_int_equal(stream_send(stream, FRAME_MESSAGE, span_of(message, 1000)), 0);
    assert_int_equal(buffer_size(&inner.wire), 0);
    inner.room = 500; /* not told of yet: the next call finds it */
    inner.says_so = true;
    assert_int_equal(stream_send(stream, FRAME_FIN, span_of(NULL, 0)), 0);
    assert_true(inner.fin);
    expect_frame(FRAME_MESSAGE, 1000);
    expect_frame(FRAME_FIN, 0);
    assert_int_equal(buffer_size(&far.plain), 0);
}

static void nothing_comes_between_the_records_of_a_frame(void **state)
{
    static const size_t ROOMS[] = {0, 1024, SCRATCH_SIZE - 1, SCRATCH_SIZE};
    for (size_t i = 0; i < sizeof(ROOMS) / sizeof(ROOMS[0]); i++) {
        inner.room = 0;
        assert_int_equal(stream_write_room(stream), 0); /* from now on it waits to be told */
        writes_when_told = 3000;
        inner.room = ROOMS[i];
        inner.says_so = true;
        assert_int_equal(stream_send(stream, FRAME_MESSAGE, span_of(message, FRAME_MESSAGE_MAX)), 0);
        inner.room = SCRATCH_SIZE;
        inner.base.handler->on_writable(inner.base.ctx);
        inner.room = SCRATCH_SIZE;
        inner.base.handler->on_writable(inner.base.ctx);
        expect_frame(FRAME_MESSAGE, FRAME_MESSAGE_MAX);
        expect_frame(FRAME_DATA, 3000);
        assert_int_equal(buffer_size(&far.plain), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_waits_goes_out_once),
        TEST(nothing_comes_between_the_records_of_a_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
