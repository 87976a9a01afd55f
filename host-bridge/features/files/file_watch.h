/* SPDX-License-Identifier: MIT */
/* Changes beneath a folder of a guest, as they happen. */
#ifndef HOSPES_FILE_WATCH_H
#define HOSPES_FILE_WATCH_H

#include "host-bridge/features/files/file_work.h"

struct file_watch; /* opaque */

struct file_watch_handler {
    void (*on_opened)(void *ctx);                                         /* it is in place */
    void (*on_changes)(void *ctx, const struct changes_message *changes); /* valid until return */
    void (*on_ended)(void *ctx, int status, const char *text); /* nothing more comes; `text` may be empty */
};

/* No callback before return; within each, file_watch_close is allowed. UV_ENOMEM, errors of files_io.open: no
 * callback at all. */
int file_watch_begin(const struct files_io *io, const char *user, const char *path,
                     const struct file_watch_handler *handler, void *ctx, struct file_watch **ret);
void file_watch_close(struct file_watch *watch); /* NULL allowed */

#endif
