/* SPDX-License-Identifier: MIT */
/* The owner's side of the admin socket: blocking, for the program's own commands. */
#ifndef HOSPES_ADMIN_CLIENT_H
#define HOSPES_ADMIN_CLIENT_H

#include <jansson.h>
#include <stddef.h>

#define ADMIN_ANSWER_MAX        (256 * 1024) /* 128 hosts with every character escaped take less than half of it */
#define ADMIN_ANSWER_TIMEOUT_MS 10000

struct admin_connection {
    int fd;
    char *bytes; /* ADMIN_ANSWER_MAX */
    size_t size;
};

/* UV_ENOENT, UV_ECONNREFUSED: no agent runs. Others as admin_socket_connect; UV_ENOMEM. */
int admin_connection_open(struct admin_connection *connection, const char *path);
void admin_connection_close(struct admin_connection *connection);

/* Takes `request`. UV_ENOMEM, UV_E…. */
int admin_connection_send(struct admin_connection *connection, json_t *request);
/* The next answer; json_decref it. UV_EOF: the agent has closed; UV_ETIMEDOUT; UV_EAGAIN: `other_fd` (-1:
 * none) can be read before one came; STATUS_MALFORMED. timeout_ms < 0: none. */
int admin_connection_receive(struct admin_connection *connection, int timeout_ms, int other_fd, json_t **ret);

#endif
