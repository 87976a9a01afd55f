/* SPDX-License-Identifier: MIT */
/* Gathers refusals and tells of them. Who is refused is decided elsewhere, what happens with the news is the
 * owner's. */
#include "agent/features/refusals.h"

#include <stdio.h>

#include "protocol/wire/utf8.h"

static void handle_timer(uv_timer_t *timer);

static void tell(struct refusals *refusals)
{
    struct refusals_message told = refusals->pending;
    refusals->pending = (struct refusals_message){0};
    refusals->resting = true;
    uv_timer_start(&refusals->timer, handle_timer, REFUSALS_INTERVAL_MS, 0);
    refusals->on_tell(refusals->ctx, &told);
}

static void handle_timer(uv_timer_t *timer)
{
    struct refusals *refusals = timer->data;
    refusals->resting = false;
    if (refusals->pending.count > 0)
        tell(refusals);
}

void refusals_init(struct refusals *refusals, uv_loop_t *uv,
                   void (*on_tell)(void *ctx, const struct refusals_message *refusals), void *ctx)
{
    *refusals = (struct refusals){.on_tell = on_tell, .ctx = ctx};
    uv_timer_init(uv, &refusals->timer);
    refusals->timer.data = refusals;
}

void refusals_close(struct refusals *refusals)
{
    if (refusals->pending.count > 0)
        tell(refusals);
    uv_close((uv_handle_t *)&refusals->timer, NULL);
}

void refusals_add(struct refusals *refusals, int status, const char *link, const char *who)
{
    struct refusals_message *pending = &refusals->pending;
    pending->count++;
    pending->status = status;
    utf8_copy(pending->link, sizeof(pending->link), span_of_text(link));
    utf8_copy(pending->who, sizeof(pending->who), span_of_text(who));
    if (!refusals->resting)
        tell(refusals);
}
