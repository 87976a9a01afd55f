/* SPDX-License-Identifier: MIT */
/* What comes in of a request: its framing, and its body, gathered, handed on in pieces or dropped. See
 * http_request.c for the phases. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "host-bridge/api/http_request_internal.h"
#include "host-bridge/api/problem.h"

struct framing {
    unsigned lengths, encodings;
    bool expects;
    uint64_t length;
};

static enum MHD_Result count_framing(void *ctx, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct framing *framing = ctx;
    if (strcasecmp(key, "Content-Length") == 0) {
        framing->lengths++;
        framing->length = value == NULL ? 0 : strtoull(value, NULL, 10);
    } else if (strcasecmp(key, "Transfer-Encoding") == 0) {
        framing->encodings++;
    } else if (strcasecmp(key, "Expect") == 0) {
        framing->expects = true;
    }
    return MHD_YES;
}

static void refuse_size(struct http_request *request)
{
    problem_reply(request, 413, "TOO_LARGE", "send less", NULL, "the body exceeds %d bytes",
                  HTTP_REQUEST_BODY_MAX);
}

/* The answer stands before anything of the body was read. */
static enum MHD_Result answer_unread(struct http_request *request)
{
    if (request->expects || request->announced > HTTP_REQUEST_DISCARD_MAX)
        return http_reply_queue(request);
    request->phase = PHASE_DISCARD;
    http_request_set_deadline(request, request->owner->read_timeout_ms);
    return MHD_YES;
}

/* The route takes the body as it comes: it has refused it, or will say when it is wanted. */
static enum MHD_Result hold(struct http_request *request)
{
    if (request->response != NULL || request->gone)
        return answer_unread(request);
    assert(request->upload.take != NULL);
    if (request->phase == PHASE_UPLOAD) /* wanted already */
        return MHD_YES;
    request->phase = PHASE_HELD;
    http_request_set_deadline(request, request->owner->idle_timeout_ms);
    http_request_suspend(request);
    return MHD_YES;
}

enum MHD_Result http_body_step_head(struct http_request *request, const char *method)
{
    /* a cut name is no method of ours */
    snprintf(request->method, sizeof(request->method), "%s", method);
    struct framing framing = {0};
    MHD_get_connection_values(request->mhd, MHD_HEADER_KIND, count_framing, &framing);
    if (framing.lengths + framing.encodings > 1) {
        http_request_set_header(request, "Connection", "close");
        problem_reply(request, MHD_HTTP_BAD_REQUEST, "MALFORMED", NULL, NULL,
                      "more than one Content-Length or Transfer-Encoding");
        return http_reply_queue(request);
    }
    request->expects = framing.expects;
    request->announced = framing.length;
    if (request->owner->handle_head(request->owner->ctx, request))
        return hold(request);
    request->phase = PHASE_BODY;
    if (framing.length <= HTTP_REQUEST_BODY_MAX)
        return MHD_YES;
    refuse_size(request);
    return answer_unread(request);
}

enum MHD_Result http_body_step_held(struct http_request *request)
{
    if (request->response != NULL)
        return answer_unread(request);
    request->phase = PHASE_UPLOAD;
    return request->ended ? MHD_NO : MHD_YES;
}

void http_request_take_body(struct http_request *request, const struct http_request_upload *upload)
{
    request->upload = *upload;
}

void http_request_take_more(struct http_request *request)
{
    if (request->phase == PHASE_HEAD)
        request->phase = PHASE_UPLOAD;
    else if (request->phase == PHASE_HELD || request->phase == PHASE_UPLOAD)
        http_request_resume(request); /* a held one's next step makes it an upload */
}

static enum MHD_Result hand_on(struct http_request *request, const char *data, size_t *size)
{
    if (request->ended)
        return MHD_NO;
    size_t taken = request->upload.take(request->upload.ctx, data, *size);
    if (request->phase != PHASE_UPLOAD) { /* it failed meanwhile */
        *size = 0;
        return MHD_YES;
    }
    *size -= taken;
    http_request_set_deadline(request, request->owner->idle_timeout_ms);
    if (*size > 0)
        http_request_suspend(request);
    return MHD_YES;
}

enum MHD_Result http_body_step_bytes(struct http_request *request, const char *data, size_t *size)
{
    if (request->phase == PHASE_UPLOAD)
        return hand_on(request, data, size);
    if (request->phase == PHASE_BODY && buffer_append(&request->body, data, *size) < 0) {
        buffer_finish(&request->body);
        request->phase = PHASE_DISCARD;
        refuse_size(request);
    }
    request->dropped += *size;
    *size = 0;
    return request->phase == PHASE_DRAIN && request->dropped > HTTP_REQUEST_DISCARD_MAX ? MHD_NO : MHD_YES;
}
