/* SPDX-License-Identifier: MIT */
/* An engine that its first job makes: making one looks at disks, so it happens on a worker thread, while the
 * connection is there already and its flow is controlled as ever. */
#ifndef HOSPES_DEFERRED_ENGINE_H
#define HOSPES_DEFERRED_ENGINE_H

#include "services/transfer/engine.h"

struct deferred_options {
    struct item_pool *pool;
    struct engine_keys keys; /* copied, and wiped when they are not needed any more */
    /* On a worker. As sender_create. `ctx` outlives the engine. */
    int (*make)(void *ctx, const struct engine_keys *keys, struct engine **ret,
                char ret_problem[static TEXT_REASON_MAX + 1]);
    void *ctx;
};

int deferred_engine_create(const struct deferred_options *options, struct engine **ret); /* UV_ENOMEM */
/* What it made; NULL: nothing yet. While no job runs. */
struct engine *deferred_engine_inner(const struct engine *engine);
/* The names in the FILES_DONE that it was told, as the other side says them; as long as the engine. */
size_t deferred_engine_names(const struct engine *engine, const struct files_path **ret);

#endif
