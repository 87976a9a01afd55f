/* SPDX-License-Identifier: MIT */
/* GET /events: where the stream starts and what it shows; the stream itself is sse.c's. */
#include <errno.h>
#include <stdlib.h>

#include "host-bridge/api/problem.h"
#include "host-bridge/api/query.h"
#include "host-bridge/api/routes.h"
#include "protocol/base/status.h"

#define NUMBER_MAX 20 /* digits of 2^64 */

/* Decimal digits only; SSE_FROM_NOW itself is no number of an event. */
static bool parse_cursor(const char *text, uint64_t *ret)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c < '0' || *c > '9')
            return false;
    }
    errno = 0;
    uint64_t cursor = strtoull(text, NULL, 10);
    if (text[0] == '\0' || errno != 0 || cursor == SSE_FROM_NOW)
        return false;
    *ret = cursor;
    return true;
}

/* Last-Event-ID, else since, else from now. False: answered with an error. */
static bool read_cursor(struct http_request *request, uint64_t *ret)
{
    char since[NUMBER_MAX + 1];
    const char *text = http_request_header(request, "Last-Event-ID");
    int status = 0;
    if (text == NULL || text[0] == '\0') {
        text = since;
        status = query_get(http_request_query(request), "since", since, sizeof(since));
    }
    *ret = SSE_FROM_NOW;
    if (status == STATUS_NOT_FOUND || (status == 0 && parse_cursor(text, ret)))
        return true;
    problem_reply(request, 400, "MALFORMED", NULL, NULL, "since and Last-Event-ID are numbers of events");
    return false;
}

void route_get_events(struct api *api, struct guest *guest, struct http_request *request)
{
    char vm[TEXT_NAME_MAX + 1] = "";
    int status = query_get(http_request_query(request), "vm", vm, sizeof(vm));
    if (status != STATUS_NOT_FOUND && (status != 0 || guests_find(api->guests, vm) == NULL)) {
        problem_reply(request, 404, "NOT_FOUND", NULL, NULL, "no such guest in ?vm=");
        return;
    }
    uint64_t cursor;
    if (!read_cursor(request, &cursor))
        return;
    status = sse_serve(api->sse, request, vm, cursor);
    if (status < 0)
        problem_reply_status(request, status, status == STATUS_LIMIT ? "too many readers of events" : NULL,
                             NULL);
}
