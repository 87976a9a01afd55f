/* SPDX-License-Identifier: MIT */
/* Where the agent can be reached: one listener for each --listen. */
#ifndef HOSPES_LISTENER_H
#define HOSPES_LISTENER_H

#include "protocol/link/link_loop.h"
#include "protocol/link/spec.h"
#include "protocol/link/stream.h"

struct listener; /* opaque */

/* Where a stream comes from, as far as the kernel can tell. */
struct listener_peer {
    enum link_kind kind;
    /* Nobody but the hypervisor, our own user or root can be at the other end: vsock from the host's CID, a
     * device, stdio, a Unix socket with such credentials. Never tcp, nor the vsock loopback. */
    bool is_private;
    char who[64]; /* "vsock CID 2", "uid 1000 (pid 12)", "192.0.2.7:4711", "the serial port" */
};

struct listener_handler {
    /* A new stream: take it (stream_set_handler or stream_close) before return. The peer is valid until
     * return. */
    void (*on_stream)(void *ctx, struct stream *stream, const struct listener_peer *peer);
    /* A peer was refused (another CID than the host's, another user); for the log. */
    void (*on_refused)(void *ctx, enum link_kind kind, const char *who);
    /* LINK_STDIO and terminals: the transport ended for good. */
    void (*on_end)(void *ctx, int status, const char *text);
};

/* vsock: binds both ports, takes peers with CID 2 (the host), and 1 (loopback) only with `loopback_allowed`.
 * unix: replaces a stale socket file, mode 0600, and takes peers of our uid or root. tcp: binds both ports,
 * if there are two, and takes everybody: who may come in is for the handshake to say. serial: opens the
 * device. stdio: descriptors 0 and 1. On failure a sentence in ret_problem. */
struct listener_options {
    bool loopback_allowed;
};
int listener_create(struct link_loop *loop, const struct link_spec *spec,
                    const struct listener_options *options, const struct listener_handler *handler, void *ctx,
                    struct listener **ret, char ret_problem[static TEXT_REASON_MAX + 1]);
/* Removes its socket files. Frees itself on the loop; no callback follows. */
void listener_close(struct listener *listener);

#endif
