/* SPDX-License-Identifier: MIT */
/* What becomes of a refusal beside its answer. Log lines and events are one a second for each reason, with a
 * count, so that a stranger can't fill either. */
#include "host-bridge/api/refusals.h"

#include <inttypes.h>
#include <stdio.h>

#include "host-bridge/api/view.h"
#include "host-bridge/platform/peer_process.h"
#include "protocol/base/clock.h"
#include "protocol/base/status.h"

#define LOG_MODULE "api"
#include "protocol/base/log.h"

const char *refusal_name(enum refusal reason)
{
    return reason == REFUSAL_PEER ? "peer" : "class";
}

static void tell(struct api *api, enum refusal reason, const struct unix_peer *peer, const char *executable,
                 const char *what)
{
    uint64_t count;
    api->refused[reason]++;
    if (!log_limit_tell(&api->refusal_limits[reason], clock_monotonic_ms(), &count))
        return;
    log_warn("refused uid %u, pid %d (%s)%s, %" PRIu64 " since the last line", (unsigned)peer->uid,
             (int)peer->pid, executable[0] == '\0' ? "unknown program" : executable, what, count);
    sse_publish(api->sse, "", "api.refused",
                json_pack("{s:s, s:I, s:o, s:o, s:I}", "reason", refusal_name(reason), "uid",
                          (json_int_t)peer->uid, "pid",
                          peer->pid == 0 ? json_null() : json_integer((json_int_t)peer->pid), "executable",
                          view_text_or_null(executable), "count", view_count(count)));
}

void refusals_note_stranger(struct api *api, const struct unix_peer *peer)
{
    char executable[PEER_PROCESS_PATH_MAX + 1];
    peer_process_executable(peer->pid, executable);
    const struct audit_client client = {peer->pid, peer->uid, executable};
    json_t *parameters = json_pack("{s:s}", "reason", refusal_name(REFUSAL_PEER));
    audit_event(api->audit, &(struct audit_entry){.action = "api.refused",
                                                  .parameters = parameters,
                                                  .result = AUDIT_REFUSED,
                                                  .status = status_name(STATUS_NOT_ALLOWED),
                                                  .client = &client});
    json_decref(parameters);
    tell(api, REFUSAL_PEER, peer, executable, ": no user of this API");
}

void refusals_note_class(struct api *api, const struct unix_peer *peer, enum request_class wanted)
{
    char executable[PEER_PROCESS_PATH_MAX + 1], what[64];
    peer_process_executable(peer->pid, executable);
    snprintf(what, sizeof(what), ": it may not use the class \"%s\"", request_class_name(wanted));
    tell(api, REFUSAL_CLASS, peer, executable, what);
}
