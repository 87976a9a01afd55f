/* SPDX-License-Identifier: MIT */
/* The channels of one mux as streams (private to mux_link.c). The list knows its carrier only by two calls,
 * around everything that may call a stream's handler or leave output in the mux. */
#ifndef HOSPES_MUX_STREAM_H
#define HOSPES_MUX_STREAM_H

#include "protocol/link/stream.h"
#include "protocol/wire/mux.h"

struct mux_stream; /* opaque */

struct mux_stream_list {
    struct mux *mux;
    struct mux_stream *first;
    size_t closed; /* streams that wait to be freed */
    void (*enter)(void *carrier);
    void (*leave)(void *carrier);
    void *carrier;
};

void mux_stream_list_init(struct mux_stream_list *list, struct mux *mux, void (*enter)(void *carrier),
                          void (*leave)(void *carrier), void *carrier);
bool mux_stream_list_is_empty(const struct mux_stream_list *list);
/* Frees the streams that their owners have closed. Only where no handler is on the call stack. */
void mux_stream_list_free_closed(struct mux_stream_list *list);
/* on_end for all; the mux is not told. */
void mux_stream_list_end_all(struct mux_stream_list *list, int status, const char *text);
/* Opens the channels of streams that were created before the sync, and sends what they queued. */
void mux_stream_list_start_waiting(struct mux_stream_list *list);

/* channel 0: waits for mux_stream_start. NULL when out of memory. */
struct mux_stream *mux_stream_list_add(struct mux_stream_list *list, uint32_t channel);
struct stream *mux_stream_base(struct mux_stream *stream);
int mux_stream_start(struct mux_stream *stream); /* errors of mux_open and mux_send */

/* For struct mux_callbacks; `owner` is the mux_stream. */
void mux_stream_on_frame(void *ctx, void *owner, const struct frame_header *header, struct span payload);
void mux_stream_on_data(void *ctx, void *owner, struct span bytes);
void mux_stream_on_reset(void *ctx, void *owner, int status, const char *text);
void mux_stream_on_writable(void *ctx, void *owner);

#endif
