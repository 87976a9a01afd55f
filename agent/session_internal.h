/* SPDX-License-Identifier: MIT */
/* The session socket's clients. Within session_*.c only. */
#ifndef HOSPES_SESSION_INTERNAL_H
#define HOSPES_SESSION_INTERNAL_H

#include "agent/line_client.h"
#include "agent/session_socket.h"

struct session_socket {
    struct session_socket_options options;
    uv_pipe_t pipe;
    char *path;
    struct session_client *first;
    size_t count; /* clients that are served, and those that are closing */
    bool closing, pipe_closed;
};

struct session_client {
    struct session_socket *socket;
    struct session_client *next;
    struct line_client link;
    int parts; /* the link, and an addition under way */
    uid_t uid;
    bool counted; /* among its user's */
    bool adds, wait;
    uint64_t offer; /* it waits for; 0: none */
    uint64_t moved, told_ms;
    char line[SESSION_LINE_MAX]; /* the link's */
};

/* Clients. */
void session_client_accept(struct session_socket *socket);
void session_client_release(struct session_client *client); /* one part less */
void session_client_free_if_done(struct session_socket *socket);

/* Requests: `line` without its end. */
void session_take_request(struct session_client *client, const char *line, size_t size);
void session_tell_client(struct session_client *client, enum offer_news news, uint64_t bytes,
                         const char *problem);

#endif
