/* SPDX-License-Identifier: MIT */
/* Transfers as their parts see them: transfers.c (the table), transfers_turns.c (whose turn it is, what a
 * loss means), transfers_news.c (progress), transfer_request.c (what is asked for), transfer_run.c (one try),
 * transfer_sweep.c (what a cancelled one left), transfers_save.c. */
#ifndef HOSPES_TRANSFERS_PRIVATE_H
#define HOSPES_TRANSFERS_PRIVATE_H

#include "host-bridge/features/transfers/transfer_rate.h"
#include "host-bridge/features/transfers/transfers.h"
#include "services/transfer/target_path.h"

#define TRANSFERS_POOL_SPARE 16 /* buffers of FILES_CHUNK_SIZE that are kept while something runs */
#define RETRY_MIN_MS         500
#define RETRY_MAX_MS         5000

enum entry_wait {
    WAIT_TURN = 1, /* it could begin at once */
    WAIT_GUEST,    /* until transfers_guest_up */
    WAIT_TIME,     /* until retry_at_ms */
};

struct transfer_run;
struct transfer_sweep;

struct transfer_entry {
    struct transfer transfer; /* first: a pointer to it is a pointer to the entry */
    struct transfers *table;
    /* what was asked for */
    struct files_id id;
    uint32_t flags; /* without RESUME: see `begun` */
    uint8_t conflict, links;
    bool strip_executable;
    uint64_t bytes_max; /* UINT64_MAX: any */
    char *offer_name;   /* NULL: none */
    /* how far it is */
    bool begun;                /* an earlier try left something: FILES_RESUME from now on */
    bool has_target;           /* host side receivers: stays as it was found first */
    struct target_path target; /* written by the run's job */
    struct transfer_run *run;  /* at work, or still closing; NULL: none */
    enum entry_wait wait;      /* TRANSFER_WAITING */
    uint64_t retry_at_ms;      /* WAIT_TIME */
    uint32_t retry_delay_ms;   /* of the last WAIT_TIME; 0: start over */
    unsigned fruitless;        /* losses in a row without a new byte */
    uint64_t moved_before;     /* bytes, by earlier tries */
    uint64_t files_before;     /* settled, at most by an earlier try */
    struct transfer_rate rate;
    bool progressed;   /* since it was told last */
    uint64_t left_out; /* guest to guest: what the sending guest did not announce */
    bool sweep_due;    /* what it left is removed as soon as its run has closed */
    bool forgotten;    /* out of the table; freed when its run has closed */
};

struct transfers {
    uv_loop_t *loop;
    struct transfers_io io;
    size_t count;
    struct transfer_entry *entries[TRANSFERS_MAX]; /* oldest first */
    struct item_pool *pool;                        /* NULL while nothing runs */
    size_t runs;                                   /* and sweeps, closing ones included */
    struct transfer_sweep *sweeps;
    uv_timer_t turns, news;
    bool closing;
    int handles_open;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

static inline bool transfer_has_ended(const struct transfer *transfer)
{
    return transfer->state == TRANSFER_DONE || transfer->state == TRANSFER_FAILED ||
           transfer->state == TRANSFER_CANCELLED;
}

/* Its run is open, and not closing. */
static inline bool transfer_is_at_work(const struct transfer *transfer)
{
    return transfer->state == TRANSFER_RUNNING || transfer->state == TRANSFER_PAUSED;
}

/* DROP and TAKE: nobody stands by, so that it must survive. */
static inline bool transfer_is_kept(const struct transfer *transfer)
{
    return transfer->kind != TRANSFER_COPY;
}

bool transfer_involves(const struct transfer *transfer, const char *vm);

/* transfers.c */
/* Takes the entry, which is complete. Without a place STATUS_LIMIT. */
int transfers_put(struct transfers *table, struct transfer_entry *entry);
void transfers_tell(const struct transfer_entry *entry, const char *what);
/* The pool for one run more, and for one less. */
int transfers_run_opened(struct transfers *table);
void transfers_run_closed(struct transfers *table);

/* transfer_request.c */
/* Checks and copies. STATUS_INVALID with a sentence; UV_ENOMEM. */
int transfer_entry_create(const struct transfer_request *request, struct transfer_entry **ret,
                          char ret_problem[static TEXT_REASON_MAX + 1]);
void transfer_entry_free(struct transfer_entry *entry); /* NULL allowed */

/* transfers_turns.c */
void transfers_turns_soon(struct transfers *table);
/* It is over. */
void transfers_settle(struct transfer_entry *entry, enum transfer_state state, int status, const char *text);
/* It goes on when the guest is there again. */
void transfers_lose(struct transfer_entry *entry, int status, const char *text, enum entry_wait wait);

/* transfers_news.c */
void transfers_news_start(struct transfers *table);
void transfers_news_stop(struct transfers *table);
/* A run's engine has new counts and failures. */
struct engine;
void transfers_note_progress(struct transfer_entry *entry, struct engine *engine);
/* The engine that hears the sending guest, of guest to guest: only its failures count. */
void transfers_note_left_out(struct transfer_entry *entry, struct engine *engine);

/* What a run tells, on the loop: transfers_turns.c. */
void transfers_run_progressed(struct transfer_entry *entry, struct engine *engine);
/* Once. The run is to be closed. */
void transfers_run_ended(struct transfer_entry *entry, int status, const char *text);
/* After transfer_run_close. */
void transfers_run_gone(struct transfer_entry *entry);

#endif
