/* SPDX-License-Identifier: MIT */
/* Seals and opens with the real records; the frames around and within them are written out here. */
#include "tests/unit/link/sealed_peer.h"

#include <string.h>

void sealed_peer_init(struct sealed_peer *sealed, struct peer *peer, const struct session_keys *keys,
                      uint64_t connection, bool bridge)
{
    struct connection_keys of;
    *sealed = (struct sealed_peer){.peer = peer};
    session_keys_of_connection(keys, connection, &of);
    assert_int_equal(
        record_key_create(loop.secrets, keys->cipher, bridge ? of.to_agent : of.to_bridge, &sealed->send_key),
        0);
    assert_int_equal(record_key_create(loop.secrets, keys->cipher, bridge ? of.to_bridge : of.to_agent,
                                       &sealed->receive_key),
                     0);
    record_opener_init(&sealed->opener, sealed->receive_key);
    buffer_init(&sealed->plain, SIZE_MAX / 2);
}

void sealed_peer_finish(struct sealed_peer *sealed)
{
    if (sealed->send_key == NULL)
        return;
    record_opener_finish(&sealed->opener);
    record_key_destroy(sealed->send_key);
    record_key_destroy(sealed->receive_key);
    buffer_finish(&sealed->plain);
    *sealed = (struct sealed_peer){0};
}

size_t sealed_peer_seal(struct sealed_peer *sealed, const void *plain, size_t size, uint8_t *out)
{
    size_t record_size = 0;
    assert_int_equal(record_seal(sealed->send_key, plain, size, out, &record_size), 0);
    return record_size;
}

void sealed_peer_write(struct sealed_peer *sealed, const void *plain, size_t size)
{
    static uint8_t record[RECORD_SIZE_MAX];
    const uint8_t *at = plain;
    while (size > 0) {
        size_t piece = size < RECORD_PLAIN_MAX ? size : RECORD_PLAIN_MAX;
        size_t record_size = sealed_peer_seal(sealed, at, piece, record);
        peer_write_frame(sealed->peer, FRAME_DATA, record, record_size);
        at += piece;
        size -= piece;
    }
}

void sealed_peer_write_frame(struct sealed_peer *sealed, enum frame_type type, const void *payload,
                             size_t size)
{
    struct buffer frame;
    uint8_t head[FRAME_HEADER_SIZE];
    frame_header_encode(&(struct frame_header){.length = (uint32_t)size, .type = (uint8_t)type}, head);
    buffer_init(&frame, SIZE_MAX / 2);
    assert_int_equal(buffer_append(&frame, head, sizeof(head)), 0);
    if (size > 0)
        assert_int_equal(buffer_append(&frame, payload, size), 0);
    sealed_peer_write(sealed, buffer_span(&frame).data, buffer_size(&frame));
    buffer_finish(&frame);
}

static void open_records(struct sealed_peer *sealed, struct span bytes)
{
    static uint8_t plain[RECORD_PLAIN_MAX];
    while (bytes.size > 0) {
        size_t size = 0, taken = 0;
        assert_int_equal(record_open(&sealed->opener, bytes, plain, &size, &taken), 0);
        if (size > 0)
            assert_int_equal(buffer_append(&sealed->plain, plain, size), 0);
        bytes = span_of(bytes.data + taken, bytes.size - taken);
    }
}

size_t sealed_peer_read(struct sealed_peer *sealed)
{
    struct frame_header header;
    struct buffer payload;
    while (peer_take_frame(sealed->peer, &header, &payload)) {
        if (header.type == FRAME_DATA)
            open_records(sealed, buffer_span(&payload));
        else if (header.type == FRAME_FIN)
            sealed->fin = true;
        else
            sealed->other = true;
        buffer_finish(&payload);
    }
    return buffer_size(&sealed->plain);
}

bool sealed_peer_take_frame(struct sealed_peer *sealed, struct frame_header *ret_header,
                            struct buffer *ret_payload)
{
    sealed_peer_read(sealed);
    return frame_take(&sealed->plain, ret_header, ret_payload);
}

struct session_keys sample_keys(enum aead_cipher cipher)
{
    struct session_keys keys = {.cipher = cipher};
    for (size_t i = 0; i < sizeof(keys.master); i++)
        keys.master[i] = (uint8_t)(i * 7 + 1);
    return keys;
}
