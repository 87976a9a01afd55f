/* SPDX-License-Identifier: MIT */
/* The server's connections: which socket each came by, the client's end, deadlines. For http_server.c only.
 */
#ifndef HOSPES_API_HTTP_CONNECTION_H
#define HOSPES_API_HTTP_CONNECTION_H

#include <uv.h>

#include "host-bridge/api/http_request.h"
#include "protocol/wire/limits.h"

struct http_connection; /* opaque */

struct http_connection_set {
    uv_loop_t *loop;
    struct http_connection *first;
    size_t count, count_max;
    uv_timer_t timer; /* the earliest deadline */
    uint64_t due_ms;  /* the loop's time that the timer is set to; 0 = not running */
    size_t closing;   /* handles on their way out, the timer included */
    void (*pump_soon)(void *ctx);
    void (*on_closed)(void *ctx);
    void *ctx;
};

void http_connection_set_init(struct http_connection_set *set, uv_loop_t *loop, size_t count_max,
                              void (*pump_soon)(void *ctx), void *ctx);
/* Resumes what is suspended so that it ends. */
void http_connection_set_shut_down(struct http_connection_set *set);
/* Once the library has let go of every connection. on_closed never before return. */
void http_connection_set_close(struct http_connection_set *set, void (*on_closed)(void *ctx), void *ctx);

/* `fd` is about to be handed to the library, which may start it later. NULL: too many, or out of memory. */
struct http_connection *http_connection_expect(struct http_connection_set *set, int fd, const char *guest,
                                               const struct http_client *client);
/* The library refused the descriptor: forgets it, unless the library told its end already. */
void http_connection_unexpect(struct http_connection_set *set, int fd);
/* The library starts the connection of this descriptor. NULL when it was not expected. */
struct http_connection *http_connection_start(struct http_connection_set *set, int fd);
/* The library is done with it and closes the descriptor afterwards. NULL allowed. */
void http_connection_forget(struct http_connection *connection);

const char *http_connection_guest(const struct http_connection *connection);
const struct http_client *http_connection_client(const struct http_connection *connection);
/* The request that is under way; NULL between two. */
void http_connection_set_request(struct http_connection *connection, struct http_request *request);
/* From now; 0 = none. */
void http_connection_set_deadline(struct http_connection *connection, uint64_t timeout_ms);

#endif
