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
#include "protocol/link/tcp_socket.h"
#include "protocol/link/unix_peer.h"

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

static void look_at_vsock(int fd, bool loopback_allowed, struct socket_peer *ret)
{
    struct sockaddr_vm peer = {0};
    socklen_t size = sizeof(peer);
    if (getpeername(fd, (struct sockaddr *)&peer, &size) < 0) {
        snprintf(ret->who, sizeof(ret->who), "a vsock peer that is gone");
        return;
    }
    snprintf(ret->who, sizeof(ret->who), "vsock CID %u", peer.svm_cid);
    ret->is_private = peer.svm_cid == VMADDR_CID_HOST;
    ret->is_allowed = ret->is_private || (loopback_allowed && peer.svm_cid == VMADDR_CID_LOCAL);
}

#else

int socket_listen_vsock(uint32_t port, int *ret_fd)
{
    return UV_ENOTSUP;
}

static void look_at_vsock(int fd, bool loopback_allowed, struct socket_peer *ret) {}

#endif

int socket_listen_tcp(const char *address, uint32_t port, int *ret_fd)
{
    struct tcp_address parsed;
    int status = tcp_address_parse(address, (uint16_t)port, &parsed);
    return status < 0 ? status : tcp_socket_listen(&parsed, ret_fd);
}

static void look_at_unix(int fd, struct socket_peer *ret)
{
    struct unix_peer peer;
    if (unix_peer_of(fd, &peer) < 0) {
        snprintf(ret->who, sizeof(ret->who), "a peer without credentials");
        return;
    }
    unix_peer_format(&peer, ret->who, sizeof(ret->who));
    ret->is_private = ret->is_allowed = unix_peer_is_own(&peer);
}

void socket_peer_look(int fd, bool loopback_allowed, struct socket_peer *ret)
{
    struct sockaddr_storage own = {0};
    socklen_t size = sizeof(own);
    *ret = (struct socket_peer){.who = "an unknown peer"};
    if (getsockname(fd, (struct sockaddr *)&own, &size) < 0)
        return;
    switch (own.ss_family) {
    case AF_UNIX:
        look_at_unix(fd, ret);
        break;
    case AF_INET:
    case AF_INET6:
        ret->is_allowed = true;
        tcp_socket_format_peer(fd, ret->who, sizeof(ret->who));
        break;
    default:
        look_at_vsock(fd, loopback_allowed, ret);
    }
}
