/* SPDX-License-Identifier: MIT */
/* Sets up and takes down; what is expected is in the tests. */
#include "tests/unit/link/seal_fixture.h"

#include <string.h>

#include "protocol/link/stream_fd.h"

enum aead_cipher cipher = AEAD_CHACHA20_POLY1305;
struct peer peer;
struct sealed_peer far;
struct probe probe;

static struct session_keys keys;

struct stream *make_sealed_stream(int fd, bool bridge)
{
    struct stream_fd_options options = {0};
    struct stream *inner, *stream;
    assert_int_equal(stream_fd_create(&loop, fd, &options, &inner), 0);
    assert_int_equal(seal_stream_create(&loop, inner, &keys, SEAL_FIXTURE_CONNECTION, bridge, &stream), 0);
    return stream;
}

int seal_fixture_setup(void **state)
{
    link_fixture_setup(state);
    int fds[2];
    socket_pair(fds);
    keys = sample_keys(cipher);
    peer_init(&peer, fds[0]);
    sealed_peer_init(&far, &peer, &keys, SEAL_FIXTURE_CONNECTION, false);
    probe_init(&probe, make_sealed_stream(fds[1], true));
    return 0;
}

int seal_fixture_teardown(void **state)
{
    probe_finish(&probe);
    sealed_peer_finish(&far);
    peer_finish(&peer);
    return link_fixture_teardown(state);
}

void seal_fixture_renew(void)
{
    void *state = NULL;
    seal_fixture_teardown(&state);
    seal_fixture_setup(&state);
}

void expect_sealed_frame(enum frame_type type, struct span payload)
{
    struct frame_header header;
    struct buffer came;
    RUN_UNTIL(sealed_peer_take_frame(&far, &header, &came));
    assert_int_equal(header.type, type);
    assert_int_equal(header.channel, 0);
    assert_true(span_equals(buffer_span(&came), payload));
    buffer_finish(&came);
}

int write_piece(struct probe *to, const uint8_t *bytes, size_t size)
{
    static uint8_t area[FRAME_HEADER_SIZE + SCRATCH_SIZE];
    memcpy(area + FRAME_HEADER_SIZE, bytes, size);
    return stream_write(to->stream, area, size);
}
