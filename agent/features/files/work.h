/* SPDX-License-Identifier: MIT */
/* One piece of work on files: a connection, the job that runs for it, its end. The kinds of work fill in
 * `work_kind`. Within agent/features/files only. */
#ifndef HOSPES_WORK_H
#define HOSPES_WORK_H

#include <stdatomic.h>
#include <uv.h>

#include "agent/features/files/acting_user.h"
#include "agent/features/files/batch_folders.h"
#include "agent/features/files/files.h"
#include "protocol/base/log_limit.h"
#include "services/transfer/transfer_item.h"

struct files {
    struct files_options options;
    struct item_pool *pool;
    struct batch_folders batches;
    const struct offers_source *offers; /* NULL: none */
    void *offers_ctx;
    const struct watch_source *watches; /* NULL: none */
    void *watches_ctx;
    struct log_limit failures;
};

struct work;

struct work_kind {
    /* On the loop, before anything else: 0, or why not. Can be NULL. */
    int (*ask)(struct work *work);
    /* On a worker, on the user's behalf: looks at what is asked for. < 0: FILES_OPENED is not sent;
     * work->problem says more. Can be NULL. */
    int (*prepare)(struct work *work);
    /* On the loop: sends FILES_OPENED, and goes on from there. */
    void (*begin)(struct work *work);
    /* On the loop, after begin. As those of stream_handler. NULL: DATA is not expected, the others are not
     * of interest. */
    size_t (*on_data)(struct work *work, struct span bytes);
    void (*on_fin)(struct work *work);
    void (*on_writable)(struct work *work);
    /* On the loop, once after `ask` said yes: it is over, 0 or why. A job may still run. Can be NULL. */
    void (*over)(struct work *work, int status);
    /* On the loop, after begin: it is over; ends what runs besides jobs. True: that ends later, by
     * work_settle. Can be NULL. */
    bool (*halt)(struct work *work);
    /* On a worker, on the user's behalf, last of all: whatever came, nothing is left behind or open. `state`
     * may be NULL or half made. Can be NULL. */
    void (*clean)(struct work *work);
};

extern const struct work_kind PUT_WORK, GET_WORK, LIST_WORK, READ_WORK, WRITE_WORK, CHANGE_WORK, WATCH_WORK,
    DECLINE_WORK;

struct work {
    struct flow_member member; /* first: found back by a cast */
    struct files *files;
    const struct work_kind *kind;
    struct stream *stream;          /* NULL once closed or handed on */
    struct stream *dying;           /* its RST waits behind what was sent before. Can be NULL */
    struct files_open_message open; /* paths are this work's own */
    struct files_keys keys;
    bool sealed;
    void *state; /* the kind's; freed with the work */

    struct acting_user user;
    bool has_user;

    uv_work_t job;
    bool job_runs;
    int (*run)(struct work *work);               /* on a worker */
    void (*done)(struct work *work, int status); /* on the loop */
    int job_status;
    atomic_bool stop; /* jobs come back soon */

    bool asked, begun, over, halting;
    int end_status; /* when it is over */
    bool fin_received, fin_waits, fin_sent;
    char problem[TEXT_REASON_MAX + 1]; /* written by jobs */
    char path[FILES_PATH_MAX + 1];     /* what the path came to: FILES_OPENED.path */
};

/* Takes the stream; the work is a member of `works` from now on. */
void work_start(struct files *files, const struct work_kind *kind, struct flow_set *works,
                struct stream *stream, const struct session_keys *keys, uint64_t connection,
                const struct files_open_message *open);

/* On the loop, for the kinds. Each of them may end the work; its memory stays until the callback that is
 * running returns to the loop. */
void work_run(struct work *work, int (*run)(struct work *work), void (*done)(struct work *work, int status));
/* FILES_OPENED; its path is filled in here. False: it failed, the work is over. */
bool work_send_opened(struct work *work, const struct files_opened_message *opened);
/* FILES_DONE and FIN; then the work waits for the other side's end. */
void work_finish(struct work *work, const struct files_done_message *done);
void work_send_fin(struct work *work); /* FIN alone */
/* Ends it as failed: RST with `work->problem` where that says more. */
void work_fail(struct work *work, int status);
/* Ends it: the stream is closed or handed on already. */
void work_end(struct work *work, int status);
/* What `halt` had to wait for has ended. */
void work_settle(struct work *work);

/* On any thread. `path` as absolute path; else a sentence. */
int work_resolve(struct work *work, const char *path, char ret[static FILES_PATH_MAX + 1]);
/* The one path that the operation is about; STATUS_INVALID when there are more or none. */
int work_resolve_only(struct work *work, char ret[static FILES_PATH_MAX + 1]);

const char *files_operation_name(uint8_t operation); /* "PUT"; "?" */
/* One line at most a second, for what was refused or failed. */
void files_log_failure(struct files *files, uint8_t operation, int status, const char *text);

#endif
