/* SPDX-License-Identifier: MIT */
/* One HTTP request as a route sees it. The HTTP library stays behind http_request.c and http_server.c. */
#ifndef HOSPES_API_HTTP_REQUEST_H
#define HOSPES_API_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

#include "protocol/base/buffer.h"
#include "protocol/link/unix_peer.h"
#include "services/access/request_class.h"

#define HTTP_REQUEST_BODY_MAX                                                                                \
    (1024 * 1024) /* JSON that people and scripts write is a thousand times less                             \
                   */
#define HTTP_REQUEST_DISCARD_MAX (64 * 1024 * 1024) /* announced beyond: refused at once, nothing is read */
#define HTTP_REQUEST_IDLE_MAX_MS 60000              /* files: without a byte in either direction */
#define HTTP_REQUEST_WAIT_MAX_MS 10000 /* an asynchronous answer: twice what any guest is given, then 504 */

struct http_request; /* opaque; lives from its first line to the end of its answer */

const char *http_request_method(const struct http_request *request);
const char *http_request_path(const struct http_request *request); /* as sent, still percent-encoded */
const char *
http_request_query(const struct http_request *request); /* without the "?"; NULL when there is none */
const char *http_request_header(const struct http_request *request, const char *name); /* NULL */
struct span http_request_body(const struct http_request *request);
/* The guest that this request's socket belongs to; "" on the main socket. */
const char *http_request_socket_guest(const struct http_request *request);

/* Who asks, as it was when the connection was accepted. */
struct http_client {
    struct unix_peer peer;
    struct request_classes classes;
};
const struct http_client *http_request_client(const struct http_request *request);

/* A path parameter, decoded: the router sets it, the route reads it. "" when there is none. */
#define HTTP_REQUEST_PARAMETER_MAX 127
const char *http_request_parameter(const struct http_request *request);
char *http_request_parameter_space(struct http_request *request); /* HTTP_REQUEST_PARAMETER_MAX + 1 bytes */

/* Answers: exactly one of these for each request, from the handler or, after http_request_wait, later. A
 * header must be set before. `json` is taken; NULL becomes a 500 (out of memory). */
void http_request_set_header(struct http_request *request, const char *name, const char *value);
void http_request_reply_json(struct http_request *request, unsigned status, json_t *json);
void http_request_reply_empty(struct http_request *request, unsigned status);
/* `bytes` are taken (free). */
void http_request_reply_bytes(struct http_request *request, unsigned status, const char *type, void *bytes,
                              size_t size);

/* A body that is handed on while it comes, on routes that say so (route.h, streams_body): their handler is
 * called when the head is complete, before anything of the body is read. */
struct http_request_upload {
    /* Returns how many bytes were taken; fewer: nothing more comes before http_request_take_more. */
    size_t (*take)(void *ctx, const void *bytes, size_t size);
    void (*complete)(void *ctx); /* the body is; answer now or later */
    /* Once, when the request is over for whatever reason, answered or not: it must not be touched from then
     * on. Without `complete` before it the body broke off. */
    void (*finish)(void *ctx);
    void *ctx;
};
/* Instead of an answer; nothing comes before http_request_take_more, and a client that asks (Expect) is not
 * told to go on before. An answer is possible at any moment; in the midst of the body it ends the
 * connection. Nothing taken or given for the idle timeout: 504. */
void http_request_take_body(struct http_request *request, const struct http_request_upload *upload);
void http_request_take_more(struct http_request *request); /* asynchronous; no-op when nothing waits */

/* A body without end. `read` fills up to max bytes and returns how many; 0 = nothing now, http_request_wake
 * follows; negative = the end. `finish` once, when the request is over for whatever reason. */
struct http_request_stream {
    ssize_t (*read)(void *ctx, char *out, size_t max);
    void (*finish)(void *ctx);
    void *ctx;
};
void http_request_reply_stream(struct http_request *request, const char *type,
                               const struct http_request_stream *stream);
/* A body of a known size; `read` must give all of it: where it says that it ends before, the client's
 * connection is cut, as when it gives nothing for the idle timeout. Of HEAD nothing is read. */
void http_request_reply_content(struct http_request *request, unsigned status, const char *type,
                                uint64_t size, const struct http_request_stream *stream);
void http_request_wake(struct http_request *request); /* no-op unless the stream waits */

/* The answer comes later. on_gone fires once, at the end of the request, answered or not (the client went,
 * the wait took too long, shutdown): the request must not be touched from then on. */
void http_request_wait(struct http_request *request, void (*on_gone)(void *ctx), void *ctx);

/* The same for what may take long but is heard of: 504 once http_request_heard was not called for the idle
 * timeout. */
void http_request_wait_long(struct http_request *request, void (*on_gone)(void *ctx), void *ctx);
void http_request_heard(struct http_request *request);

/* on_answer fires once, as soon as the answer stands, with its HTTP status; 0 = there was none, the client
 * went before. The request can still be asked everything; `code` is what http_request_set_code said, ""
 * without. One watcher. */
typedef void (*http_request_answered)(void *ctx, struct http_request *request, unsigned status,
                                      const char *code);
void http_request_watch(struct http_request *request, http_request_answered on_answer, void *ctx);
/* Before the answer: the name of what went wrong. Cut at HTTP_REQUEST_CODE_MAX. */
#define HTTP_REQUEST_CODE_MAX 47
void http_request_set_code(struct http_request *request, const char *code);

#endif
