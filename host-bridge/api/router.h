/* SPDX-License-Identifier: MIT */
/* Which route a request belongs to. */
#ifndef HOSPES_API_ROUTER_H
#define HOSPES_API_ROUTER_H

#include "host-bridge/api/route.h"

/* All of them. */
const struct route *router_routes(size_t *ret_count);

/* Finds and calls the route, if the client has its class; else 403. 404, and 405 with Allow, are answered
 * here. HEAD goes where GET goes. */
void router_handle(struct api *api, struct http_request *request);

/* The same once the head is complete, for routes that take their body as it comes. False: it belongs to none
 * of them, and nothing was done. */
bool router_handle_head(struct api *api, struct http_request *request);

#endif
