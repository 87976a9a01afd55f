/* SPDX-License-Identifier: MIT */
/* The server's side of a request: how the HTTP library's calls move it on. For http_server.c only. */
#ifndef HOSPES_API_HTTP_REQUEST_STEPS_H
#define HOSPES_API_HTTP_REQUEST_STEPS_H

#include <stdint.h>
#include <sys/types.h> /* before microhttpd.h */

#include <microhttpd.h>

#include "host-bridge/api/http_request.h"

struct http_request_owner {
    /* The request is complete: answer it or http_request_wait. */
    void (*handle)(void *ctx, struct http_request *request);
    /* The head is complete. False: gather the body, then `handle`. True: it was answered, or
     * http_request_take_body called. */
    bool (*handle_head)(void *ctx, struct http_request *request);
    /* The library must be run soon: a suspended connection was resumed. */
    void (*pump_soon)(void *ctx);
    /* The request's deadline from now on, milliseconds; 0 = none. */
    void (*set_deadline)(void *connection, uint64_t timeout_ms);
    uint64_t read_timeout_ms; /* for a whole request */
    uint64_t wait_timeout_ms; /* from http_request_wait to 504 */
    uint64_t idle_timeout_ms; /* of bodies that are handed on */
    void *ctx;
};

/* NULL when out of memory. `owner`, `connection`, `guest` and `client` are borrowed for the whole life. */
struct http_request *http_request_create(const struct http_request_owner *owner, void *connection,
                                         struct MHD_Connection *mhd, const char *guest,
                                         const struct http_client *client, const char *uri);
void http_request_destroy(struct http_request *request); /* NULL allowed */
/* The access handler's call. MHD_NO ends the connection. */
enum MHD_Result http_request_step(struct http_request *request, const char *method, const char *data,
                                  size_t *size);
/* The client went: whoever waits for it stops. */
void http_request_hang_up(struct http_request *request);
/* Its deadline passed. False: it isn't waiting for an answer of ours; end the connection. */
bool http_request_expire(struct http_request *request);
/* The server closes: a waiting request is answered 503, a stream ends. */
void http_request_shut_down(struct http_request *request);

#endif
