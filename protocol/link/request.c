/* SPDX-License-Identifier: MIT */
/* A short list and one timer, set for the earliest deadline. Sending and receiving are the session's. */
#include "protocol/link/request.h"

#include <stdlib.h>

#include "protocol/base/status.h"

struct request {
    struct request *next;
    uint64_t id;
    uint64_t started_ms, due_ms;
    request_done on_done;
    void *ctx;
};

static void handle_timer(uv_timer_t *timer);

static void arm(struct requests *requests)
{
    uint64_t earliest = UINT64_MAX;
    for (const struct request *request = requests->first; request != NULL; request = request->next)
        earliest = request->due_ms < earliest ? request->due_ms : earliest;
    if (earliest == UINT64_MAX) {
        uv_timer_stop(&requests->timer);
        return;
    }
    uint64_t now = uv_now(requests->timer.loop);
    uv_timer_start(&requests->timer, handle_timer, earliest > now ? earliest - now : 0, 0);
}

static struct request *take(struct requests *requests, struct request **link)
{
    struct request *request = *link;
    *link = request->next;
    requests->count--;
    return request;
}

static void finish(struct request *request, int status, const struct message *answer)
{
    request->on_done(request->ctx, status, answer);
    free(request);
}

static void handle_timer(uv_timer_t *timer)
{
    struct requests *requests = timer->data;
    uint64_t now = uv_now(timer->loop);
    struct request *due = NULL;
    for (struct request **link = &requests->first; *link != NULL;) {
        if ((*link)->due_ms > now) {
            link = &(*link)->next;
            continue;
        }
        struct request *request = take(requests, link);
        request->next = due;
        due = request;
    }
    arm(requests);
    while (due != NULL) { /* a completion may add requests: the list is in order before the first one runs */
        struct request *request = due;
        due = due->next;
        finish(request, UV_ETIMEDOUT, NULL);
    }
}

void requests_init(struct requests *requests, uv_loop_t *uv)
{
    *requests = (struct requests){0};
    uv_timer_init(uv, &requests->timer);
    requests->timer.data = requests;
}

static void handle_closed(uv_handle_t *handle)
{
    struct requests *requests = handle->data;
    if (requests->on_closed != NULL)
        requests->on_closed(requests->closed_ctx);
}

void requests_close(struct requests *requests, void (*on_closed)(void *ctx), void *ctx)
{
    requests_fail(requests, STATUS_GONE);
    requests->on_closed = on_closed;
    requests->closed_ctx = ctx;
    uv_close((uv_handle_t *)&requests->timer, handle_closed);
}

int requests_add(struct requests *requests, uint64_t timeout_ms, request_done on_done, void *ctx,
                 uint64_t *ret_id)
{
    if (requests->count >= REQUESTS_MAX)
        return STATUS_LIMIT;
    struct request *request = malloc(sizeof(*request));
    if (request == NULL)
        return UV_ENOMEM;
    uint64_t now = uv_now(requests->timer.loop);
    *request = (struct request){
        .next = requests->first,
        .id = ++requests->last_id,
        .started_ms = now,
        .due_ms = now + timeout_ms,
        .on_done = on_done,
        .ctx = ctx,
    };
    requests->first = request;
    requests->count++;
    *ret_id = request->id;
    arm(requests);
    return 0;
}

static struct request *take_by_id(struct requests *requests, uint64_t id)
{
    for (struct request **link = &requests->first; *link != NULL; link = &(*link)->next) {
        if ((*link)->id != id)
            continue;
        struct request *request = take(requests, link);
        arm(requests);
        return request;
    }
    return NULL;
}

void requests_drop(struct requests *requests, uint64_t id)
{
    free(take_by_id(requests, id));
}

void requests_answer(struct requests *requests, const struct message *answer)
{
    struct request *request = take_by_id(requests, answer->id);
    if (request != NULL)
        finish(request, answer->kind == MESSAGE_ERROR ? answer->body.failure.status : 0, answer);
}

void requests_fail(struct requests *requests, int status)
{
    struct request *all = requests->first;
    requests->first = NULL;
    requests->count = 0;
    arm(requests);
    while (all != NULL) {
        struct request *request = all;
        all = all->next;
        finish(request, status, NULL);
    }
}

size_t requests_pending(const struct requests *requests)
{
    return requests->count;
}

uint64_t requests_oldest_age_ms(const struct requests *requests)
{
    uint64_t now = uv_now(requests->timer.loop), oldest = 0;
    for (const struct request *request = requests->first; request != NULL; request = request->next)
        oldest = now - request->started_ms > oldest ? now - request->started_ms : oldest;
    return oldest;
}
