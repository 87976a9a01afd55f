/* SPDX-License-Identifier: MIT */
/* Server-sent events, taken apart incrementally (the text/event-stream of HTML's living standard). */
#ifndef HOSPES_CLI_SSE_H
#define HOSPES_CLI_SSE_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol/base/buffer.h"

#define SSE_EVENT_MAX (2 * 1024 * 1024) /* the bridge's ring holds 1 MiB in all */
#define SSE_ID_MAX    63
#define SSE_TYPE_MAX  63

struct sse {
    struct buffer line, data; /* data: lines joined by '\n' */
    char type[SSE_TYPE_MAX + 1];
    char id[SSE_ID_MAX + 1]; /* the last one seen, for Last-Event-ID */
    bool after_carriage_return;
    /* `data` is borrowed and terminated; type is "message" when the event names none. False stops. */
    bool (*on_event)(void *ctx, const char *type, const char *id, const char *data, size_t size);
    void *ctx;
};

void sse_init(struct sse *sse, bool (*on_event)(void *, const char *, const char *, const char *, size_t),
              void *ctx);
void sse_finish(struct sse *sse);
/* The connection was lost: what was incomplete is dropped, the id stays. */
void sse_restart(struct sse *sse);
/* 0; UV_ECANCELED when on_event stopped; UV_ENOBUFS for an event above SSE_EVENT_MAX; UV_ENOMEM. */
int sse_feed(struct sse *sse, const char *bytes, size_t size);

#endif
