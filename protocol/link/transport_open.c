/* SPDX-License-Identifier: MIT */
/* Tells sockets from devices by stat(2) and prepares each; moving bytes is mux_link's. */
#include "protocol/link/transport_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/link/socket_dial.h"
#include "protocol/link/unix_peer.h"

static int open_device(const char *path, int *ret_fd, bool *ret_survives_hangup)
{
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return uv_translate_sys_error(errno);
    struct termios modes;
    bool is_terminal = tcgetattr(fd, &modes) == 0;
    if (is_terminal) {
        cfmakeraw(&modes);
        modes.c_cflag |= CLOCAL | CREAD;
        if (tcsetattr(fd, TCSANOW, &modes) < 0) {
            int error = errno;
            close(fd);
            return uv_translate_sys_error(error);
        }
    }
    *ret_fd = fd;
    if (ret_survives_hangup != NULL)
        *ret_survives_hangup = !is_terminal;
    return 0;
}

int transport_open(const char *path, int *ret_fd, bool *ret_survives_hangup)
{
    struct stat info;
    if (stat(path, &info) < 0)
        return uv_translate_sys_error(errno);
    if (S_ISCHR(info.st_mode))
        return open_device(path, ret_fd, ret_survives_hangup);
    if (!S_ISSOCK(info.st_mode))
        return UV_ENOTSOCK;
    if (ret_survives_hangup != NULL)
        *ret_survives_hangup = false;
    bool connecting;
    return socket_dial_unix(path, ret_fd, &connecting);
}

bool transport_is_private(int fd, char *who, size_t who_size)
{
    struct stat info;
    struct unix_peer peer;
    if (fstat(fd, &info) == 0 && S_ISCHR(info.st_mode)) {
        snprintf(who, who_size, "the serial port");
        return true;
    }
    if (unix_peer_of(fd, &peer) < 0) {
        snprintf(who, who_size, "a peer without credentials");
        return false;
    }
    unix_peer_format(&peer, who, who_size);
    return unix_peer_is_own(&peer);
}
