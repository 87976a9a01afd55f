/* SPDX-License-Identifier: MIT */
/* Binds the agent's sockets and checks peers by what the kernel says of them. */
#include "protocol/link/socket_listen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>
#ifdef __linux__
#include <linux/vm_sockets.h>
#endif

#include "protocol/link/socket_dial.h"

#define BACKLOG 4096 /* the kernel cuts it at somaxconn */

static int fail(int fd)
{
    int error = errno;
    close(fd);
    return uv_translate_sys_error(error);
}

/* True when the path is a socket that nobody listens on any more. */
static bool is_stale(const char *path)
{
    struct stat info;
    if (lstat(path, &info) < 0 || !S_ISSOCK(info.st_mode))
        return false;
    int fd;
    bool connecting;
    int status = socket_dial_unix(path, &fd, &connecting);
    if (status == 0)
        close(fd);
    return status == UV_ECONNREFUSED;
}

int socket_listen_unix(const char *path, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(path);
    if (size >= sizeof(address.sun_path))
        return UV_ENAMETOOLONG;
    memcpy(address.sun_path, path, size + 1);
    if (is_stale(path))
        unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return uv_translate_sys_error(errno);
    mode_t mask = umask(0177);
    int result = bind(fd, (const struct sockaddr *)&address, sizeof(address));
    int error = errno;
    umask(mask);
    errno = error;
    if (result < 0 || listen(fd, BACKLOG) < 0)
        return fail(fd);
    *ret_fd = fd;
    return 0;
}

#ifdef __linux__

int socket_listen_vsock(uint32_t port, int *ret_fd)
{
    struct sockaddr_vm address = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = port};
    int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return uv_translate_sys_error(errno);
    socket_vsock_widen(fd);
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, BACKLOG) < 0)
        return fail(fd);
    *ret_fd = fd;
    return 0;
}

static bool vsock_peer_is_allowed(int fd, bool loopback_allowed, char *who, size_t who_size)
{
    struct sockaddr_vm peer = {0};
    socklen_t size = sizeof(peer);
    if (getpeername(fd, (struct sockaddr *)&peer, &size) < 0) {
        snprintf(who, who_size, "a vsock peer that is gone");
        return false;
    }
    snprintf(who, who_size, "vsock CID %u", peer.svm_cid);
    return peer.svm_cid == VMADDR_CID_HOST || (loopback_allowed && peer.svm_cid == VMADDR_CID_LOCAL);
}

#else

int socket_listen_vsock(uint32_t port, int *ret_fd)
{
    return UV_ENOTSUP;
}

static bool vsock_peer_is_allowed(int fd, bool loopback_allowed, char *who, size_t who_size)
{
    return false;
}

#endif

static bool unix_peer_is_allowed(int fd, char *who, size_t who_size)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
        snprintf(who, who_size, "a peer without credentials");
        return false;
    }
    snprintf(who, who_size, "uid %u (pid %d)", (unsigned)peer.uid, (int)peer.pid);
    return peer.uid == geteuid() || peer.uid == 0;
}

bool socket_peer_is_allowed(int fd, bool loopback_allowed, char *who, size_t who_size)
{
    int family = 0;
    socklen_t size = sizeof(family);
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) < 0)
        return false;
    return family == AF_UNIX ? unix_peer_is_allowed(fd, who, who_size)
                             : vsock_peer_is_allowed(fd, loopback_allowed, who, who_size);
}
