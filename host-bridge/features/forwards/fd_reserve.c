/* SPDX-License-Identifier: MIT */
/* The spare descriptor. When to use it is listener.c. */
#include "host-bridge/features/forwards/fd_reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

void fd_reserve_init(struct fd_reserve *reserve)
{
    reserve->fd = -1;
}

bool fd_reserve_fill(struct fd_reserve *reserve)
{
    if (reserve->fd < 0)
        reserve->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return reserve->fd >= 0;
}

void fd_reserve_finish(struct fd_reserve *reserve)
{
    if (reserve->fd >= 0)
        close(reserve->fd);
    reserve->fd = -1;
}

int fd_reserve_refuse(struct fd_reserve *reserve, int listen_fd)
{
    fd_reserve_finish(reserve);
    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
    fd_refuse(fd);
    return 1;
}

void fd_refuse(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(fd);
}
