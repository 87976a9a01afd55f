/* SPDX-License-Identifier: MIT */
/* Link specifications ("vsock:3", "unix:/run/a,/run/b", …), parsed and checked. Pure. */
#ifndef HOSPES_SPEC_H
#define HOSPES_SPEC_H

#include <stdint.h>

#include "protocol/wire/limits.h"

enum link_kind { LINK_VSOCK = 1, LINK_HYBRID, LINK_UNIX, LINK_SERIAL, LINK_TCP, LINK_EXEC, LINK_STDIO };

#define LINK_TEXT_MAX                                                                                        \
    1023 /* a command line with a few options; paths are bounded by sun_path or PATH_MAX                     \
          */

struct link_spec {
    enum link_kind kind;
    uint32_t cid;                       /* vsock dialler */
    uint32_t control_port, events_port; /* vsock, hybrid, tcp */
    char path[LINK_TEXT_MAX + 1]; /* hybrid, unix (control), serial; the command for exec; for tcp the host,
                                   an IPv6 address without its brackets */
    char events_path[LINK_TEXT_MAX + 1]; /* unix; empty = events come over the control path */
};

/* What the bridge dials, and what the agent's --listen takes. STATUS_INVALID with a sentence that says what
 * was expected. */
int link_spec_parse_dial(const char *text, struct link_spec *ret,
                         char ret_problem[static TEXT_REASON_MAX + 1]);
int link_spec_parse_listen(const char *text, struct link_spec *ret,
                           char ret_problem[static TEXT_REASON_MAX + 1]);

const char *link_kind_name(enum link_kind kind); /* "vsock" … */

#endif
