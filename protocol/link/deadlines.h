/* SPDX-License-Identifier: MIT */
/* Many deadlines of one length (all hellos, all channel opens, all UDP flows): a list in order of expiry and
 * one timer, which runs only while the list holds something. */
#ifndef HOSPES_DEADLINES_H
#define HOSPES_DEADLINES_H

#include <stdbool.h>
#include <uv.h>

struct deadlines;

/* Embedded in its owner; all zero = not running. */
struct deadline {
    struct deadline *previous, *next;
    struct deadlines *list;                    /* NULL: not running */
    uint64_t due_ms;                           /* uv_now time */
    void (*on_due)(struct deadline *deadline); /* it has been stopped already */
};

struct deadlines {
    uv_timer_t timer;
    struct deadline *first, *last;
    uint64_t length_ms;
    void (*on_closed)(void *ctx);
    void *ctx;
};

void deadlines_init(struct deadlines *list, uv_loop_t *uv, uint64_t length_ms);
/* Stops everything. on_closed (can be NULL) once the timer is closed; the memory must live until then. */
void deadlines_close(struct deadlines *list, void (*on_closed)(void *ctx), void *ctx);

/* (Re)starts: due length_ms from now. */
void deadline_start(struct deadlines *list, struct deadline *deadline,
                    void (*on_due)(struct deadline *deadline));
void deadline_stop(struct deadline *deadline); /* no-op when not running */

#endif
