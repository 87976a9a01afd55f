/* SPDX-License-Identifier: MIT */
/* Copies between the host and guests, and between guests: a table of them, their progress, and what makes
 * them survive: a link that is lost (they wait for it and go on), a bridge that is started anew (those that
 * nobody stands by, such as drops, go on by themselves; a copy goes on when it is asked for again with
 * `resume`).
 *
 * Does not know guests: `struct transfers_io` opens the connections. */
#ifndef HOSPES_TRANSFERS_H
#define HOSPES_TRANSFERS_H

#include <jansson.h>
#include <uv.h>

#include "protocol/link/files_dial.h"
#include "services/transfer/engine.h"

#define TRANSFERS_MAX         1024 /* remembered, ended ones included; the oldest ended one goes */
#define TRANSFERS_RUNNING_MAX 8    /* at a time; 8 MiB of buffers each at most. Others wait for their turn */
#define TRANSFERS_GUEST_MAX   4    /* of them with the same guest */
#define TRANSFER_NEWS_MS      250  /* no more often is the progress of one told */
#define TRANSFER_RESUMES_MAX  50   /* in a row without a byte in between: then it failed */

enum transfer_kind {
    TRANSFER_COPY = 1, /* somebody stands by: `hospes cp` */
    TRANSFER_DROP,     /* into a guest's drop folder: `hospes send`, the panel */
    TRANSFER_TAKE,     /* an offer of a guest that was accepted */
};

enum transfer_state {
    TRANSFER_WAITING = 1, /* for its turn, or for the guest: `error` says which */
    TRANSFER_RUNNING,
    TRANSFER_PAUSED, /* the receiving disk is full, say; goes on by itself */
    TRANSFER_DONE,   /* single entries may have failed: counts.failed */
    TRANSFER_FAILED,
    TRANSFER_CANCELLED,
};

/* One end: the host (vm "") or a guest. */
struct transfer_place {
    char vm[TEXT_NAME_MAX + 1];
    char user[TEXT_NAME_MAX + 1]; /* of the guest, on whose behalf; "": the agent's choice */
    size_t path_count;
    char **paths; /* on the host absolute */
};

struct transfer_request { /* borrowed for the call; copied */
    enum transfer_kind kind;
    struct transfer_place from; /* paths: sources; with an offer none */
    struct transfer_place to;   /* one path; none for a drop into a guest's drop folder */
    uint64_t offer;             /* TRANSFER_TAKE */
    const char *offer_name;     /* TRANSFER_TAKE: its name, for the files' origin. NULL: none is noted */
    uint64_t bytes_max;      /* TRANSFER_TAKE: more than this ends it (STATUS_TOO_LARGE); UINT64_MAX: any */
    uint32_t flags;          /* enum files_flag: RECURSIVE, UPDATE, CHECKSUM, RESUME, OWNER, ATTRIBUTES */
    uint8_t conflict, links; /* enum files_conflict, files_links */
    bool strip_executable;   /* host side receivers only */
};

/* As the API shows it. Read-only outside transfers/. */
struct transfer {
    char id[33]; /* hex */
    enum transfer_kind kind;
    enum transfer_state state;
    struct transfer_place from, to;
    uint64_t offer;
    struct transfer_counts counts;
    uint64_t rate;   /* bytes a second, over the last seconds; 0: not known */
    uint64_t left_s; /* UINT64_MAX: not known */
    int error;       /* why it waits, failed or is paused; 0 */
    char error_text[TEXT_REASON_MAX + 1];
    struct transfer_failure *failures; /* newest first, TRANSFER_FAILURES_MAX at most */
    size_t name_count;
    char **names;                  /* where the roots are now, when DONE; "" for one that failed */
    uint64_t started_ms, ended_ms; /* real time; 0 */
    /* further private state lies behind this struct */
};

struct transfers_io {
    /* Opens a connection for files to guest `vm`. As files_dial; STATUS_NOT_CONNECTED: transfers_guest_up
     * follows some time; STATUS_NOT_FOUND: no such guest; STATUS_NOT_SUPPORTED: its agent lacks the
     * capability "files". */
    int (*open)(void *ctx, const char *vm, const struct files_open_message *open,
                const struct files_dial_handler *handler, void *handler_ctx, struct files_dial **ret);
    /* News, never from within a call of the reader's own get functions. `what`: "added", "changed" (state),
     * "progress", "removed". */
    void (*on_transfer)(void *ctx, const struct transfer *transfer, const char *what);
    void (*on_dirty)(void *ctx); /* what transfers_save gives is another: save soon */
    void *ctx;
};

struct transfers; /* opaque */

int transfers_create(uv_loop_t *loop, const struct transfers_io *io, struct transfers **ret); /* UV_ENOMEM */
/* Ends all connections; partial work stays. on_closed never before return. */
void transfers_close(struct transfers *transfers, void (*on_closed)(void *ctx), void *ctx);

#define TRANSFERS_JOINED 1
/* Begins on the loop. A COPY's id follows from what is copied where, so that the same request with RESUME
 * finds what an earlier one left. STATUS_CONFLICT: the very same is under way (with RESUME TRANSFERS_JOINED,
 * and *ret is that one: who asked first may have gone); STATUS_INVALID with a sentence; STATUS_LIMIT. */
int transfers_add(struct transfers *transfers, const struct transfer_request *request,
                  const struct transfer **ret, char ret_problem[static TEXT_REASON_MAX + 1]);
/* STATUS_NOT_FOUND. An ended one is forgotten; another one is cancelled: what it left half done is removed,
 * or with `keep` stays for a day. */
int transfers_cancel(struct transfers *transfers, const char *id, bool keep);

size_t transfers_count(const struct transfers *transfers);
const struct transfer *transfers_at(const struct transfers *transfers, size_t index);     /* oldest first */
const struct transfer *transfers_find(const struct transfers *transfers, const char *id); /* NULL */

/* The guest's link is there (again), or was lost, or the guest was removed. */
void transfers_guest_up(struct transfers *transfers, const char *vm);
void transfers_guest_down(struct transfers *transfers, const char *vm);
void transfers_guest_removed(struct transfers *transfers, const char *vm);

/* What must survive a restart: DROP and TAKE that have not ended. NULL: out of memory. Loading is strict, all
 * or nothing: STATUS_MALFORMED and a sentence. */
json_t *transfers_save(const struct transfers *transfers);
int transfers_load(struct transfers *transfers, const json_t *state,
                   char ret_problem[static TEXT_REASON_MAX + 1]);

const char *transfer_kind_name(enum transfer_kind kind);    /* "copy", "drop", "take" */
const char *transfer_state_name(enum transfer_state state); /* "waiting" … */
const char *transfer_phase_name(uint8_t phase);             /* "scan", "send", "verify" */

#endif
