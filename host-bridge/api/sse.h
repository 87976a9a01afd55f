/* SPDX-License-Identifier: MIT */
/* Server-sent events: a ring of what happened, and its readers. */
#ifndef HOSPES_API_SSE_H
#define HOSPES_API_SSE_H

#include <uv.h>

#include "host-bridge/api/http_request.h"

#define SSE_RING_COUNT_MAX 1024
#define SSE_RING_BYTES_MAX (1024 * 1024) /* 1,024 port events of the usual kilobyte */
#define SSE_READERS_MAX    256           /* a page or a script each */
#define SSE_HEARTBEAT_MS   30000         /* below the usual idle timeouts of proxies, 60 s */
#define SSE_FROM_NOW       UINT64_MAX

struct sse; /* opaque */

/* `heartbeat_ms` 0 = SSE_HEARTBEAT_MS. UV_ENOMEM. */
int sse_create(uv_loop_t *loop, uint64_t first_event, uint64_t heartbeat_ms, struct sse **ret);
/* After the server is closed, so that there are no readers. on_closed never before return. */
void sse_close(struct sse *sse, void (*on_closed)(void *ctx), void *ctx);

/* One event; `vm` "" is none: the bridge itself. "vm" and "time" are added to `data`, which is taken (NULL,
 * out of memory: nothing is told, the program is about to end anyway). */
void sse_publish(struct sse *sse, const char *vm, const char *type, json_t *data);

/* Makes the request's answer a stream of the events after `cursor` (SSE_FROM_NOW; 0 = all that are kept) of
 * one guest ("" = all). STATUS_LIMIT, UV_ENOMEM: not answered. */
int sse_serve(struct sse *sse, struct http_request *request, const char *vm, uint64_t cursor);

#endif
