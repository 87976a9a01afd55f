/* SPDX-License-Identifier: MIT */
/* Ports and forwards as people read them. */
#include "host-bridge/cli/port_table.h"

#include <string.h>

#include "host-bridge/cli/json_view.h"

static const struct table_column PORT_COLUMNS[] = {
    {"PORT", ALIGN_RIGHT, 0},    {"PROTO", ALIGN_LEFT, 0},   {"ADDRESS", ALIGN_LEFT, 9},
    {"PROCESS", ALIGN_LEFT, 10}, {"UNIT", ALIGN_LEFT, 8},    {"POLICY", ALIGN_LEFT, 0},
    {"HOST", ALIGN_LEFT, 16},    {"REASON", ALIGN_LEFT, 10},
};

void port_table_host(const json_t *forward, char *out, size_t size)
{
    const char *state = json_view_text(forward, "state", "");
    const char *url = json_view_text(forward, "url", NULL);
    const char *address = json_view_text(forward, "hostAddress", "127.0.0.1");
    if (forward == NULL)
        snprintf(out, size, "–");
    else if (strcmp(state, "active") != 0)
        snprintf(out, size, "%s", state);
    else if (url != NULL)
        snprintf(out, size, "%s", url);
    else
        snprintf(out, size, strchr(address, ':') != NULL ? "[%s]:%lld" : "%s:%lld", address,
                 (long long)json_view_integer(forward, "hostPort"));
}

static enum style host_style(const json_t *forward)
{
    const char *state = json_view_text(forward, "state", "");
    if (strcmp(state, "active") == 0)
        return STYLE_GOOD;
    return forward == NULL ? STYLE_DIM : STYLE_BAD;
}

static enum style policy_style(const char *policy)
{
    if (strcmp(policy, "block") == 0)
        return STYLE_BAD;
    if (strcmp(policy, "ask") == 0)
        return STYLE_WARNING;
    return strcmp(policy, "forward") == 0 ? STYLE_PLAIN : STYLE_DIM;
}

/* What people call it, with the pid where there is one. */
static void add_process_cells(struct table *table, const json_t *port)
{
    const json_t *process = json_view(port, "process");
    long long pid = (long long)json_view_integer(process, "pid");
    const char *container = json_view_text(process, "container", NULL);
    const char *unit = json_view_text(process, "unit", "");
    const char *name = json_view_text(process, "name", "");
    if (name[0] == '\0')
        name = "–";
    if (pid > 0)
        table_cell_format(table, STYLE_STRONG, "%s (%lld)", name, pid);
    else
        table_cell(table, STYLE_STRONG, name);
    if (container != NULL && container[0] != '\0')
        table_cell_format(table, STYLE_PLAIN, "%.12s", container);
    else
        table_cell(table, STYLE_PLAIN, unit);
}

static void add_port_row(struct table *table, const json_t *port)
{
    char host[320];
    const json_t *forward = json_view(port, "forward");
    const char *policy = json_view_text(port, "policy", "?");
    const char *reason = json_view_text(forward, "reason", NULL);
    port_table_host(forward, host, sizeof(host));
    table_cell_format(table, STYLE_STRONG, "%lld", (long long)json_view_integer(port, "port"));
    table_cell(table, STYLE_PLAIN, json_view_text(port, "protocol", "?"));
    table_cell(table, STYLE_PLAIN, json_view_text(port, "address", "?"));
    add_process_cells(table, port);
    table_cell(table, policy_style(policy), policy);
    table_cell(table, host_style(forward), host);
    if (reason == NULL || reason[0] == '\0')
        reason = json_view_text(port, "policyReason", "");
    table_cell(table, STYLE_DIM, reason);
}

struct table *port_table_create(const json_t *answer)
{
    struct table *table = table_create(PORT_COLUMNS, sizeof(PORT_COLUMNS) / sizeof(PORT_COLUMNS[0]));
    size_t index;
    json_t *port;
    if (table == NULL)
        return NULL;
    json_array_foreach(json_view(answer, "ports"), index, port) add_port_row(table, port);
    return table;
}

void port_table_line(const json_t *port, char *out, size_t size)
{
    char host[320];
    const json_t *forward = json_view(port, "forward");
    const char *name = json_view_text(port, "process.name", "");
    port_table_host(forward, host, sizeof(host));
    snprintf(out, size, "%s %s:%lld%s%s, %s, host %s", json_view_text(port, "protocol", "?"),
             json_view_text(port, "address", "?"), (long long)json_view_integer(port, "port"),
             name[0] != '\0' ? " " : "", name, json_view_text(port, "policy", "?"), host);
}
