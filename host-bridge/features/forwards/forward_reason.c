/* SPDX-License-Identifier: MIT */
/* Says why a host port was refused and by whom it is held. Nothing is decided here.
 *
 * Who holds a port is asked in the order of cost: this guest's forwards, the bridge's other guests, then
 * /proc, within a budget. */
#include "host-bridge/features/forwards/forwards_private.h"
#include "host-bridge/platform/port_holder.h"
#include "host-bridge/platform/port_privilege.h"
#include "protocol/base/status.h"
#include "services/config/reason.h"

#include <stdio.h>
#include <string.h>

#define HOLDER_BUDGET_US 30000 /* of each second; one look-up takes 1 to 30 ms */

/* False when this second's budget is spent. `out` stays as it is when nobody is found. */
static bool look_up(struct forwards *forwards, const struct host_bind *bind, uint16_t port, char *out)
{
    uint64_t now = forwards_now(forwards);
    if (now >= forwards->holder_second_ms + 1000) {
        forwards->holder_second_ms = now;
        forwards->holder_spent_us = 0;
    }
    if (forwards->holder_spent_us >= HOLDER_BUDGET_US)
        return false;
    uint64_t begin = uv_hrtime();
    port_holder_find(bind->protocol, bind->addresses, bind->address_count, port, out);
    forwards->holder_spent_us += (uv_hrtime() - begin) / 1000;
    return true;
}

static const struct forward_entry *find_own(const struct forward_entry *asking, uint16_t port)
{
    const struct forwards *forwards = asking->owner;
    for (size_t i = 0; i < forwards->count; i++) {
        const struct forward_entry *entry = forwards->entries[i];
        if (entry != asking && entry->forward.host_port == port &&
            entry->forward.protocol == asking->forward.protocol)
            return entry;
    }
    return NULL;
}

static void explain_in_use(struct forward_entry *entry, uint16_t port, char *out)
{
    struct forwards *forwards = entry->owner;
    const struct forward *forward = &entry->forward;
    const struct forward_entry *own = find_own(entry, port);
    if (own != NULL) {
        reason_format(out, "%u is held by this guest's forward %s", port, own->forward.id);
        return;
    }
    const char *guest =
        forwards->io.holder == NULL ? NULL : forwards->io.holder(forwards->io.ctx, forward->protocol, port);
    if (guest != NULL) {
        reason_format(out, "%u is held by %s", port, guest);
        return;
    }
    struct host_bind bind;
    char holder[PORT_HOLDER_TEXT_MAX + 1] = "another program";
    host_bind_init(&bind, forward->protocol);
    if (!forward->bind_both_loopbacks) {
        bind.address_count = 1;
        bind.addresses[0] = forward->bind;
    }
    char known[32];
    int length = snprintf(known, sizeof(known), "%u is held by ", port);
    if (!look_up(forwards, &bind, port, holder) && strncmp(out, known, (size_t)length) == 0)
        return; /* the last answer, rather than a vaguer one */
    reason_format(out, "%u is held by %s", port, holder);
}

static void explain_no_access(uint16_t port, bool got_another, char *out)
{
    if (!port_privilege_lacking(port)) {
        reason_format(out, "binding %u is not permitted on this host", port);
        return;
    }
    unsigned first = port_privilege_first_free();
    if (got_another)
        reason_format(out, "%u needs privilege (all ports below %u do)", port, first);
    else
        reason_format(out,
                      "%u needs privilege (all ports below %u do): choose a host port from %u up, grant "
                      "CAP_NET_BIND_SERVICE, or lower net.ipv4.ip_unprivileged_port_start",
                      port, first, first);
}

/* `out` holds the last reason when the forward has failed before. */
void forward_explain(struct forward_entry *entry, uint16_t port, int status, bool got_another,
                     char out[static TEXT_REASON_MAX + 1])
{
    char address[46];
    switch (status) {
    case UV_EADDRINUSE:
        explain_in_use(entry, port, out);
        break;
    case UV_EACCES:
        explain_no_access(port, got_another, out);
        break;
    case UV_EADDRNOTAVAIL:
        ip_address_format(&entry->forward.bind, address);
        reason_format(out, "%s is not an address of this host", address);
        break;
    case UV_EMFILE:
    case UV_ENFILE:
        reason_format(out, "no file descriptor is left: raise the limit (ulimit -n, LimitNOFILE=)");
        break;
    default:
        reason_format(out, "%u: %s", port, status_text(status));
        break;
    }
}
