/* SPDX-License-Identifier: MIT */
/* One end of a transfer as a sequential machine: items in, items out (docs/protocol.md, section 11).
 * send/sender.h and receiver.h make the two kinds, junction.h a third. An engine blocks on disks and hashes,
 * so its functions run on a worker thread, one call at a time; it knows no stream and no loop, and a test
 * joins two of them by handing items over. */
#ifndef HOSPES_TRANSFER_ENGINE_H
#define HOSPES_TRANSFER_ENGINE_H

#include <stdatomic.h>

#include "services/transfer/transfer_item.h"

#define TRANSFER_PATH_MAX FILES_PATH_MAX

enum transfer_phase {
    TRANSFER_SCAN = 1, /* looks at what there is, and compares */
    TRANSFER_SEND,     /* bytes move */
    TRANSFER_FINISH,   /* everything came and was verified: it is put in place */
};

/* What people want to know. Written by the engine, read between its calls. */
struct transfer_counts {
    uint8_t phase; /* enum transfer_phase */
    bool totals_known;
    uint64_t files_total, bytes_total; /* of what there is, as far as it is known */
    uint64_t files_done, bytes_done; /* settled at the receiver: verified and written, or the same already */
    uint64_t bytes_moved;            /* that went over the link as data */
    uint64_t skipped;                /* files that were the same already */
    uint64_t failed;                 /* entries */
    int paused;                      /* 0, or why the receiver takes nothing now: UV_ENOSPC, STATUS_QUOTA */
    char current[TRANSFER_PATH_MAX +
                 1]; /* the file under way, below its root's folder: "src/a.c"; may be cut */
    uint64_t current_size, current_done; /* bytes; the receiver's done ones are not in bytes_done yet */
};

/* An entry that could not be moved. */
struct transfer_failure {
    struct transfer_failure *next;
    int status;
    char *text; /* for people; may be empty */
    char *path; /* as transfer_counts.current */
};
#define TRANSFER_FAILURES_MAX 1000 /* that are kept; further ones are only counted */

struct engine;

#define ENGINE_KEPT 1 /* take: the item is the engine's now */

struct engine_ops {
    /* One item that came; it is released by the caller, unless it is kept. `item` of ITEM_DATA comes before
     * the CHECK that judges it. 0; ENGINE_KEPT; UV_EAGAIN: it can't be taken now (counts.paused says why):
     * the same item comes again after a while, and what was done of it is not done twice. Else the transfer
     * is over: `engine->problem` may say more. */
    int (*take)(struct engine *engine, struct transfer_item *item);
    /* Appends what there is to say to `out` until it holds `budget` bytes, or nothing is left to say before
     * something comes. *ret_more: it stopped because of the budget. */
    int (*produce)(struct engine *engine, struct item_queue *out, size_t budget, bool *ret_more);
    /* The other side's FIN came, behind every item. 0: as it should be; STATUS_UNEXPECTED: too early (a
     * sender before FILES_DONE, a receiver before it produced FILES_DONE …). `produce` runs after it, and may
     * set says_fin then. At most once. */
    int (*take_fin)(struct engine *engine);
    /* `discard`: nobody will resume it: leave nothing behind. */
    void (*destroy)(struct engine *engine, bool discard);
    /* Whom to tell, from any thread and until destroy has returned, that there is something to say although
     * nothing came, or that what could not be taken can be now. NULL: this kind never has to. */
    void (*set_wake)(struct engine *engine, void (*on_wake)(void *ctx), void *ctx);
};

/* The head of every kind of engine. */
struct engine {
    const struct engine_ops *ops;
    struct item_pool *pool; /* borrowed: data items are taken from here */
    struct transfer_counts counts;
    struct transfer_failure *failures; /* newest first; whoever looks may take the list over */
    size_t failures_told;              /* all that were ever added to it */
    char problem[TEXT_REASON_MAX + 1];
    bool says_fin; /* all was said: FIN goes behind what was produced */
    bool is_done; /* the work is complete. The sender's: FILES_DONE came; the receiver's: its FIN was heard */
    atomic_bool *stop; /* set by another thread: come back soon with UV_ECANCELED. Can be NULL */
};

/* counts.failed + 1, and the entry is added to engine->failures while fewer than TRANSFER_FAILURES_MAX were.
 * The texts are copied. */
void engine_note_failure(struct engine *engine, int status, const char *text, const char *path);
void transfer_failures_free(struct transfer_failure *first);

/* What both kinds need of the connection. */
struct engine_keys {
    uint8_t check; /* enum aead_cipher of CHECK; 0: the session is sealed */
    uint8_t check_key[32], digest_key[32];
};

/* The other side said FIN. 0; STATUS_UNEXPECTED where it is too early. */
int engine_take_fin(struct engine *engine);

#endif
