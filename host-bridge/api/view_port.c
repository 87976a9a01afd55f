/* SPDX-License-Identifier: MIT */
/* A guest's port and a forward as JSON. */
#include <stdio.h>

#include "host-bridge/api/view.h"

#define URL_MAX 80 /* "https://[" address "]:65535/" */

const char *view_forward_state_name(enum forward_state state)
{
    switch (state) {
    case FORWARD_ACTIVE:
        return "active";
    case FORWARD_FAILED:
        return "failed";
    case FORWARD_BLOCKED:
        return "blocked";
    case FORWARD_DISABLED:
        return "disabled";
    }
    return "failed";
}

static bool is_active(const struct forward *forward)
{
    return forward->state == FORWARD_ACTIVE && forward->host_port != 0;
}

/* Where a browser goes. A listener on every address is reached by localhost as well. */
static json_t *view_url(const struct forward *forward)
{
    if (!is_active(forward) || forward->protocol != PORT_TCP)
        return json_null();
    const char *scheme = forward->guest_port == 443 || forward->guest_port == 8443 ? "https" : "http";
    char host[48] = "localhost";
    if (!forward->bind_both_loopbacks && !ip_address_is_any(&forward->bind)) {
        char address[46];
        ip_address_format(&forward->bind, address);
        bool brackets = forward->bind.family == 6;
        snprintf(host, sizeof(host), "%s%s%s", brackets ? "[" : "", address, brackets ? "]" : "");
    }
    char url[URL_MAX];
    snprintf(url, sizeof(url), "%s://%s:%u/", scheme, host, (unsigned)forward->host_port);
    return json_string(url);
}

static json_t *view_guest_address(const struct forward *forward)
{
    static const struct ip_address LOOPBACK = {.family = 4, .bytes = {127, 0, 0, 1}};
    return view_address(forward->target.address_count > 0 ? &forward->target.addresses[0] : &LOOPBACK);
}

static json_t *view_host_address(const struct forward *forward)
{
    return forward->bind_both_loopbacks ? json_string("127.0.0.1") : view_address(&forward->bind);
}

json_t *view_forward(const struct forward *forward)
{
    return json_pack("{s:o, s:s, s:o, s:o, s:i, s:o, s:o, s:i, s:o, s:s, s:o, s:I, s:I, s:I}", "id",
                     view_text(forward->id), "kind", forward->kind == FORWARD_STATIC ? "static" : "auto",
                     "protocol", view_protocol(forward->protocol), "guestAddress",
                     view_guest_address(forward), "guestPort", (int)forward->guest_port, "hostAddress",
                     view_host_address(forward), "hostPort",
                     is_active(forward) ? json_integer(forward->host_port) : json_null(), "requestedHostPort",
                     (int)forward->requested_host_port, "url", view_url(forward), "state",
                     view_forward_state_name(forward->state), "reason", view_text_or_null(forward->reason),
                     "connections", view_count(forward->flows.active), "bytesIn",
                     view_count(forward->flows.bytes_in), "bytesOut", view_count(forward->flows.bytes_out));
}

static json_t *view_process(const struct port_fact *fact)
{
    if (fact->pid == 0 && fact->name[0] == '\0')
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:I, s:o, s:o}", "pid",
                     fact->pid == 0 ? json_null() : json_integer(fact->pid), "name", view_text(fact->name),
                     "command", view_text(fact->command), "uid", (json_int_t)fact->uid, "unit",
                     view_text_or_null(fact->unit), "container", view_text_or_null(fact->container));
}

json_t *view_port(const struct known_port *port)
{
    const struct port_fact *fact = &port->fact;
    return json_pack("{s:o, s:o, s:i, s:o, s:s, s:o, s:o}", "protocol", view_protocol(fact->key.protocol),
                     "address", view_address(&fact->key.address), "port", (int)fact->key.port, "process",
                     view_process(fact), "policy", policy_action_name(port->decision.action), "policyReason",
                     view_text(port->decision.reason), "forward",
                     port->forward == NULL ? json_null() : view_forward(port->forward));
}
