/* SPDX-License-Identifier: MIT */
/* Requests on a control session that wait for their answers: ids, deadlines, completions. */
#ifndef HOSPES_REQUEST_H
#define HOSPES_REQUEST_H

#include <uv.h>

#include "protocol/wire/message.h"

/* Exactly once for each request, never before requests_add returns. status 0: `answer` is what the agent sent
 * (valid until return); an ERROR answer comes as its status with `answer` set; UV_ETIMEDOUT, STATUS_GONE …
 * come without one (NULL). */
typedef void (*request_done)(void *ctx, int status, const struct message *answer);

struct request;

struct requests {
    uv_timer_t timer;
    struct request *first; /* newest first */
    size_t count;
    uint64_t last_id;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

void requests_init(struct requests *requests, uv_loop_t *uv);
/* Ends all with STATUS_GONE; on_closed when the timer is closed. */
void requests_close(struct requests *requests, void (*on_closed)(void *ctx), void *ctx);

/* A new id to send; done by requests_answer, the deadline or requests_fail. STATUS_LIMIT above REQUESTS_MAX,
 * UV_ENOMEM. */
int requests_add(struct requests *requests, uint64_t timeout_ms, request_done on_done, void *ctx,
                 uint64_t *ret_id);
/* Forgets a request that could not be sent: no callback. */
void requests_drop(struct requests *requests, uint64_t id);
/* The answer to answer->id; unknown ids (timed out before) are ignored. */
void requests_answer(struct requests *requests, const struct message *answer);
/* Ends all: the session is lost. */
void requests_fail(struct requests *requests, int status);

size_t requests_pending(const struct requests *requests);
uint64_t requests_oldest_age_ms(const struct requests *requests); /* 0 = none */

#endif
