/* SPDX-License-Identifier: MIT */
/* One byte transport (a Unix socket, a character device, a pair of pipes) that carries a mux: its channels
 * are streams. */
#ifndef HOSPES_MUX_LINK_H
#define HOSPES_MUX_LINK_H

#include "protocol/link/link_loop.h"
#include "protocol/link/stream.h"
#include "protocol/wire/mux.h"

struct mux_link; /* opaque */

struct mux_link_handler {
    /* Listener: the other side opened a channel. Take it with stream_set_handler before returning. */
    void (*on_stream)(void *ctx, struct stream *stream);
    /* The transport ended (UV_EOF, an error) or sent what no mux may send. The streams are told by
     * mux_link_close, which is all that may follow. A listener's device that hung up is no end: it waits for
     * the next dialer by itself. */
    void (*on_end)(void *ctx, int status, const char *text);
};

struct mux_link_options {
    enum mux_side side;
    /* A device that says "hung up" while nobody is at the other end and works again later (virtio-serial):
     * rested, not closed. */
    bool survives_hangup;
};

/* Takes both descriptors (non-blocking; may be the same one) in every case. UV_ENOMEM or libuv's error.
 * Dialer: streams opened before the sync is answered wait for it. */
int mux_link_create(struct link_loop *loop, int in_fd, int out_fd, const struct mux_link_options *options,
                    const struct mux_link_handler *handler, void *ctx, struct mux_link **ret);
/* Dialer: a new channel as a stream. STATUS_LIMIT, UV_ENOMEM. */
int mux_link_open(struct mux_link *link, struct stream **ret);
bool mux_link_is_synced(const struct mux_link *link);
/* Streams that are still open get on_end(STATUS_GONE). No callback of the link follows. NULL allowed. */
void mux_link_close(struct mux_link *link);

#endif
