/* SPDX-License-Identifier: MIT */
/* One request from its first line to the end of its answer: its life, and which step comes when. What comes
 * in is http_body.c's, what goes out http_reply.c's; routing and the meaning of bodies are elsewhere,
 * connections and the loop in http_server.c.
 *
 * Theory of operation
 * - HEAD: the head is complete. Ambiguous framing (two Content-Length, or one beside Transfer-Encoding) is
 *   refused here and the connection ended, since nobody can say where the next request starts.
 * - BODY: gathers up to HTTP_REQUEST_BODY_MAX.
 * - HELD: a route takes the body as it comes and has not yet said that it wants it. The connection is
 *   suspended before any "100 Continue", so that a refusal comes in its place.
 * - UPLOAD: the route gets the body in pieces. What it does not take stays with the library, and the
 *   connection is suspended until http_request_take_more.
 * - DISCARD: the body is too large, or was refused. The library can't answer in the midst of a body, and such
 *   an answer is lost on clients that write before they read, so the rest is read and dropped (the deadline
 *   bounds it), then answered. A client that asks first (Expect) or announces more than
 *   HTTP_REQUEST_DISCARD_MAX is answered at once.
 * - DRAIN: an upload failed half-way, which may be gigabytes before its end: the answer was written to the
 *   socket past the library, and the rest is dropped until the client has seen it.
 * - WAITING: the answer comes later. The connection is suspended until it, the client's end, the deadline or
 *   shutdown resume it.
 * - ANSWERED: the response is queued. A stream suspends its connection whenever it has nothing to send.
 * The library doesn't watch suspended connections: `suspended` says that resuming is ours. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/api/http_request_internal.h"
#include "host-bridge/api/problem.h"

struct http_request *http_request_create(const struct http_request_owner *owner, void *connection,
                                         struct MHD_Connection *mhd, const char *guest,
                                         const struct http_client *client, const char *uri)
{
    struct http_request *request = calloc(1, sizeof(*request));
    char *path = strdup(uri);
    if (request == NULL || path == NULL) {
        free(request);
        free(path);
        return NULL;
    }
    request->owner = owner;
    request->connection = connection;
    request->mhd = mhd;
    request->guest = guest;
    request->client = client;
    request->wait_ms = owner->wait_timeout_ms;
    request->path = path;
    request->query = strchr(path, '?');
    if (request->query != NULL)
        *request->query++ = '\0';
    buffer_init(&request->body, HTTP_REQUEST_BODY_MAX);
    return request;
}

void http_request_detach(struct http_request *request)
{
    void (*on_gone)(void *ctx) = request->on_gone;
    request->on_gone = NULL;
    if (on_gone != NULL)
        on_gone(request->gone_ctx);
    void (*finish)(void *ctx) = request->upload.finish;
    request->upload.finish = NULL;
    if (finish != NULL)
        finish(request->upload.ctx);
}

void http_request_tell_answer(struct http_request *request, unsigned status)
{
    http_request_answered on_answer = request->on_answer;
    request->on_answer = NULL;
    if (on_answer != NULL)
        on_answer(request->answer_ctx, request, status, request->code);
}

void http_request_destroy(struct http_request *request)
{
    if (request == NULL)
        return;
    http_request_detach(request);
    http_request_tell_answer(request, 0);
    if (request->stream.finish != NULL)
        request->stream.finish(request->stream.ctx);
    if (request->response != NULL)
        MHD_destroy_response(request->response);
    for (size_t i = 0; i < request->header_count; i++)
        free(request->headers[i].value);
    buffer_finish(&request->body);
    free(request->path);
    free(request);
}

const char *http_request_method(const struct http_request *request)
{
    return request->method;
}

const char *http_request_path(const struct http_request *request)
{
    return request->path;
}

const char *http_request_query(const struct http_request *request)
{
    return request->query;
}

const char *http_request_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

struct span http_request_body(const struct http_request *request)
{
    return buffer_span(&request->body);
}

const char *http_request_socket_guest(const struct http_request *request)
{
    return request->guest;
}

const struct http_client *http_request_client(const struct http_request *request)
{
    return request->client;
}

void http_request_watch(struct http_request *request, http_request_answered on_answer, void *ctx)
{
    request->on_answer = on_answer;
    request->answer_ctx = ctx;
}

void http_request_set_code(struct http_request *request, const char *code)
{
    snprintf(request->code, sizeof(request->code), "%s", code);
}

const char *http_request_parameter(const struct http_request *request)
{
    return request->parameter;
}

char *http_request_parameter_space(struct http_request *request)
{
    return request->parameter;
}

/* Steps */

void http_request_set_deadline(struct http_request *request, uint64_t timeout_ms)
{
    request->owner->set_deadline(request->connection, timeout_ms);
}

void http_request_resume(struct http_request *request)
{
    if (!request->suspended)
        return;
    request->suspended = false;
    MHD_resume_connection(request->mhd);
    request->owner->pump_soon(request->owner->ctx);
}

void http_request_suspend(struct http_request *request)
{
    request->suspended = true;
    MHD_suspend_connection(request->mhd);
}

void http_request_wait(struct http_request *request, void (*on_gone)(void *ctx), void *ctx)
{
    request->phase = PHASE_WAITING;
    request->on_gone = on_gone;
    request->gone_ctx = ctx;
}

void http_request_wait_long(struct http_request *request, void (*on_gone)(void *ctx), void *ctx)
{
    request->wait_ms = request->owner->idle_timeout_ms;
    http_request_wait(request, on_gone, ctx);
}

void http_request_heard(struct http_request *request)
{
    if (request->phase == PHASE_WAITING && request->suspended)
        http_request_set_deadline(request, request->wait_ms);
}

static enum MHD_Result step_complete(struct http_request *request)
{
    if (request->phase == PHASE_DRAIN)
        return MHD_NO; /* it was answered, and told that the connection ends */
    if (request->phase <= PHASE_UPLOAD && request->ended)
        return MHD_NO;
    if (request->phase == PHASE_UPLOAD) {
        request->phase = PHASE_WAITING;
        request->wait_ms = request->owner->idle_timeout_ms;
        request->upload.complete(request->upload.ctx);
    } else if (request->phase == PHASE_BODY) {
        request->owner->handle(request->owner->ctx, request);
    }
    if (request->phase != PHASE_WAITING || request->response != NULL || request->gone)
        return http_reply_queue(request);
    http_request_set_deadline(request, request->wait_ms);
    http_request_suspend(request);
    return MHD_YES;
}

enum MHD_Result http_request_step(struct http_request *request, const char *method, const char *data,
                                  size_t *size)
{
    if (request->phase == PHASE_HEAD)
        return http_body_step_head(request, method);
    if (request->gone && request->phase < PHASE_WAITING)
        return MHD_NO;
    if (request->phase == PHASE_HELD)
        return http_body_step_held(request);
    return *size > 0 ? http_body_step_bytes(request, data, size) : step_complete(request);
}

void http_request_hang_up(struct http_request *request)
{
    request->gone = true;
    http_request_resume(request);
}

/* An answer of ours is awaited: by the guest's fault nothing goes on. */
static bool waits_for_us(const struct http_request *request)
{
    return request->suspended && (request->phase == PHASE_WAITING || request->phase == PHASE_HELD ||
                                  request->phase == PHASE_UPLOAD);
}

bool http_request_expire(struct http_request *request)
{
    if (request->suspended && request->phase == PHASE_ANSWERED) { /* half of it is out: only a cut is left */
        http_request_hang_up(request);
        return true;
    }
    if (!waits_for_us(request))
        return false;
    http_request_detach(request);
    problem_reply(request, MHD_HTTP_GATEWAY_TIMEOUT, "ETIMEDOUT", NULL, NULL, "no answer came in time");
    return true;
}

void http_request_shut_down(struct http_request *request)
{
    if (waits_for_us(request)) {
        http_request_detach(request);
        http_request_set_header(request, "Connection", "close");
        problem_reply(request, MHD_HTTP_SERVICE_UNAVAILABLE, "GONE", NULL, NULL, "the bridge is stopping");
    } else {
        request->ended = true;
        http_request_resume(request);
    }
}
