/* SPDX-License-Identifier: MIT */
/* The other end of a sealed connection, without a loop: records made and opened by hand over a peer. */
#ifndef HOSPES_SEALED_PEER_H
#define HOSPES_SEALED_PEER_H

#include "protocol/wire/record_seal.h"
#include "protocol/wire/session_keys.h"
#include "tests/unit/link/link_fixture.h"

struct sealed_peer {
    struct peer *peer; /* borrowed */
    struct record_key *send_key, *receive_key;
    struct record_opener opener;
    struct buffer plain; /* what was in the records that came */
    bool fin;            /* outside of records */
    bool other;          /* some other frame came outside of records */
};

void sealed_peer_init(struct sealed_peer *sealed, struct peer *peer, const struct session_keys *keys,
                      uint64_t connection, bool bridge);
void sealed_peer_finish(struct sealed_peer *sealed); /* no-op where all is zero */
/* Records of at most RECORD_PLAIN_MAX, each in a DATA frame. */
void sealed_peer_write(struct sealed_peer *sealed, const void *plain, size_t size);
void sealed_peer_write_frame(struct sealed_peer *sealed, enum frame_type type, const void *payload,
                             size_t size);
/* One record (1 … RECORD_PLAIN_MAX bytes) that is not sent; returns its size. */
size_t sealed_peer_seal(struct sealed_peer *sealed, const void *plain, size_t size, uint8_t *out);
/* Opens what has come; returns the size of `plain`. */
size_t sealed_peer_read(struct sealed_peer *sealed);
/* As peer_take_frame, of the frames in records. */
bool sealed_peer_take_frame(struct sealed_peer *sealed, struct frame_header *ret_header,
                            struct buffer *ret_payload);

/* Keys of a session that never was. */
struct session_keys sample_keys(enum aead_cipher cipher);

#endif
