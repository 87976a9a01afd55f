/* SPDX-License-Identifier: MIT */
/* A byte stream (or datagrams) between a socket on the host and one in the guest: a stream whose first
 * message was CHANNEL_OPEN. Half-close is in-band: FIN each way. */
#ifndef HOSPES_CHANNEL_H
#define HOSPES_CHANNEL_H

#include "protocol/link/stream.h"

struct channel_handler {
    void (*on_opened)(void *ctx); /* bridge: the guest's connect succeeded. Can be NULL */
    /* As stream_handler.on_data. NULL on datagram channels. */
    size_t (*on_data)(void *ctx, struct span bytes);
    /* As stream_handler.on_splice. Can be NULL. */
    ssize_t (*on_splice)(void *ctx, int fd, size_t size);
    void (*on_datagram)(void *ctx, struct span datagram); /* NULL on byte channels */
    void (*on_fin)(void *ctx);                            /* the other side will send no more */
    void (*on_writable)(void *ctx);
    /* It is over before both FINs: reset, refused, or the link is lost. Once; then channel_close. */
    void (*on_reset)(void *ctx, int status, const char *text);
};

/* Embedded in its flow. */
struct channel {
    struct stream *stream; /* NULL once closed */
    const struct channel_handler *handler;
    void *ctx;
    bool fin_sent, fin_received;
    bool is_over; /* on_reset was called */
};

/* Takes the stream over. */
void channel_init(struct channel *channel, struct stream *stream, const struct channel_handler *handler,
                  void *ctx);
int channel_send_opened(struct channel *channel);
/* UV_ENOBUFS: try again at on_writable. */
int channel_send_fin(struct channel *channel);
/* Both FINs were exchanged and everything is on its way: channel_close loses nothing. */
bool channel_is_done(struct channel *channel);
void channel_abort(struct channel *channel, int status, const char *text); /* RST, then close */
void channel_close(struct channel *channel);                               /* no-op when closed */

#endif
