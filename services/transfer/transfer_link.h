/* SPDX-License-Identifier: MIT */
/* Drives an engine with a stream: what comes is gathered into items, jobs on the worker threads hand them to
 * the engine, what it produces is sent as the stream takes it. Bounded: at most TRANSFER_IN_MAX bytes that
 * came and TRANSFER_OUT_MAX that go wait; then the stream, or the engine, waits. */
#ifndef HOSPES_TRANSFER_LINK_H
#define HOSPES_TRANSFER_LINK_H

#include <uv.h>

#include "protocol/link/stream.h"
#include "services/transfer/engine.h"
#include "services/transfer/fs_identity.h"

#define TRANSFER_IN_MAX  (4 * FILES_CHUNK_SIZE)
#define TRANSFER_OUT_MAX (4 * FILES_CHUNK_SIZE)
/* While the engine is paused so much more is read: all that a sender which heeds PAUSED has under way. So the
 * stream runs empty, and a RST or an end is noticed although nothing can be taken. */
#define TRANSFER_PAUSED_MAX (12 * FILES_CHUNK_SIZE)
#define TRANSFER_RETRY_MS   1000 /* an engine that could not take an item (the disk is full) is asked again */

struct transfer_link; /* opaque */

struct transfer_link_handler {
    /* Counts changed, or failures came: transfer_link_engine. At most once a job, with the worker at rest.
     * Can be NULL. */
    void (*on_progress)(void *ctx);
    /* It is over: 0 when complete (single entries may have failed), else why. Once; then transfer_link_close.
     * UV_ECONNRESET and the like: the link was lost. */
    void (*on_end)(void *ctx, int status, const char *text);
};

/* Takes the stream and, on success, the engine. `identity` is copied: jobs run on its behalf. No callback
 * before return. UV_ENOMEM: the stream and the engine are still the caller's. */
int transfer_link_create(uv_loop_t *loop, struct stream *stream, struct engine *engine,
                         const struct fs_identity *identity, const struct transfer_link_handler *handler,
                         void *ctx, struct transfer_link **ret);
/* The engine, within on_progress and on_end only. */
struct engine *transfer_link_engine(struct transfer_link *link);
/* The engine has something to say although nothing came (a junction). From the loop's thread. */
void transfer_link_wake(struct transfer_link *link);
/* Ends it: with `discard` the other side is told (RST ECANCELED) and nothing is left behind, else partial
 * work stays for a resume. No callback follows but on_closed, from the loop, when the last job has ended, the
 * engine is destroyed, and what tells the other side is out (or a second has passed). */
void transfer_link_close(struct transfer_link *link, bool discard, void (*on_closed)(void *ctx), void *ctx);

#endif
