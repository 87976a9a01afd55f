/* SPDX-License-Identifier: MIT */
/* Tells that something may have happened beneath a folder. No more than that: what a hint means is found by
 * looking. Two back ends: libfswatch, and libuv's own watcher where that is not to be had. */
#ifndef HOSPES_FOLDER_WATCH_H
#define HOSPES_FOLDER_WATCH_H

#include <uv.h>

#include "services/transfer/fs_identity.h"

struct folder_watch; /* opaque */

struct folder_watch_handler { /* on the loop's thread, never before folder_watch_create returns */
    /* Once: from now on nothing is missed in what is there. */
    void (*on_ready)(void *ctx);
    /* Something may have happened to the entry `path` (absolute), or in it if it is a folder. NULL: anywhere.
     */
    void (*on_hint)(void *ctx, const char *path);
    /* There are no hints any more. Once; then close. */
    void (*on_end)(void *ctx, int status);
};

/* All of the folder `path` (absolute; copied) that `identity` may look at, and all beneath it. Links are not
 * followed. UV_ENOMEM, UV_EMFILE, UV_ENOSPC … */
int folder_watch_create(uv_loop_t *uv, const char *path, const struct fs_identity *identity,
                        const struct folder_watch_handler *handler, void *ctx, struct folder_watch **ret);
/* No hint follows; on_closed never before return. The memory goes by itself. */
void folder_watch_close(struct folder_watch *watch, void (*on_closed)(void *ctx), void *ctx);

/* What the owner found by looking; paths are absolute. A folder that is new is watched from then on, and
 * hinted at where this could come too late. */
void folder_watch_found(struct folder_watch *watch, const char *path);
void folder_watch_lost(struct folder_watch *watch, const char *path);
void folder_watch_moved(struct folder_watch *watch, const char *from, const char *to);

#endif
