/* SPDX-License-Identifier: MIT */
/* One connection to a guest for one piece of work on its files: asked for, answered, over. What goes over it
 * is for the files beside this one, which embed it. */
#ifndef HOSPES_FILE_WORK_H
#define HOSPES_FILE_WORK_H

#include "protocol/link/files_dial.h"
#include "protocol/link/stream.h"

/* How a guest is reached; guest_open_files and files_dial_cancel outside of tests. */
struct files_io {
    int (*open)(void *ctx, const struct files_open_message *open, const struct files_dial_handler *handler,
                void *handler_ctx, struct files_dial **ret);
    void (*cancel)(struct files_dial *dial);
    void *ctx; /* used by the call that gets this struct, not later */
};

struct file_work;

/* Within each, file_work_close and freeing are allowed; never called after file_work_close. */
struct file_work_ops {
    void (*opened)(struct file_work *work, const struct files_opened_message *opened);
    /* False, with nothing done: it has no business here, and the work fails. NULL: none has. */
    bool (*message)(struct file_work *work, const struct message *message);
    size_t (*data)(struct file_work *work, struct span bytes); /* as stream_handler.on_data; NULL: none */
    void (*fin)(struct file_work *work);
    void (*writable)(struct file_work *work); /* NULL allowed */
    /* It is over, and closed. `text` may be empty. */
    void (*failed)(struct file_work *work, int status, const char *text);
};

struct file_work {
    const struct file_work_ops *ops;
    void (*cancel)(struct files_dial *dial);
    struct files_dial *dial; /* until opened */
    struct stream *stream;   /* once opened; both NULL when over */
};

/* `operation`, `user` ("" = the agent's choice) and a random id; the caller adds what else there is. */
void file_work_prepare(struct files_open_message *ret, enum files_operation operation, const char *user);
/* No callback before return. Errors of files_io.open: it was not begun. */
int file_work_begin(struct file_work *work, const struct files_io *io, const struct file_work_ops *ops,
                    const struct files_open_message *open);
/* Ends what there is; nobody wants it any more. No-op when it is over. */
void file_work_close(struct file_work *work);
/* All was said and heard: FIN where the agent waits for one, then closes. */
void file_work_finish(struct file_work *work);
/* The same as if the other side had failed: closes, then ops->failed. */
void file_work_fail(struct file_work *work, int status, const char *text);

#endif
