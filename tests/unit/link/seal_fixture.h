/* SPDX-License-Identifier: MIT */
/* A sealed stream over a socket, in the bridge's role, and its far end by hand. */
#ifndef HOSPES_SEAL_FIXTURE_H
#define HOSPES_SEAL_FIXTURE_H

#include "protocol/link/seal_stream.h"
#include "tests/unit/link/sealed_peer.h"

#define SEAL_FIXTURE_CONNECTION 3

extern enum aead_cipher cipher;
extern struct peer peer;       /* the far end of the socket */
extern struct sealed_peer far; /* and its records */
extern struct probe probe;     /* the owner of the sealed stream */

int seal_fixture_setup(void **state);
int seal_fixture_teardown(void **state);
void seal_fixture_renew(void); /* both, within a test */

/* Another one over this socket. */
struct stream *make_sealed_stream(int fd, bool bridge);
/* Waits for it in a record. */
void expect_sealed_frame(enum frame_type type, struct span payload);
/* stream_write of these bytes. */
int write_piece(struct probe *to, const uint8_t *bytes, size_t size);

#endif
