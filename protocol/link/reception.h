/* SPDX-License-Identifier: MIT */
/* Where the agent's new streams wait until their first messages say what they are: HELLO of a new session, or
 * JOIN and what follows it. Bounded in number and time, so that peers that say nothing cost nothing. */
#ifndef HOSPES_RECEPTION_H
#define HOSPES_RECEPTION_H

#include "protocol/link/deadlines.h"
#include "protocol/link/listener.h"
#include "protocol/link/stream.h"

struct reception_handler {
    /* Take the stream (stream_set_handler) or close it, before return. Messages are valid until return.
     * A control session: the handshake follows. `payload` is HELLO as it came. */
    void (*on_hello)(void *ctx, struct stream *stream, const struct listener_peer *peer,
                     const struct hello_message *hello, struct span payload);
    /* A further connection of a session: 0 when its proof is good, and the stream that carries it from now on
     * (another one when the session is sealed). */
    int (*on_join)(void *ctx, struct stream *stream, const struct join_message *join, struct stream **ret);
    /* What a connection that joined turned out to be; `session` is the one that it proved to belong to. */
    void (*on_events)(void *ctx, struct stream *stream, const struct hello_message *hello);
    void (*on_channel)(void *ctx, struct stream *stream, const struct channel_open_message *open);
    /* `connection` is its number in JOIN. */
    void (*on_files)(void *ctx, struct stream *stream, uint64_t connection,
                     const struct files_open_message *open);
    /* A stream was turned away. */
    void (*on_refused)(void *ctx, const struct listener_peer *peer, int status);
};

struct visitor;

struct reception {
    const struct reception_handler *handler;
    void *ctx;
    struct deadlines deadlines;
    struct visitor *oldest, *newest;
    size_t count;
};

void reception_init(struct reception *reception, uv_loop_t *uv, const struct reception_handler *handler,
                    void *ctx);
void reception_close(struct reception *reception, void (*on_closed)(void *ctx), void *ctx);
/* Takes the stream over; the peer is copied. Beyond PENDING_HELLO_MAX the oldest silent one is closed. */
void reception_add(struct reception *reception, struct stream *stream, const struct listener_peer *peer);

/* REFUSE and RST with status and text, then close. */
void reception_refuse(struct stream *stream, int status, const char *text);

#endif
