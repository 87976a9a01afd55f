/* SPDX-License-Identifier: MIT */
/* Says in a line what an event reports. */
#include "host-bridge/cli/event_line.h"

#include <stdio.h>
#include <string.h>

#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/port_table.h"

static void forward_details(const json_t *forward, char *out, size_t size)
{
    char host[320];
    const char *reason = json_view_text(forward, "reason", "");
    port_table_host(forward, host, sizeof(host));
    snprintf(out, size, "%s guest port %lld, host %s%s%s", json_view_text(forward, "protocol", "?"),
             (long long)json_view_integer(forward, "guestPort"), host, reason[0] != '\0' ? ": " : "", reason);
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
    else if (strcmp(type, "gap") == 0)
        snprintf(out, size, "events %lld to %lld are no longer held",
                 (long long)json_view_integer(data, "from"), (long long)json_view_integer(data, "to"));
    else if (reason[0] != '\0')
        snprintf(out, size, code[0] != '\0' ? "%s (%s)" : "%s", reason, code);
}

enum style event_line_style(const char *type)
{
    if (strcmp(type, "vm.disconnected") == 0 || strcmp(type, "gap") == 0)
        return STYLE_BAD;
    if (strcmp(type, "vm.connected") == 0 || strstr(type, ".opened") != NULL)
        return STYLE_GOOD;
    return strstr(type, ".closed") != NULL ? STYLE_WARNING : STYLE_PLAIN;
}
