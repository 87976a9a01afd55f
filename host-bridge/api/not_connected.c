/* SPDX-License-Identifier: MIT */
/* The answer where a guest is needed and its link is down. */
#include "host-bridge/api/not_connected.h"

#include "host-bridge/api/problem.h"
#include "host-bridge/api/view.h"
#include "protocol/base/status.h"

json_t *not_connected_details(const struct guest *guest)
{
    struct guest_liveness liveness;
    guest_liveness(guest, &liveness);
    return json_pack("{s:s, s:o, s:o, s:o}", "status", view_status_name(liveness.agent), "code",
                     view_text_or_null(guest_error_code(guest)), "error",
                     view_text_or_null(guest_error(guest)), "liveness", view_liveness(&liveness));
}

void not_connected_reply(struct http_request *request, const struct guest *guest)
{
    const char *error = guest_error(guest);
    problem_reply(request, 503, status_name(STATUS_NOT_CONNECTED),
                  "is the VM running, and hospes-agent in it?", not_connected_details(guest),
                  "\"%s\" is not connected%s%s", guest_name(guest), error[0] == '\0' ? "" : ": ", error);
}
