/* SPDX-License-Identifier: MIT */
/* Which route a request belongs to. */
#ifndef HOSPES_API_ROUTER_H
#define HOSPES_API_ROUTER_H

#include "host-bridge/api/owner.h"

#define API_BASE "/api/v1"

/* Answers the request, or calls http_request_wait. `guest` is the one that the path or the socket names; NULL
 * for routes without one. */
typedef void (*route_handler)(struct api *api, struct guest *guest, struct http_request *request);

struct route {
    const char *method;
    const char *pattern; /* below API_BASE; {vm} is looked up, one other {…} is http_request_parameter() */
    route_handler handle;
};

const struct route *router_routes(size_t *ret_count);

/* Finds and calls the route; 404, and 405 with Allow, are answered here. HEAD goes where GET goes. */
void router_handle(struct api *api, struct http_request *request);

#endif
