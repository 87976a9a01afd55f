/* SPDX-License-Identifier: MIT */
/* Bytes of a guest's file, as fast as somebody takes them. */
#ifndef HOSPES_FILE_READ_H
#define HOSPES_FILE_READ_H

#include "host-bridge/features/files/file_work.h"

#define FILE_READ_BUFFER_BYTES (512 * 1024) /* held until taken; the guest waits beyond */

struct file_read; /* opaque */

struct file_read_handler {
    /* It is there: what kind of thing, how large. No bytes follow of what is no file. */
    void (*on_opened)(void *ctx, const struct files_opened_message *opened);
    /* file_read_take gave 0, and has more now. */
    void (*on_bytes)(void *ctx);
    /* It can't be read, or not to its end. `text` may be empty. Nothing more follows. */
    void (*on_failed)(void *ctx, int status, const char *text);
};

/* `length` 0: to the end. No callback before return; within each, file_read_close is allowed. UV_ENOMEM,
 * errors of files_io.open: no callback at all. */
int file_read_begin(const struct files_io *io, const char *user, const char *path, uint64_t offset,
                    uint64_t length, const struct file_read_handler *handler, void *ctx,
                    struct file_read **ret);
/* Copies up to `max` bytes. 0: none now, on_bytes follows; UV_EOF: that was all. May call on_failed. */
ssize_t file_read_take(struct file_read *read, void *out, size_t max);
void file_read_close(struct file_read *read); /* NULL allowed */

#endif
