/* SPDX-License-Identifier: MIT */
/* The Unix socket on which the guest's owner commands the running agent. Newline-delimited JSON:
 *
 *   {"request": "identity"}                             → {"key"}
 *   {"request": "hosts"}                                → {"key", "broken", "hosts": [known_host_to_json …]}
 *   {"request": "trust", "key": KEY, "name": TEXT}      → {"saved": BOOL}
 *   {"request": "forget", "key": KEY} or "all": true    → {"saved": BOOL}
 *   {"request": "pair"}                                 → {"state": "waiting", "seconds"}, then any of
 * {"state": "code", "code", "key", "link"} and {"state": "lost"}, and at last {"state": "paired", "declined",
 * "expired" or "spent"}
 *   {"request": "answer", "code": CODE, "same": BOOL}   on the connection that waits, about the code that was
 * shown
 *
 * Failures: {"error": TEXT, "status": NAME}. After an answer (pair: after the last one) the agent closes.
 * Only root and the agent's own user are heard. */
#ifndef HOSPES_ADMIN_SERVER_H
#define HOSPES_ADMIN_SERVER_H

#include "agent/trust/trust.h"

#define ADMIN_CLIENTS_MAX    8
#define ADMIN_LINE_MAX       4096
#define ADMIN_CLIENT_IDLE_MS 10000 /* one that says nothing, or does not read its answer */

struct admin_server; /* opaque */

/* Makes the folder 0700 when it is missing; takes over a socket that nobody serves. UV_EADDRINUSE: another
 * agent does. On failure a sentence. idle_ms: ADMIN_CLIENT_IDLE_MS but in tests. */
int admin_server_create(struct trust *trust, const char *path, uint64_t idle_ms, struct admin_server **ret,
                        char ret_problem[static TEXT_REASON_MAX + 1]);
/* Ends all clients and frees itself; on_closed never before return. */
void admin_server_close(struct admin_server *server, void (*on_closed)(void *ctx), void *ctx);

#endif
