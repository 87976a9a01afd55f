/* SPDX-License-Identifier: MIT */
/* The Unix socket on which every user of the guest reaches the agent. Newline-delimited JSON:
 *
 *   {"request": "offer", "paths": [ABSOLUTE …], "wait": BOOL}
 *        → {"id", "state": "offered", "name", "roots", "files", "bytes"}; with wait then, at most 4 a second,
 *          {"state": "moving", "bytes": N} and {"state": "offered"} when that broke off, and at last
 *          {"state": "taken", "declined", "withdrawn" or "failed", "problem"}
 *   {"request": "offers"}               → {"offers": [{"id", "name", "roots", "files", "bytes", "created"}
 * …]}: one's own
 *   {"request": "withdraw", "id": N}    → {"state": "withdrawn"}
 *
 * Failures: {"error": TEXT, "status": NAME}. After an answer (with wait: after the last one) the agent
 * closes. Who asks is what the kernel says of the peer. */
#ifndef HOSPES_SESSION_SOCKET_H
#define HOSPES_SESSION_SOCKET_H

#include "agent/features/offers/offers.h"

#define SESSION_CLIENTS_MAX        64
#define SESSION_CLIENTS_A_USER_MAX 8
#define SESSION_LINE_MAX           65536
#define SESSION_CLIENT_IDLE_MS     10000 /* one that says nothing, or does not read its answer */
#define SESSION_PROGRESS_MS        250

struct session_socket; /* opaque */

struct session_socket_options {
    uv_loop_t *uv;
    struct offers *offers; /* borrowed; NULL: the class "files" is switched off */
    const char *path;
    uint64_t idle_ms; /* SESSION_CLIENT_IDLE_MS but in tests */
};

/* Before anything else is made in the folder: it is made 0755, so that all users can pass through it. */
void session_socket_prepare(const char *path);
/* UV_EADDRINUSE: another agent serves it. On failure a sentence. */
int session_socket_create(const struct session_socket_options *options, struct session_socket **ret,
                          char ret_problem[static TEXT_REASON_MAX + 1]);
/* Ends all clients; frees itself. NULL allowed. */
void session_socket_close(struct session_socket *socket);
/* What became of an offer. NULL allowed. */
void session_socket_tell(struct session_socket *socket, uint64_t offer, enum offer_news news, uint64_t bytes,
                         const char *problem);

#endif
