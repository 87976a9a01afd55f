/* SPDX-License-Identifier: MIT */
/* A channel whose two FINs are under way when its connection is cut. */
#include "protocol/link/channel.h"

#include "protocol/link/stream_fd.h"
#include "tests/unit/link/link_fixture.h"

static size_t fins, resets;

static size_t on_data(void *ctx, struct span bytes)
{
    return bytes.size;
}

static void on_fin(void *ctx)
{
    fins++;
}

static void on_reset(void *ctx, int status, const char *text)
{
    resets++;
}

static const struct channel_handler HANDLER = {.on_data = on_data, .on_fin = on_fin, .on_reset = on_reset};

static void what_was_not_sent_when_the_connection_ends_is_told(void **state)
{
    static const uint8_t payload[FRAME_MESSAGE_MAX];
    int fds[2];
    struct peer peer;
    struct channel channel;
    struct stream *stream;
    struct stream_fd_options options = {0};
    socket_pair(fds);
    peer_init(&peer, fds[0]);
    assert_int_equal(stream_fd_create(&loop, fds[1], &options, &stream), 0);
    channel_init(&channel, stream, &HANDLER, NULL);
    while (stream_write_room(stream) > 0)
        assert_int_equal(stream_send(stream, FRAME_MESSAGE, span_of(payload, sizeof(payload))), 0);
    assert_int_equal(channel_send_fin(&channel), 0);
    peer_write_frame(&peer, FRAME_FIN, NULL, 0);
    RUN_UNTIL(fins == 1);
    assert_false(channel_is_done(&channel));
    peer_finish(&peer);
    RUN_UNTIL(resets == 1);
    channel_close(&channel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_not_sent_when_the_connection_ends_is_told,
                                        link_fixture_setup, link_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
