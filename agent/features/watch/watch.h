/* SPDX-License-Identifier: MIT */
/* Folders that the host watches: hints of the platform, looks on worker threads on the user's behalf,
 * changes. */
#ifndef HOSPES_WATCH_H
#define HOSPES_WATCH_H

#include <uv.h>

#include "protocol/wire/message.h"
#include "services/transfer/fs_identity.h"

#define WATCHES_MAX 16 /* of an agent: each has a thread and up to WATCH_ENTRIES_MAX nodes */

struct watches; /* opaque */
struct watch;   /* opaque */

struct watch_handler { /* on the loop's thread, never before watch_start returns */
    /* Once, before any change: what happens from now on is told. */
    void (*on_ready)(void *ctx);
    /* Valid until return. False: they come again, with what happens meanwhile, after watch_resume. */
    bool (*on_changes)(void *ctx, const struct changes_message *changes);
    /* It can't be watched any longer. Once; then watch_stop. */
    void (*on_end)(void *ctx, int status, const char *text);
};

int watches_create(uv_loop_t *uv, struct watches **ret); /* UV_ENOMEM */
/* Stops all; frees itself when the last has ended. NULL allowed. */
void watches_close(struct watches *watches);

/* `path` (absolute) and `identity` are copied, so is the handler. < 0 with a sentence in ret_problem
 * (TEXT_REASON_MAX + 1 bytes): STATUS_LIMIT … */
int watch_start(struct watches *watches, const char *path, const struct fs_identity *identity,
                const struct watch_handler *handler, void *ctx, struct watch **ret, char *ret_problem);
void watch_resume(struct watch *watch);
void watch_stop(struct watch *watch); /* no callback follows */

#endif
