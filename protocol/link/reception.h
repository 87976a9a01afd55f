/* SPDX-License-Identifier: MIT */
/* Where the agent's new streams wait until their first message says what they are. Bounded in number and
 * time, so that peers that say nothing cost nothing. */
#ifndef HOSPES_RECEPTION_H
#define HOSPES_RECEPTION_H

#include "protocol/link/deadlines.h"
#include "protocol/link/stream.h"

struct reception_handler {
    /* Take the stream (stream_set_handler) or close it, before return. Messages are valid until return. */
    void (*on_hello)(void *ctx, struct stream *stream, const struct hello_message *hello);
    void (*on_channel)(void *ctx, struct stream *stream, const struct channel_open_message *open);
    /* A stream was turned away: for the log. */
    void (*on_refused)(void *ctx, int status);
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
/* Takes the stream over. Beyond PENDING_HELLO_MAX the oldest silent one is closed. */
void reception_add(struct reception *reception, struct stream *stream);

/* REFUSE and RST with status and text, then close. */
void reception_refuse(struct stream *stream, int status, const char *text);

#endif
