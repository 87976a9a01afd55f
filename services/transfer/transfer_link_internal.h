/* SPDX-License-Identifier: MIT */
/* A transfer_link as its parts see it: transfer_link.c (life, jobs), transfer_link_in.c (what comes) and
 * transfer_link_out.c (what goes), transfer_link_leave.c (RST). */
#ifndef HOSPES_TRANSFER_LINK_INTERNAL_H
#define HOSPES_TRANSFER_LINK_INTERNAL_H

#include <uv.h>

#include "services/transfer/transfer_link.h"

enum link_state {
    LINK_RUNS,
    LINK_ENDING, /* why is known; a job has to end first */
    LINK_ENDED,  /* on_end was called */
    LINK_CLOSING,
};

/* What a worker has while it works, and the loop in between. */
struct link_job {
    bool takes;      /* hands items over; else only produces */
    bool fin;        /* behind the items: FIN */
    size_t in_bytes; /* of `in` when the job began */
    size_t budget;   /* of produce; 0: nothing is asked for */
    struct item_queue in, out;
    /* results */
    int status;
    bool took, fin_taken, stalled, more;
};

struct transfer_link {
    uv_loop_t *loop;
    struct stream *stream; /* NULL: closed */
    struct engine *engine;
    struct fs_identity identity;
    const struct transfer_link_handler *handler;
    void *ctx;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
    atomic_bool stop; /* the engine looks at it */
    uv_work_t work;
    uv_timer_t retry, leave;
    uv_async_t wake; /* where engine_wakes */
    bool engine_wakes;
    unsigned handles;
    uint8_t state; /* enum link_state */
    bool working, discard;
    bool destroyed;         /* the engine; the handles are closed when `leaving` is, too */
    struct stream *leaving; /* RST is on its way. Can be NULL */
    int end_status;
    char end_text[TEXT_REASON_MAX + 1];
    struct transfer_counts told; /* as at the last on_progress */
    size_t failures_told;

    struct link_job job;
    bool stalled;       /* the engine can't take the first item yet */
    bool wants_produce; /* there may be something to say */
    bool woken;         /* while a job ran */

    struct item_queue incoming;      /* complete items for the next job */
    struct transfer_item *gathering; /* data behind which no message came yet. Can be NULL */
    bool paused;                     /* the stream waits for stream_resume */
    bool is_paused; /* the engine takes nothing, since its disk is full, say, and the other side is told */
    bool fin_came, fin_taken;
    bool lost; /* the stream ended by itself: `end_status` and `end_text` say how, unless the engine is done
                */

    struct item_queue outgoing;
    size_t sent; /* of the first of them */
    bool says_fin, fin_sent;
    bool pumping;
};

/* transfer_link.c */
/* Looks at what is to be done now: a job, or the end. */
void transfer_link_go_on(struct transfer_link *link);
/* Ends it by our own decision: the other side is told. */
void transfer_link_fail(struct transfer_link *link, int status, const char *text);
/* The stream ended. `at_once`: what came before does not count any more. */
void transfer_link_lose(struct transfer_link *link, int status, const char *text, bool at_once);

/* The stream that was `leaving` is closed. */
void transfer_link_left(struct transfer_link *link);

/* transfer_link_leave.c */
/* Ends the stream, if there is one, by RST. */
void transfer_link_leave(struct transfer_link *link, int status, const char *text);

/* transfer_link_in.c */
extern const struct stream_handler TRANSFER_LINK_STREAM_HANDLER;
/* A job has taken something. May call transfer_link_fail. */
void transfer_link_in_resume(struct transfer_link *link);
void transfer_link_in_clear(struct transfer_link *link);

/* transfer_link_out.c */
/* Sends what the stream takes. May call transfer_link_fail. */
void transfer_link_out_pump(struct transfer_link *link);

#endif
