/* SPDX-License-Identifier: MIT */
/* The admin socket is the owner's alone. What is said over it is admin_server.c's and admin_client.c's. */
#include "agent/trust/admin_socket.h"

#include "agent/local_socket.h"

int admin_socket_listen(const char *path, int *ret_fd, char ret_problem[static TEXT_REASON_MAX + 1])
{
    return local_socket_listen(path, 0600, ret_fd, ret_problem);
}

int admin_socket_connect(const char *path, int *ret_fd)
{
    return local_socket_connect(path, ret_fd);
}
