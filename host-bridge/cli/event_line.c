/* SPDX-License-Identifier: MIT */
/* Says in a line what an event reports. */
#include "host-bridge/cli/event_line.h"

#include <stdio.h>
#include <string.h>

#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/port_table.h"
#include "host-bridge/cli/transfer_words.h"

static void pairing_details(const json_t *data, char *out, size_t size)
{
    const char *state = json_view_text(data, "state", "");
    const char *code = json_view_text(data, "code", "");
    if (strcmp(state, "paired") == 0)
        snprintf(out, size, "paired");
    else if (strcmp(state, "keyChanged") == 0)
        snprintf(out, size, "refused: it has another key than when it was paired");
    else if (strcmp(state, "comparing") == 0)
        snprintf(out, size, "the code to compare: %s", code);
    else
        snprintf(out, size, "%s", strcmp(state, "unpaired") == 0 ? "unpaired" : "no key is known of it");
}

static void forward_details(const json_t *forward, char *out, size_t size)
{
    char host[320];
    const char *reason = json_view_text(forward, "reason", "");
    port_table_host(forward, host, sizeof(host));
    snprintf(out, size, "%s guest port %lld, host %s%s%s", json_view_text(forward, "protocol", "?"),
             (long long)json_view_integer(forward, "guestPort"), host, reason[0] != '\0' ? ": " : "", reason);
}

static void refusal_details(const json_t *data, char *out, size_t size)
{
    bool stranger = strcmp(json_view_text(data, "reason", ""), "peer") == 0;
    snprintf(out, size, "%s: uid %lld, pid %lld, %s",
             stranger ? "no user of this API" : "not for this client",
             (long long)json_view_integer(data, "uid"), (long long)json_view_integer(data, "pid"),
             json_view_text(data, "executable", "unknown program"));
}

/* What the guest's agent turned away; `who` and `link` are its words. */
static void guest_refusal_details(const json_t *data, char *out, size_t size)
{
    long long count = (long long)json_view_integer(data, "count");
    snprintf(out, size, "the guest refused %lld connection%s over %s, the last one of %s (%s)", count,
             count == 1 ? "" : "s", json_view_text(data, "link", "?"), json_view_text(data, "who", "?"),
             json_view_text(data, "code", "?"));
}

void event_line_details(const char *type, const json_t *data, char *out, size_t size)
{
    const char *reason = json_view_text(data, "reason", "");
    const char *code = json_view_text(data, "code", "");
    out[0] = '\0';
    if (json_view(data, "port") != NULL)
        port_table_line(json_view(data, "port"), out, size);
    else if (json_view(data, "forward") != NULL)
        forward_details(json_view(data, "forward"), out, size);
    else if (json_view(data, "transfer") != NULL)
        snprintf(out, size, "%s", transfer_words_line(json_view(data, "transfer")).text);
    else if (json_view(data, "item") != NULL)
        snprintf(out, size, "%s", transfer_words_item(json_view(data, "item")).text);
    else if (strcmp(type, "vm.pairing") == 0)
        pairing_details(data, out, size);
    else if (strcmp(type, "api.refused") == 0)
        refusal_details(data, out, size);
    else if (strcmp(type, "vm.refused") == 0)
        guest_refusal_details(data, out, size);
    else if (strcmp(type, "gap") == 0)
        snprintf(out, size, "events %lld to %lld are no longer held",
                 (long long)json_view_integer(data, "from"), (long long)json_view_integer(data, "to"));
    else if (reason[0] != '\0')
        snprintf(out, size, code[0] != '\0' ? "%s (%s)" : "%s", reason, code);
}

enum style event_line_style(const char *type)
{
    if (strcmp(type, "vm.disconnected") == 0 || strcmp(type, "gap") == 0 || strstr(type, ".refused") != NULL)
        return STYLE_BAD;
    if (strcmp(type, "vm.connected") == 0 || strstr(type, ".opened") != NULL)
        return STYLE_GOOD;
    return strstr(type, ".closed") != NULL ? STYLE_WARNING : STYLE_PLAIN;
}
