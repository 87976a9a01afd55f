/* SPDX-License-Identifier: MIT */
/* A stream in records over another stream (docs/protocol.md, "Records"): what goes in comes out, and nobody
 * between has read, changed, repeated or cut it. */
#ifndef HOSPES_SEAL_STREAM_H
#define HOSPES_SEAL_STREAM_H

#include "protocol/link/link_loop.h"
#include "protocol/link/stream.h"
#include "protocol/wire/session_keys.h"

/* Takes `inner` over on success; on failure (UV_ENOMEM) it stays the caller's. `bridge`: which side this is.
 */
int seal_stream_create(struct link_loop *loop, struct stream *inner, const struct session_keys *keys,
                       uint64_t connection, bool bridge, struct stream **ret);

#endif
