/* SPDX-License-Identifier: MIT */
/* Makes the sockets of unix, hybrid and vsock links. AF_VSOCK is Linux's; elsewhere it is refused by name. */
#include "protocol/link/socket_dial.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>
#ifdef __linux__
#include <linux/vm_sockets.h>
#endif

#include "protocol/base/status.h"

#define VSOCK_BUFFER_BYTES (4ULL * 1024 * 1024)

static int start_connect(int fd, const struct sockaddr *address, socklen_t size, int *ret_fd,
                         bool *ret_connecting)
{
    int result;
    do
        result = connect(fd, address, size);
    while (result < 0 && errno == EINTR);
    if (result < 0 && errno != EINPROGRESS) {
        int error = errno;
        close(fd);
        return error == EAGAIN ? STATUS_LIMIT : uv_translate_sys_error(error);
    }
    *ret_fd = fd;
    *ret_connecting = result < 0;
    return 0;
}

int socket_dial_unix(const char *path, int *ret_fd, bool *ret_connecting)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(path);
    if (size >= sizeof(address.sun_path))
        return UV_ENAMETOOLONG;
    memcpy(address.sun_path, path, size + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return uv_translate_sys_error(errno);
    return start_connect(fd, (const struct sockaddr *)&address, sizeof(address), ret_fd, ret_connecting);
}

int socket_vsock_connect_error(int error)
{
    switch (error) {
    case UV_ENODEV:
        return STATUS_NO_SUCH_VM;
    case UV_ETIMEDOUT:
        return STATUS_DRIVER_DOWN;
    case UV_ECONNRESET:
    case UV_ECONNREFUSED:
        return STATUS_NO_AGENT;
    default:
        return error;
    }
}

#ifdef __linux__

void socket_vsock_widen(int fd)
{
    unsigned long long size = VSOCK_BUFFER_BYTES;
    setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE, &size, sizeof(size));
    setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &size, sizeof(size));
}

int socket_dial_vsock(uint32_t cid, uint32_t port, int *ret_fd, bool *ret_connecting)
{
    struct sockaddr_vm address = {.svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port};
    int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return uv_translate_sys_error(errno);
    socket_vsock_widen(fd);
    return socket_vsock_connect_error(
        start_connect(fd, (const struct sockaddr *)&address, sizeof(address), ret_fd, ret_connecting));
}

#else

void socket_vsock_widen(int fd) {}

int socket_dial_vsock(uint32_t cid, uint32_t port, int *ret_fd, bool *ret_connecting)
{
    return UV_ENOTSUP;
}

#endif
