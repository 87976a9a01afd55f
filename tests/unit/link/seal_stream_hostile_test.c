/* SPDX-License-Identifier: MIT */
/* Records that somebody on the way has changed, dropped, repeated or moved, and a peer that holds the keys
 * and breaks the rules: nothing of it is handed on. */
#include "protocol/link/seal_stream.h"

#include <string.h>

#include "protocol/base/status.h"
#include "protocol/link/stream_fd.h"
#include "tests/unit/link/sealed_peer.h"

#define CONNECTION 9

static struct session_keys keys;
static struct peer peer;
static struct sealed_peer far;
static struct probe probe;

static int setup(void **state)
{
    link_fixture_setup(state);
    int fds[2];
    struct stream_fd_options options = {0};
    struct stream *inner, *stream;
    socket_pair(fds);
    keys = sample_keys(AEAD_CHACHA20_POLY1305);
    peer_init(&peer, fds[0]);
    sealed_peer_init(&far, &peer, &keys, CONNECTION, true);
    assert_int_equal(stream_fd_create(&loop, fds[1], &options, &inner), 0);
    assert_int_equal(seal_stream_create(&loop, inner, &keys, CONNECTION, false, &stream), 0);
    probe_init(&probe, stream);
    return 0;
}

static int teardown(void **state)
{
    probe_finish(&probe);
    sealed_peer_finish(&far);
    peer_finish(&peer);
    return link_fixture_teardown(state);
}

static void renew(void)
{
    void *state = NULL;
    teardown(&state);
    setup(&state);
}

/* A DATA frame of `size` bytes in one record. */
static size_t seal_data(uint8_t *record, const void *bytes, size_t size)
{
    uint8_t plain[256];
    frame_header_encode(&(struct frame_header){.length = (uint32_t)size, .type = FRAME_DATA}, plain);
    memcpy(plain + FRAME_HEADER_SIZE, bytes, size);
    return sealed_peer_seal(&far, plain, FRAME_HEADER_SIZE + size, record);
}

static void expect_not_authentic(size_t data_before)
{
    RUN_UNTIL(probe.ends == 1);
    assert_int_equal(probe.end_status, STATUS_AUTHENTICATION_FAILED);
    assert_int_equal(buffer_size(&probe.data), data_before);
    assert_true(wakeups_within(2) < 10); /* ended and not yet closed: it does not spin */
    assert_int_equal(probe.ends, 1);
}

static void a_flipped_bit_anywhere_is_noticed_and_nothing_handed_on(void **state)
{
    uint8_t first[128], second[128];
    for (size_t i = 0, size = 1; i < size; i++) {
        size_t first_size = seal_data(first, "good", 4);
        size = seal_data(second, "harmless", 8);
        second[i] ^= i % 2 == 0 ? 0x01 : 0x80;
        peer_write_frame(&peer, FRAME_DATA, first, first_size);
        peer_write_frame(&peer, FRAME_DATA, second, size);
        peer_hang_up(&peer);
        RUN_UNTIL(probe.ends == 1);
        /* a size that grew waits for bytes that never come, or is none at all */
        bool is_size = i < RECORD_HEADER_SIZE;
        assert_true(probe.end_status == STATUS_AUTHENTICATION_FAILED ||
                    (is_size && (probe.end_status == UV_ECONNRESET || probe.end_status == STATUS_TOO_LARGE ||
                                 probe.end_status == STATUS_MALFORMED)));
        assert_true(span_equals(buffer_span(&probe.data), span_of_text("good")));
        renew();
    }
}

static void a_record_that_is_missing_is_noticed(void **state)
{
    uint8_t record[128];
    peer_write_frame(&peer, FRAME_DATA, record, seal_data(record, "one", 3));
    seal_data(record, "lost", 4);
    peer_write_frame(&peer, FRAME_DATA, record, seal_data(record, "three", 5));
    expect_not_authentic(3);
}

static void a_record_that_comes_twice_is_noticed(void **state)
{
    uint8_t record[128];
    size_t size = seal_data(record, "one", 3);
    peer_write_frame(&peer, FRAME_DATA, record, size);
    peer_write_frame(&peer, FRAME_DATA, record, size);
    expect_not_authentic(3);
}

static void records_that_change_places_are_noticed(void **state)
{
    uint8_t first[128], second[128];
    size_t first_size = seal_data(first, "one", 3), second_size = seal_data(second, "two", 3);
    peer_write_frame(&peer, FRAME_DATA, second, second_size);
    peer_write_frame(&peer, FRAME_DATA, first, first_size);
    expect_not_authentic(0);
}

static void a_record_of_another_connection_is_noticed(void **state)
{
    struct sealed_peer other;
    sealed_peer_init(&other, &peer, &keys, CONNECTION + 1, true);
    sealed_peer_write_frame(&other, FRAME_DATA, "moved", 5);
    sealed_peer_finish(&other);
    expect_not_authentic(0);
}

static void a_record_of_another_session_is_noticed(void **state)
{
    struct sealed_peer other;
    keys.master[0] ^= 1;
    sealed_peer_init(&other, &peer, &keys, CONNECTION, true);
    sealed_peer_write_frame(&other, FRAME_DATA, "moved", 5);
    sealed_peer_finish(&other);
    expect_not_authentic(0);
}

static void its_own_records_sent_back_are_noticed(void **state)
{
    assert_int_equal(stream_send(probe.stream, FRAME_MESSAGE, span_of_text("echo")), 0);
    struct frame_header header;
    struct buffer record;
    RUN_UNTIL(peer_take_frame(&peer, &header, &record));
    peer_write_frame(&peer, FRAME_DATA, buffer_span(&record).data, buffer_size(&record));
    buffer_finish(&record);
    expect_not_authentic(0);
    assert_int_equal(probe.frames, 0);
}

static void plain_frames_in_place_of_records_are_noticed(void **state)
{
    uint8_t frame[FRAME_HEADER_SIZE + 50] = {0};
    frame_header_encode(&(struct frame_header){.length = 50, .type = FRAME_DATA}, frame);
    peer_write_frame(&peer, FRAME_DATA, frame, sizeof(frame));
    RUN_UNTIL(probe.ends == 1);
    assert_true(probe.end_status == STATUS_AUTHENTICATION_FAILED || probe.end_status == STATUS_MALFORMED);
    assert_int_equal(buffer_size(&probe.data), 0);
}

static void frames_outside_of_records_end_an_agents_stream(void **state)
{
    static const enum frame_type TYPES[] = {FRAME_MESSAGE, FRAME_DATAGRAM};
    for (size_t i = 0; i < 2; i++) {
        uint8_t record[128];
        peer_write_frame(&peer, FRAME_DATA, record, seal_data(record, "one", 3));
        peer_write_frame(&peer, TYPES[i], "believe me", 10);
        peer_write_frame(&peer, FRAME_DATA, record, seal_data(record, "two", 3));
        expect_not_authentic(3);
        assert_int_equal(probe.frames, 0);
        renew();
    }
    uint8_t record[128]; /* what is held comes first, and nothing behind it */
    probe.take = 1;
    peer_write_frame(&peer, FRAME_DATA, record, seal_data(record, "one", 3));
    peer_write_frame(&peer, FRAME_MESSAGE, "believe me", 10);
    peer_write_frame(&peer, FRAME_DATA, record, seal_data(record, "two", 3));
    assert_true(wakeups_within(10) < 20);
    assert_int_equal(probe.ends, 0);
    probe.take = SIZE_MAX;
    stream_resume(probe.stream);
    expect_not_authentic(3);
}

static void sizes_that_no_record_has_are_refused_at_once(void **state)
{
    static const struct {
        uint8_t size[4];
        int status;
    } BAD[] = {{{0, 0, 0, 0}, STATUS_MALFORMED},
               {{0, 0, 0, AEAD_TAG_SIZE}, STATUS_MALFORMED},
               {{0, 1, 0, AEAD_TAG_SIZE + 1}, STATUS_TOO_LARGE},
               {{255, 255, 255, 255}, STATUS_TOO_LARGE}};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        peer_write_frame(&peer, FRAME_DATA, BAD[i].size, 4);
        RUN_UNTIL(probe.ends == 1);
        assert_int_equal(probe.end_status, BAD[i].status);
        renew();
    }
}

static void what_follows_a_bad_record_is_not_looked_at(void **state)
{
    uint8_t bad[128], good[128];
    size_t bad_size = seal_data(bad, "bad", 3);
    bad[bad_size - 1] ^= 1;
    peer_write_frame(&peer, FRAME_DATA, bad, bad_size);
    size_t good_size = seal_data(good, "good", 4);
    for (int i = 0; i < 100; i++)
        peer_write_frame(&peer, FRAME_DATA, good, good_size);
    expect_not_authentic(0);
    assert_int_equal(stream_send(probe.stream, FRAME_MESSAGE, span_of_text("hello?")), 0);
    assert_true(wakeups_within(10) < 10);
    assert_int_equal(peer_read(&peer), 0); /* and nothing more is said */
}

static void frames_that_break_the_rules_end_the_stream(void **state)
{
    static const struct {
        uint8_t head[FRAME_HEADER_SIZE];
        int status;
    } BAD[] = {
        {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, STATUS_MALFORMED},    /* type 0 */
        {{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0}, STATUS_MALFORMED},    /* flags */
        {{0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0}, STATUS_MALFORMED},    /* a channel */
        {{0, 0, 0, 1, 0, 0, 0, 0, 4, 0, 0, 0}, STATUS_TOO_LARGE},    /* FIN with a payload */
        {{0, 0x04, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0}, STATUS_TOO_LARGE}, /* MESSAGE */
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        sealed_peer_write_frame(&far, FRAME_MESSAGE, "ok", 2);
        sealed_peer_write(&far, BAD[i].head, FRAME_HEADER_SIZE);
        RUN_UNTIL(probe.ends == 1);
        assert_int_equal(probe.frames, 1);
        assert_int_equal(probe.end_status, BAD[i].status);
        renew();
    }
    static const uint8_t CREDIT[] = {0, 0, 0, 4, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 1};
    sealed_peer_write(&far, CREDIT, sizeof(CREDIT));
    RUN_UNTIL(probe.ends == 1);
    assert_int_equal(probe.end_status, STATUS_MALFORMED);
}

static void data_on_a_stream_without_data_ends_it(void **state)
{
    stream_set_handler(probe.stream, &PROBE_HANDLER_WITHOUT_DATA, &probe);
    sealed_peer_write_frame(&far, FRAME_DATA, NULL, 0); /* means nothing */
    sealed_peer_write_frame(&far, FRAME_DATA, "x", 1);
    sealed_peer_write_frame(&far, FRAME_MESSAGE, "x", 1);
    RUN_UNTIL(probe.ends == 1);
    assert_int_equal(probe.end_status, STATUS_UNEXPECTED);
    assert_int_equal(probe.frames, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_flipped_bit_anywhere_is_noticed_and_nothing_handed_on),
        TEST(a_record_that_is_missing_is_noticed),
        TEST(a_record_that_comes_twice_is_noticed),
        TEST(records_that_change_places_are_noticed),
        TEST(a_record_of_another_connection_is_noticed),
        TEST(a_record_of_another_session_is_noticed),
        TEST(its_own_records_sent_back_are_noticed),
        TEST(plain_frames_in_place_of_records_are_noticed),
        TEST(frames_outside_of_records_end_an_agents_stream),
        TEST(sizes_that_no_record_has_are_refused_at_once),
        TEST(what_follows_a_bad_record_is_not_looked_at),
        TEST(frames_that_break_the_rules_end_the_stream),
        TEST(data_on_a_stream_without_data_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
