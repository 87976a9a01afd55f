/* SPDX-License-Identifier: MIT */
/* Since every deadline has the same length, appending keeps the list sorted. The timer is set for the first
 * one and finds out when it fires whether that one still stands. */
#include "protocol/link/deadlines.h"

#include <stddef.h>

static void handle_timer(uv_timer_t *timer);

static void arm(struct deadlines *list)
{
    if (list->first == NULL || uv_is_active((uv_handle_t *)&list->timer))
        return;
    uint64_t now = uv_now(list->timer.loop);
    uv_timer_start(&list->timer, handle_timer, list->first->due_ms > now ? list->first->due_ms - now : 0, 0);
}

static void handle_timer(uv_timer_t *timer)
{
    struct deadlines *list = timer->data;
    uint64_t now = uv_now(timer->loop);
    while (list->first != NULL && list->first->due_ms <= now) {
        struct deadline *due = list->first;
        deadline_stop(due);
        due->on_due(due);
    }
    arm(list);
}

void deadlines_init(struct deadlines *list, uv_loop_t *uv, uint64_t length_ms)
{
    *list = (struct deadlines){.length_ms = length_ms};
    uv_timer_init(uv, &list->timer);
    list->timer.data = list;
}

static void handle_closed(uv_handle_t *handle)
{
    struct deadlines *list = handle->data;
    if (list->on_closed != NULL)
        list->on_closed(list->ctx);
}

void deadlines_close(struct deadlines *list, void (*on_closed)(void *ctx), void *ctx)
{
    while (list->first != NULL)
        deadline_stop(list->first);
    list->on_closed = on_closed;
    list->ctx = ctx;
    uv_close((uv_handle_t *)&list->timer, handle_closed);
}

void deadline_start(struct deadlines *list, struct deadline *deadline,
                    void (*on_due)(struct deadline *deadline))
{
    deadline_stop(deadline);
    deadline->list = list;
    deadline->on_due = on_due;
    deadline->due_ms = uv_now(list->timer.loop) + list->length_ms;
    deadline->previous = list->last;
    deadline->next = NULL;
    if (list->last != NULL)
        list->last->next = deadline;
    else
        list->first = deadline;
    list->last = deadline;
    arm(list);
}

void deadline_stop(struct deadline *deadline)
{
    struct deadlines *list = deadline->list;
    if (list == NULL)
        return;
    if (deadline->previous != NULL)
        deadline->previous->next = deadline->next;
    else
        list->first = deadline->next;
    if (deadline->next != NULL)
        deadline->next->previous = deadline->previous;
    else
        list->last = deadline->previous;
    deadline->list = NULL;
    deadline->previous = deadline->next = NULL;
    if (list->first == NULL)
        uv_timer_stop(&list->timer);
}
