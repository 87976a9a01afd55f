/* SPDX-License-Identifier: MIT */
/* The same work over every kind of stream. */
#include <string.h>

#include "protocol/link/mux_link.h"
#include "protocol/link/seal_stream.h"
#include "tests/unit/link/sealed_peer.h"
#include "tests/unit/transfer/base/two_ends.h"

#define CHUNKS 12

static void prepare(void)
{
    giver.script.chunks = taker.script.chunks = CHUNKS;
    giver.script.chunk_size = taker.script.chunk_size = FILES_CHUNK_SIZE - 1;
    giver.script.messages = 500;
}

static void expect_success(void)
{
    RUN_UNTIL_WITHIN(60000, giver.ends == 1 && taker.ends == 1);
    assert_int_equal(giver.status, 0);
    assert_int_equal(taker.status, 0);
    assert_int_equal(taker.script.chunks_taken, CHUNKS);
    assert_int_equal(taker.script.takes, 500 + 3 * CHUNKS);
    assert_false(taker.script.wrong_data);
}

static struct stream *sealed(struct stream *inner, bool bridge)
{
    struct session_keys keys = sample_keys(AEAD_CHACHA20_POLY1305);
    struct stream *stream;
    assert_int_equal(seal_stream_create(&loop, inner, &keys, 3, bridge, &stream), 0);
    return stream;
}

static void a_socket_without_splice_carries_a_transfer(void **state)
{
    int fds[2];
    socket_pair(fds);
    prepare();
    end_create(&giver, socket_stream(fds[0], false));
    end_create(&taker, socket_stream(fds[1], false));
    expect_success();
}

static void a_sealed_socket_carries_a_transfer(void **state)
{
    int fds[2];
    socket_pair(fds);
    prepare();
    end_create(&giver, sealed(socket_stream(fds[0], true), true));
    end_create(&taker, sealed(socket_stream(fds[1], true), false));
    expect_success();
}

/* ---- over a mux ---- */

static void on_stream(void *ctx, struct stream *stream)
{
    const bool *is_sealed = ctx;
    end_create(&taker, *is_sealed ? sealed(stream, false) : stream);
}

static void on_end(void *ctx, int status, const char *text)
{
    fail_msg("the mux ended");
}

static const struct mux_link_handler MUX_HANDLER = {.on_stream = on_stream, .on_end = on_end};

static struct mux_link *mux_end(enum mux_side side, int fd, bool *is_sealed)
{
    struct mux_link_options options = {.side = side};
    struct mux_link *link;
    assert_int_equal(mux_link_create(&loop, fd, fd, &options, &MUX_HANDLER, is_sealed, &link), 0);
    return link;
}

static void move_over_mux(bool is_sealed, bool slowly)
{
    int fds[2];
    socket_pair(fds);
    prepare();
    struct mux_link *dialer = mux_end(MUX_DIALER, fds[0], &is_sealed);
    struct mux_link *listener = mux_end(MUX_LISTENER, fds[1], &is_sealed);
    struct stream *stream;
    assert_int_equal(mux_link_open(dialer, &stream), 0);
    taker.script.held = slowly;
    end_create(&giver, is_sealed ? sealed(stream, true) : stream);
    if (slowly) { /* messages and data wait in the stream, and stay in order */
        size_t before = 1;
        while (before != giver.script.produced) {
            before = giver.script.produced;
            wakeups_within(100);
        }
        taker.script.held = false;
    }
    expect_success();
    mux_link_close(dialer);
    mux_link_close(listener);
}

static void a_mux_carries_a_transfer(void **state)
{
    move_over_mux(false, false);
}

static void a_mux_keeps_the_order_when_the_taker_is_slow(void **state)
{
    move_over_mux(false, true);
}

static void a_sealed_mux_carries_a_transfer(void **state)
{
    move_over_mux(true, false);
    two_ends_renew();
    move_over_mux(true, true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, two_ends_setup, two_ends_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_socket_without_splice_carries_a_transfer),
        TEST(a_sealed_socket_carries_a_transfer),
        TEST(a_mux_carries_a_transfer),
        TEST(a_mux_keeps_the_order_when_the_taker_is_slow),
        TEST(a_sealed_mux_carries_a_transfer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
