/* SPDX-License-Identifier: MIT */
/* The HTTP server on the loop: listeners in, complete requests out. */
#ifndef HOSPES_API_HTTP_SERVER_H
#define HOSPES_API_HTTP_SERVER_H

#include <uv.h>

#include "host-bridge/api/http_request.h"
#include "protocol/wire/limits.h"

#define HTTP_SERVER_CONNECTIONS_MAX 1024        /* of all sockets; each costs a descriptor and up to 32 KiB */
#define HTTP_SERVER_HEAD_MAX        (32 * 1024) /* request line and headers */
#define HTTP_SERVER_READ_TIMEOUT_MS                                                                          \
    30000 /* for a whole request, counted from its connection or first line                                  \
           */
#define HTTP_SERVER_IDLE_TIMEOUT_MS                                                                          \
    60000 /* a kept-alive connection without a request; an answer not read                                   \
           */

struct http_server;          /* opaque */
struct http_server_listener; /* opaque; one socket of the server */

struct http_server_options {
    void (*handle)(void *ctx, struct http_request *request); /* answers, or calls http_request_wait */
    /* The head is complete. False: gather the body, then `handle`. True: answered, or http_request_take_body
     * was called. */
    bool (*handle_head)(void *ctx, struct http_request *request);
    /* A client at the door: false turns it away, without an answer. */
    bool (*admit)(void *ctx, const struct unix_peer *peer, struct request_classes *ret_classes);
    void *ctx;
    const gid_t *socket_group; /* borrowed for the whole life; NULL = the sockets are the user's alone */
    uint64_t read_timeout_ms;  /* 0 = HTTP_SERVER_READ_TIMEOUT_MS */
    uint64_t wait_timeout_ms;  /* 0 = HTTP_REQUEST_WAIT_MAX_MS */
    uint64_t idle_timeout_ms;  /* 0 = HTTP_REQUEST_IDLE_MAX_MS */
};

/* UV_ENOMEM, and what the loop says. */
int http_server_create(uv_loop_t *loop, const struct http_server_options *options, struct http_server **ret);
/* Answers what waits with 503, ends streams, closes everything; on_closed never before return. */
void http_server_close(struct http_server *server, void (*on_closed)(void *ctx), void *ctx);

/* A socket; `guest` ("" = none) is what http_request_socket_guest says for its requests. Errors of
 * unix_listener_open.
 */
int http_server_listen(struct http_server *server, const char *path, const char *guest,
                       struct http_server_listener **ret, char ret_problem[static TEXT_REASON_MAX + 1]);
/* Connections that came by it stay. The socket's file is gone on return. */
void http_server_unlisten(struct http_server_listener *listener);

#endif
