/* SPDX-License-Identifier: MIT */
/* One request from its first line to the end of its answer. Routing and the meaning of bodies are elsewhere,
 * connections and the loop in http_server.c.
 *
 * Theory of operation
 * - HEAD: the head is complete. Ambiguous framing (two Content-Length, or one beside Transfer-Encoding) is
 *   refused here and the connection ended, since nobody can say where the next request starts.
 * - BODY: gathers up to HTTP_REQUEST_BODY_MAX.
 * - DISCARD: the body is too large. An answer in the midst of it is not possible with this library, and lost
 *   on clients that write before they read, so the rest is read and dropped (the deadline bounds it), then
 *   413. A client that asks first (Expect) or announces more than HTTP_REQUEST_DISCARD_MAX is answered at
 *   once.
 * - WAITING: the handler has called http_request_wait. The connection is suspended until an answer, the
 *   client's end, the deadline or shutdown resume it.
 * - ANSWERED: the response is queued. A stream suspends its connection whenever it has nothing to send.
 * The library doesn't watch suspended connections: `suspended` says that resuming is ours. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host-bridge/api/http_request_steps.h"
#include "host-bridge/api/problem.h"
#include "protocol/base/status.h"

#define STREAM_BLOCK_SIZE (16 * 1024)
#define METHOD_MAX        15
#define HEADERS_MAX       4

enum phase { PHASE_HEAD, PHASE_BODY, PHASE_DISCARD, PHASE_WAITING, PHASE_ANSWERED };

struct reply_header {
    const char *name; /* static */
    char *value;      /* owned */
};

struct http_request {
    const struct http_request_owner *owner;
    void *connection;
    struct MHD_Connection *mhd;
    const char *guest;
    const struct http_client *client;
    char *path;  /* owned; the query follows its terminator */
    char *query; /* into path; NULL */
    char method[METHOD_MAX + 1];
    char parameter[HTTP_REQUEST_PARAMETER_MAX + 1];
    struct buffer body;
    enum phase phase;
    bool suspended;
    bool gone;  /* nobody reads the answer */
    bool ended; /* the server closes: a stream ends in order */
    /* the answer */
    struct reply_header headers[HEADERS_MAX];
    size_t header_count;
    struct MHD_Response *response; /* NULL until there is one */
    unsigned status;
    struct http_request_stream stream; /* read is NULL when the answer is none */
    void (*on_gone)(void *ctx);
    void *gone_ctx;
    http_request_answered on_answer; /* NULL once it was told */
    void *answer_ctx;
    char code[HTTP_REQUEST_CODE_MAX + 1];
};

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
    request->path = path;
    request->query = strchr(path, '?');
    if (request->query != NULL)
        *request->query++ = '\0';
    buffer_init(&request->body, HTTP_REQUEST_BODY_MAX);
    return request;
}

/* Whoever owes the answer is told to forget the request. */
static void detach(struct http_request *request)
{
    void (*on_gone)(void *ctx) = request->on_gone;
    request->on_gone = NULL;
    if (on_gone != NULL)
        on_gone(request->gone_ctx);
}

static void tell_answer(struct http_request *request, unsigned status)
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
    detach(request);
    tell_answer(request, 0);
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

/* Answers */

static void resume(struct http_request *request)
{
    if (!request->suspended)
        return;
    request->suspended = false;
    MHD_resume_connection(request->mhd);
    request->owner->pump_soon(request->owner->ctx);
}

void http_request_set_header(struct http_request *request, const char *name, const char *value)
{
    char *copy = request->header_count < HEADERS_MAX ? strdup(value) : NULL;
    if (copy == NULL)
        return;
    request->headers[request->header_count++] = (struct reply_header){name, copy};
}

/* A NULL response is out of memory: the connection ends without an answer. */
static void set_response(struct http_request *request, unsigned status, struct MHD_Response *response)
{
    request->response = response;
    request->status = status;
    if (response == NULL)
        request->gone = true;
    tell_answer(request, status);
    if (request->phase == PHASE_WAITING) /* else the deadline could fall between here and the next step */
        request->owner->set_deadline(request->connection, 0);
    for (size_t i = 0; response != NULL && i < request->header_count; i++)
        MHD_add_response_header(response, request->headers[i].name, request->headers[i].value);
    resume(request);
}

static void set_type(struct MHD_Response *response, const char *type)
{
    if (response == NULL)
        return;
    MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
}

void http_request_reply_bytes(struct http_request *request, unsigned status, const char *type, void *bytes,
                              size_t size)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(size, bytes, MHD_RESPMEM_MUST_FREE);
    if (response == NULL)
        free(bytes);
    set_type(response, type);
    set_response(request, status, response);
}

void http_request_reply_json(struct http_request *request, unsigned status, json_t *json)
{
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(json);
    if (text == NULL) {
        text = strdup("{\"error\":{\"code\":\"ENOMEM\",\"message\":\"out of memory\",\"hint\":null}}");
        status = MHD_HTTP_INTERNAL_SERVER_ERROR;
    }
    if (text == NULL)
        set_response(request, status, NULL);
    else
        http_request_reply_bytes(request, status, "application/json", text, strlen(text));
}

void http_request_reply_empty(struct http_request *request, unsigned status)
{
    static char nothing[1];
    set_response(request, status, MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT));
}

static ssize_t handle_stream_read(void *ctx, uint64_t position, char *out, size_t max)
{
    struct http_request *request = ctx;
    if (request->gone)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (request->ended)
        return MHD_CONTENT_READER_END_OF_STREAM;
    ssize_t size = request->stream.read(request->stream.ctx, out, max);
    if (size < 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (size == 0) {
        request->suspended = true;
        MHD_suspend_connection(request->mhd);
    }
    return size;
}

void http_request_reply_stream(struct http_request *request, const char *type,
                               const struct http_request_stream *stream)
{
    request->stream = *stream;
    struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_SIZE,
                                                                      handle_stream_read, request, NULL);
    set_type(response, type);
    set_response(request, MHD_HTTP_OK, response);
}

void http_request_wake(struct http_request *request)
{
    if (request->phase == PHASE_ANSWERED)
        resume(request);
}

void http_request_wait(struct http_request *request, void (*on_gone)(void *ctx), void *ctx)
{
    request->phase = PHASE_WAITING;
    request->on_gone = on_gone;
    request->gone_ctx = ctx;
}

/* Steps */

static enum MHD_Result queue_answer(struct http_request *request)
{
    request->phase = PHASE_ANSWERED;
    request->owner->set_deadline(request->connection, 0);
    if (request->gone)
        return MHD_NO;
    struct MHD_Response *response = request->response;
    request->response = NULL;
    enum MHD_Result result = MHD_queue_response(request->mhd, request->status, response);
    MHD_destroy_response(response);
    return result;
}

static void refuse_size(struct http_request *request)
{
    problem_reply(request, 413, "TOO_LARGE", "send less", NULL, "the body exceeds %d bytes",
                  HTTP_REQUEST_BODY_MAX);
}

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

static enum MHD_Result step_head(struct http_request *request, const char *method)
{
    snprintf(request->method, sizeof(request->method), "%s", method); /* a cut name is no method of ours */
    struct framing framing = {0};
    MHD_get_connection_values(request->mhd, MHD_HEADER_KIND, count_framing, &framing);
    if (framing.lengths + framing.encodings > 1) {
        http_request_set_header(request, "Connection", "close");
        problem_reply(request, MHD_HTTP_BAD_REQUEST, "MALFORMED", NULL, NULL,
                      "more than one Content-Length or Transfer-Encoding");
        return queue_answer(request);
    }
    request->phase = PHASE_BODY;
    if (framing.length <= HTTP_REQUEST_BODY_MAX)
        return MHD_YES;
    refuse_size(request);
    if (framing.expects || framing.length > HTTP_REQUEST_DISCARD_MAX)
        return queue_answer(request);
    request->phase = PHASE_DISCARD;
    return MHD_YES;
}

static enum MHD_Result step_body(struct http_request *request, const char *data, size_t *size)
{
    if (request->phase == PHASE_BODY) {
        int status = buffer_append(&request->body, data, *size);
        if (status < 0) {
            buffer_finish(&request->body);
            request->phase = PHASE_DISCARD;
            refuse_size(request);
        }
    }
    *size = 0;
    return MHD_YES;
}

static enum MHD_Result step_complete(struct http_request *request)
{
    if (request->phase == PHASE_BODY && request->ended)
        return MHD_NO;
    if (request->phase == PHASE_BODY)
        request->owner->handle(request->owner->ctx, request);
    if (request->phase != PHASE_WAITING || request->response != NULL || request->gone)
        return queue_answer(request);
    request->owner->set_deadline(request->connection, request->owner->wait_timeout_ms);
    request->suspended = true;
    MHD_suspend_connection(request->mhd);
    return MHD_YES;
}

enum MHD_Result http_request_step(struct http_request *request, const char *method, const char *data,
                                  size_t *size)
{
    if (request->phase == PHASE_HEAD)
        return step_head(request, method);
    if (*size > 0)
        return step_body(request, data, size);
    return step_complete(request);
}

void http_request_hang_up(struct http_request *request)
{
    request->gone = true;
    resume(request);
}

bool http_request_expire(struct http_request *request)
{
    if (!request->suspended || request->phase != PHASE_WAITING)
        return false;
    detach(request);
    problem_reply(request, MHD_HTTP_GATEWAY_TIMEOUT, "ETIMEDOUT", NULL, NULL, "no answer came in time");
    return true;
}

void http_request_shut_down(struct http_request *request)
{
    if (request->suspended && request->phase == PHASE_WAITING) {
        detach(request);
        http_request_set_header(request, "Connection", "close");
        problem_reply(request, MHD_HTTP_SERVICE_UNAVAILABLE, "GONE", NULL, NULL, "the bridge is stopping");
    } else {
        request->ended = true;
        resume(request);
    }
}
