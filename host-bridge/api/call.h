/* SPDX-License-Identifier: MIT */
/* A request on its way into the audit log. */
#ifndef HOSPES_API_CALL_H
#define HOSPES_API_CALL_H

#include "host-bridge/api/route.h"

/* Watches the request and writes its entry when the answer stands, if it is one that the log tells of: a
 * route that is audited, or any that was refused. `route` NULL: the path or method is none of ours. `guest`
 * is the one it names, which need not be there; "" = none. */
void call_begin(struct api *api, struct http_request *request, const struct route *route, const char *guest);

#endif
