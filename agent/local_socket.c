/* SPDX-License-Identifier: MIT */
/* Binds and reaches Unix sockets. What is said over them is their servers' and clients'. */
#include "agent/local_socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "protocol/link/unix_peer.h"
#include "services/identity/private_file.h"

#define BACKLOG 16

static int failure(void)
{
    return uv_translate_sys_error(errno);
}

static int explain(char *out, int status, const char *path)
{
    const char *text = status == STATUS_NOT_ALLOWED ? "others may change its folder"
                       : status == UV_EADDRINUSE    ? "another agent serves it"
                       : status == UV_EEXIST        ? "something that is no socket has its place"
                                                    : status_text(status);
    snprintf(out, TEXT_REASON_MAX + 1, "%.150s: %s", path, text);
    return status;
}

static int make_address(const char *path, struct sockaddr_un *ret)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof(ret->sun_path))
        return size == 0 ? UV_ENOENT : UV_ENAMETOOLONG;
    memcpy(ret->sun_path, path, size + 1);
    return 0;
}

static int prepare_folder(const struct sockaddr_un *address, int *ret_lock)
{
    char folder[sizeof(address->sun_path)];
    memcpy(folder, address->sun_path, sizeof(folder));
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        memcpy(folder, ".", 2);
    else
        slash[slash == folder] = '\0';
    int fd;
    int status = private_folder_open(folder, true, &fd);
    if (status < 0)
        return status;
    status = private_folder_lock(
        fd, ret_lock); /* two agents that start at once must not take it from each other */
    close(fd);
    return status;
}

static int remove_stale(const struct sockaddr_un *address)
{
    struct stat facts;
    if (lstat(address->sun_path, &facts) < 0)
        return errno == ENOENT ? 0 : failure();
    if (!S_ISSOCK(facts.st_mode))
        return UV_EEXIST;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return failure();
    int status = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? failure() : 0;
    close(fd);
    if (status != UV_ECONNREFUSED && status != UV_ENOENT)
        return UV_EADDRINUSE;
    return unlink(address->sun_path) < 0 && errno != ENOENT ? failure() : 0;
}

/* Nobody can connect before listen(2), so the rights may follow bind(2). */
static int bind_and_listen(const struct sockaddr_un *address, mode_t mode, int *ret_fd)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return failure();
    if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ||
        chmod(address->sun_path, mode) < 0 || listen(fd, BACKLOG) < 0) {
        int status = failure();
        close(fd);
        return status;
    }
    *ret_fd = fd;
    return 0;
}

int local_socket_listen(const char *path, mode_t mode, int *ret_fd,
                        char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct sockaddr_un address;
    int lock;
    int status = make_address(path, &address);
    if (status == 0)
        status = prepare_folder(&address, &lock);
    if (status < 0)
        return explain(ret_problem, status, path);
    status = remove_stale(&address);
    if (status == 0)
        status = bind_and_listen(&address, mode, ret_fd);
    close(lock);
    return status < 0 ? explain(ret_problem, status, path) : 0;
}

int local_socket_connect(const char *path, int *ret_fd)
{
    struct sockaddr_un address;
    struct unix_peer peer;
    int status = make_address(path, &address);
    if (status < 0)
        return status;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return failure();
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        status = failure();
    else
        status = unix_peer_of(fd, &peer);
    if (status == 0 && !unix_peer_is_own(&peer))
        status = STATUS_NOT_ALLOWED;
    if (status < 0) {
        close(fd);
        return status;
    }
    *ret_fd = fd;
    return 0;
}
