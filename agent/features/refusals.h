/* SPDX-License-Identifier: MIT */
/* Connections that the agent refused, told to its bridges at most once in REFUSALS_INTERVAL_MS: the first at
 * once, then how many there were. */
#ifndef HOSPES_REFUSALS_H
#define HOSPES_REFUSALS_H

#include <uv.h>

#include "protocol/wire/message.h"

#define REFUSALS_INTERVAL_MS 1000

struct refusals {
    uv_timer_t timer; /* runs for an interval after each telling */
    bool resting;
    struct refusals_message pending; /* count 0: nothing */
    /* `refusals` is valid until return. */
    void (*on_tell)(void *ctx, const struct refusals_message *refusals);
    void *ctx;
};

void refusals_init(struct refusals *refusals, uv_loop_t *uv,
                   void (*on_tell)(void *ctx, const struct refusals_message *refusals), void *ctx);
/* What is pending is told first. The memory must live until the loop has run out. */
void refusals_close(struct refusals *refusals);

/* `who` and `link` as far as they are known; cut and repaired where that is needed. May call on_tell before
 * return. */
void refusals_add(struct refusals *refusals, int status, const char *link, const char *who);

#endif
