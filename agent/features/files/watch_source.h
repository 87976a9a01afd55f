/* SPDX-License-Identifier: MIT */
/* Who looks what happens beneath a folder: filled by the feature that watches. All on the loop's thread. */
#ifndef HOSPES_WATCH_SOURCE_H
#define HOSPES_WATCH_SOURCE_H

#include <stdbool.h>

#include "protocol/wire/message.h"
#include "services/transfer/fs_identity.h"

struct watch_listener {
    /* Once, before any change: what happens from now on is told. */
    void (*on_ready)(void *ctx);
    /* Valid until return. False: the connection can't take it now; it is to come again (together with what
     * happens meanwhile, or as `lost`) after `resume`. */
    bool (*on_changes)(void *ctx, const struct changes_message *changes);
    /* It can't be watched any longer. Once; then `stop`. */
    void (*on_end)(void *ctx, int status, const char *text);
};

struct watch_source {
    /* `path` is absolute and a folder that `identity` can look into; both are copied. No callback before
     * return. < 0 with a sentence in ret_problem (TEXT_REASON_MAX + 1 bytes). */
    int (*start)(void *ctx, const char *path, const struct fs_identity *identity,
                 const struct watch_listener *listener, void *listener_ctx, void **ret_watch,
                 char *ret_problem);
    void (*resume)(void *ctx, void *watch);
    void (*stop)(void *ctx, void *watch); /* no callback follows */
};

#endif
