/* SPDX-License-Identifier: MIT */
/* One route of the Host API: what it is, who may use it, and what the audit log shows of it. */
#ifndef HOSPES_API_ROUTE_H
#define HOSPES_API_ROUTE_H

#include "host-bridge/api/owner.h"
#include "services/access/request_class.h"

#define API_BASE "/api/v1"

/* Answers the request, or calls http_request_wait. `guest` is the one that the path or the socket names; NULL
 * for routes without one. */
typedef void (*route_handler)(struct api *api, struct guest *guest, struct http_request *request);

struct route {
    const char *method;
    const char *pattern; /* below API_BASE; {vm} is looked up, one other {…} is http_request_parameter() */
    route_handler handle;
    enum request_class class; /* a client without it is refused */
    const char *parameters;   /* names, joined by spaces, of what the audit log may show of the body's and the
                                 query's scalar values: never payload. NULL = none. {…} is always shown */
    bool streams_body;        /* called when the head is complete: http_request_take_body, or an answer */
    bool audited;             /* also a GET: what is more than a look at the state */
};

/* Every route that changes something, or says so. */
bool route_is_audited(const struct route *route);

#endif
