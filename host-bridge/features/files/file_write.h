/* SPDX-License-Identifier: MIT */
/* Bytes into a guest's file, as fast as the guest takes them, and checked by their digest. */
#ifndef HOSPES_FILE_WRITE_H
#define HOSPES_FILE_WRITE_H

#include <uv.h>

#include "host-bridge/features/files/file_work.h"

#define FILE_WRITE_BLOCK_BYTES (128 * 1024) /* a tenth of a millisecond for a worker thread to hash */
#define FILE_WRITE_BLOCKS      3            /* one is filled, one hashed, one sent */

struct file_write; /* opaque */

struct file_write_request { /* borrowed for the call */
    const char *user;
    const char *path;  /* below the drop folder with `drop` */
    uint16_t mode;     /* 0: the agent's choice */
    bool drop;         /* into the drop folder; a name that is taken is changed */
    const char *batch; /* with `drop`: what has the same one shares its top folder. NULL: nothing does */
};

struct file_written {
    const char *path; /* where it is now */
    uint64_t size;
    uint8_t digest[FILES_DIGEST_SIZE]; /* BLAKE2b-256, the same on both sides */
};

struct file_write_handler {
    /* The guest takes bytes; or file_write_give took fewer than it was given, and there is room again. */
    void (*on_room)(void *ctx);
    /* Once. 0 and `written` (valid until return): it is in its place. Else nothing has changed there, as far
     * as the guest's word goes; `text` may be empty. */
    void (*on_done)(void *ctx, int status, const char *text, const struct file_written *written);
};

/* No callback before return; within each, file_write_close is allowed. UV_ENOMEM, errors of files_io.open: no
 * callback at all. */
int file_write_begin(uv_loop_t *loop, const struct files_io *io, const struct file_write_request *request,
                     const struct file_write_handler *handler, void *ctx, struct file_write **ret);
/* Returns how many bytes were taken. */
size_t file_write_give(struct file_write *write, const void *bytes, size_t size);
void file_write_end(struct file_write *write); /* that was all: on_done follows */
/* Gives it up unless it is done: nothing changes in the guest. NULL allowed. */
void file_write_close(struct file_write *write);

#endif
