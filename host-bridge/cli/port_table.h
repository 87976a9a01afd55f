/* SPDX-License-Identifier: MIT */
/* The answer of GET /vms/{vm}/ports as a table, for `ports` and `ports --watch`. */
#ifndef HOSPES_CLI_PORT_TABLE_H
#define HOSPES_CLI_PORT_TABLE_H

#include <jansson.h>

#include "host-bridge/cli/table.h"

/* NULL when out of memory; table_destroy it. */
struct table *port_table_create(const json_t *answer);

/* "tcp 8080 nginx → http://localhost:8080": a port on one line. Cut at the buffer's end. */
void port_table_line(const json_t *port, char *out, size_t size);
/* Where a forward is on the host: its URL, or address:port, or its state and reason. "–" for none. */
void port_table_host(const json_t *forward, char *out, size_t size);

#endif
