/* SPDX-License-Identifier: MIT */
/* An event on one line, for `events` and `ports --watch`. */
#ifndef HOSPES_CLI_EVENT_LINE_H
#define HOSPES_CLI_EVENT_LINE_H

#include <jansson.h>
#include <stddef.h>

#include "host-bridge/cli/terminal.h"

/* What happened, without number, time, guest and type: "tcp 0.0.0.0:8080 nginx …". Cut at the buffer's end.
 */
void event_line_details(const char *type, const json_t *data, char *out, size_t size);
enum style event_line_style(const char *type);

#endif
