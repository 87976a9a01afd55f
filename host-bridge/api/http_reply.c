/* SPDX-License-Identifier: MIT */
/* What goes out of a request: responses, streams, and the answer that is written past the library. See
 * http_request.c for the phases. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "host-bridge/api/http_request_internal.h"

#define STREAM_BLOCK_SIZE  (16 * 1024)
#define CONTENT_BLOCK_SIZE (256 * 1024)
#define EARLY_HEAD_MAX     2048

void http_request_set_header(struct http_request *request, const char *name, const char *value)
{
    char *copy = request->header_count < HTTP_HEADERS_MAX ? strdup(value) : NULL;
    if (copy == NULL)
        return;
    request->headers[request->header_count++] = (struct http_reply_header){name, copy};
}

/* A NULL response is out of memory: the connection ends without an answer. */
static void set_response(struct http_request *request, unsigned status, struct MHD_Response *response)
{
    request->response = response;
    request->status = status;
    if (response == NULL)
        request->gone = true;
    http_request_tell_answer(request, status);
    if (request->phase == PHASE_WAITING) /* else the deadline could fall between here and the next step */
        http_request_set_deadline(request, 0);
    for (size_t i = 0; response != NULL && i < request->header_count; i++)
        MHD_add_response_header(response, request->headers[i].name, request->headers[i].value);
    http_request_resume(request);
}

static void set_type(struct MHD_Response *response, const char *type)
{
    if (response == NULL)
        return;
    MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
}

/* An upload failed half-way. The library answers only before a body or after it, and this one may have
 * gigabytes to come. Nothing of ours waits on the socket, which therefore takes so little at once; the
 * connection is told to end, and the library never learns of it. */
static void reply_early(struct http_request *request, unsigned status, const char *type, void *bytes,
                        size_t size)
{
    char head[EARLY_HEAD_MAX];
    int length = snprintf(head, sizeof(head),
                          "HTTP/1.1 %u %s\r\nConnection: close\r\nContent-Type: %s\r\nCache-Control: "
                          "no-store\r\nX-Content-Type-Options: nosniff\r\nContent-Length: %zu\r\n\r\n",
                          status, MHD_get_reason_phrase_for(status), type, size);
    struct iovec parts[2] = {{head, (size_t)length}, {bytes, size}};
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    int fd = MHD_get_connection_info(request->mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent != length + (ssize_t)size)
        request->gone = true; /* the client went, or reads nothing */
    free(bytes);
    request->phase = PHASE_DRAIN;
    request->status = status;
    http_request_tell_answer(request, status);
    http_request_set_deadline(request, request->owner->read_timeout_ms);
    http_request_resume(request);
}

void http_request_reply_bytes(struct http_request *request, unsigned status, const char *type, void *bytes,
                              size_t size)
{
    if (request->phase == PHASE_UPLOAD) {
        reply_early(request, status, type, bytes, size);
        return;
    }
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
    ssize_t size = request->ended ? -1 : request->stream.read(request->stream.ctx, out, max);
    if (size < 0) /* what has a size ends when it is complete; before, it is cut */
        return request->is_sized ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
    if (size == 0) {
        if (request->is_sized)
            http_request_set_deadline(request, request->owner->idle_timeout_ms);
        http_request_suspend(request);
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

void http_request_reply_content(struct http_request *request, unsigned status, const char *type,
                                uint64_t size, const struct http_request_stream *stream)
{
    request->stream = *stream;
    request->is_sized = true;
    struct MHD_Response *response = MHD_create_response_from_callback(
        size, size < CONTENT_BLOCK_SIZE ? STREAM_BLOCK_SIZE : CONTENT_BLOCK_SIZE, handle_stream_read, request,
        NULL);
    set_type(response, type);
    set_response(request, status, response);
}

void http_request_wake(struct http_request *request)
{
    if (request->phase != PHASE_ANSWERED || !request->suspended)
        return;
    if (request->is_sized)
        http_request_set_deadline(request, 0);
    http_request_resume(request);
}

enum MHD_Result http_reply_queue(struct http_request *request)
{
    request->phase = PHASE_ANSWERED;
    http_request_set_deadline(request, 0);
    if (request->gone)
        return MHD_NO;
    struct MHD_Response *response = request->response;
    request->response = NULL;
    enum MHD_Result result = MHD_queue_response(request->mhd, request->status, response);
    MHD_destroy_response(response);
    return result;
}
