/* SPDX-License-Identifier: MIT */
/* A junction as its parts see it: junction.c (what is between the two, and life), junction_upper.c (what the
 * sender says) and junction_lower.c (what the receiver says). */
#ifndef HOSPES_JUNCTION_INTERNAL_H
#define HOSPES_JUNCTION_INTERNAL_H

#include <uv.h>

#include "services/transfer/chunk_check.h"
#include "services/transfer/junction.h"
#include "services/transfer/passing_entries.h"

/* One direction. */
struct junction_queue {
    struct item_queue items;
    bool refused; /* something did not fit: whoever brought it waits to be woken */
};

struct junction_engine {
    struct engine base;
    struct junction *junction;
    bool is_upper;
    void (*on_wake)(void *ctx); /* locked. NULL: nobody drives it yet */
    void *wake_ctx;
};

struct junction {
    uv_mutex_t mutex;
    struct junction_engine upper, lower;
    /* locked */
    struct junction_queue down, up; /* towards the receiver, and the sender */
    struct passing_entries *entries;
    struct transfer_counts counts;
    bool manifest_ended;
    bool done_came;                        /* FILES_DONE */
    bool sender_fin, receiver_fin;         /* that came */
    bool upper_gone, lower_gone;           /* destroyed */
    bool upper_discarded, lower_discarded; /* in that way */
    /* the upper engine's own */
    struct chunk_check *opens, *makes;
    struct transfer_item *data; /* waits for its CHECK. Can be NULL */
    bool data_announced;        /* PACK or CHUNK came, and no CHECK yet */
    /* the lower engine's own */
    struct files_path *names;
    size_t name_count;
};

/* junction.c; all but the last with the mutex held */
bool junction_is_full(struct junction_queue *queue); /* notes that something was refused */
void junction_push(struct junction *junction, struct junction_queue *queue, struct transfer_item *item);
/* 0, or why the other engine's end ends this one. */
int junction_look_across(struct junction_engine *engine);
/* Pushes a copy of what came, or, when it was changed, its new encoding. */
int junction_forward(struct junction *junction, struct junction_queue *queue,
                     const struct transfer_item *item, const struct message *changed);

/* Without the mutex. */
int junction_upper_take(struct engine *engine, struct transfer_item *item);
int junction_lower_take(struct engine *engine, struct transfer_item *item);

#endif
