/* SPDX-License-Identifier: MIT */
/* Engines without files: a giver says chunks (a message, data, a message each), a taker checks them and says
 * that all came; then FIN goes both ways. Tests make them slow, unwilling or broken. */
#ifndef HOSPES_FAKE_ENGINE_H
#define HOSPES_FAKE_ENGINE_H

#include <uv.h>

#include "services/transfer/engine.h"

/* What a test sets and looks at; outlives the engine. */
struct fake_script {
    bool is_giver;
    size_t chunks, chunk_size;
    size_t messages;      /* a giver's further messages, one by one, before the chunks */
    size_t fails_at;      /* number of the take (from 1) that fails; 0: none */
    size_t unwilling_at;  /* number of the take that can't be done yet; 0: none */
    size_t unwilling_for; /* so many times */
    bool pauses;          /* while unwilling it says so, and a giver that hears it stops */
    bool wakes;           /* has set_wake; told to the test in `on_wake` */
    bool cancels_slowly;  /* does not look at the stop flag while it is held */
    atomic_bool held;     /* take and produce wait while it is set */
    /* results */
    atomic_size_t takes, refused, chunks_taken, produced; /* bytes */
    atomic_int destroyed;
    atomic_bool discarded, wrong_data, on_loop_thread, overlapped;
    void (*on_wake)(void *ctx);
    void *wake_ctx;
};

extern uv_thread_t fake_loop_thread; /* set by the fixture */

struct engine *fake_engine_create(struct item_pool *pool, struct fake_script *script);

#endif
