/* SPDX-License-Identifier: MIT */
/* What others see of a guest: names, state, liveness. */
#include <stdio.h>

#include "host-bridge/guest_internal.h"
#include "protocol/base/clock.h"
#include "protocol/base/status.h"

const char *guest_state_name(enum guest_state state)
{
    static const char *const NAMES[] = {
        [GUEST_CONNECTING] = "connecting", [GUEST_CONNECTED] = "connected", [GUEST_DISABLED] = "disabled"};
    return NAMES[state];
}

const char *vm_liveness_name(enum vm_liveness vm)
{
    static const char *const NAMES[] = {[VM_UNKNOWN] = "unknown", [VM_ALIVE] = "alive", [VM_GONE] = "gone"};
    return NAMES[vm];
}

const char *agent_liveness_name(enum agent_liveness agent)
{
    static const char *const NAMES[] = {
        [AGENT_ABSENT] = "absent", [AGENT_ALIVE] = "alive", [AGENT_SILENT] = "silent"};
    return NAMES[agent];
}

const char *guest_name(const struct guest *guest)
{
    return guest->name;
}

const char *guest_link(const struct guest *guest)
{
    return guest->link;
}

bool guest_is_configured(const struct guest *guest)
{
    return guest->is_configured;
}

enum guest_state guest_state(const struct guest *guest)
{
    return guest->state;
}

uint64_t guest_since_ms(const struct guest *guest)
{
    return guest->since_ms;
}

const char *guest_error(const struct guest *guest)
{
    return guest->error;
}

const char *guest_error_code(const struct guest *guest)
{
    return guest->error_status == 0 ? "" : status_name(guest->error_status);
}

const struct welcome_message *guest_agent(const struct guest *guest)
{
    return guest->agent;
}

/* What the reason of the last failure says about the machine itself. */
static enum vm_liveness judge_vm(int status)
{
    switch (status) {
    case STATUS_NO_AGENT:
    case STATUS_DRIVER_DOWN:
    case STATUS_GREETING_REFUSED:
    case STATUS_NO_GREETING:
    case STATUS_VERSION:
    case STATUS_UNKNOWN_SESSION:
    case STATUS_MALFORMED:
    case STATUS_TOO_LARGE:
    case STATUS_UNEXPECTED:
    case STATUS_NOT_SUPPORTED:
    case STATUS_NOT_ALLOWED:
    case STATUS_LIMIT:
        return VM_ALIVE;
    case STATUS_NO_SUCH_VM:
    case UV_ENOENT:
    case UV_ECONNREFUSED:
        return VM_GONE;
    default:
        return VM_UNKNOWN;
    }
}

void guest_liveness(const struct guest *guest, struct guest_liveness *ret)
{
    const struct requests *requests = session_requests(guest->session);
    bool up = guest->state == GUEST_CONNECTED;
    bool silent = up && session_is_silent(guest->session);
    *ret = (struct guest_liveness){
        .vm = up ? (silent ? VM_UNKNOWN : VM_ALIVE) : judge_vm(guest->error_status),
        .agent = silent || (!up && guest->fell_silent) ? AGENT_SILENT
                 : up                                  ? AGENT_ALIVE
                                                       : AGENT_ABSENT,
        .requests_pending = requests_pending(requests),
        .request_quiet_ms = requests_oldest_age_ms(requests),
    };
}

uint64_t guest_rtt_us(const struct guest *guest)
{
    return guest->connects == 0 ? 0 : session_rtt_us(guest->session);
}

uint64_t guest_last_seen_ms(const struct guest *guest)
{
    if (guest->state != GUEST_CONNECTED)
        return guest->last_seen_ms;
    return clock_realtime_ms() - session_heard_ms_ago(guest->session);
}

uint64_t guest_reconnects(const struct guest *guest)
{
    return guest->connects > 0 ? guest->connects - 1 : 0;
}

struct forwards *guest_forwards(struct guest *guest)
{
    return guest->forwards;
}
