/* SPDX-License-Identifier: MIT */
/* Makes the socket's folder and file, tells a stale file from a live server by connecting to it, accepts
 * clients and reads who they are. Knows nothing of HTTP, and nothing of who may use it.
 *
 * The steps probe, unlink and bind are one under a lock on the folder, so that two bridges that start at the
 * same moment don't take the socket from each other. */
#include "host-bridge/api/unix_listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG            128
#define ACCEPTS_A_WAKEUP   32  /* other handles of the loop get their turn in between */
#define ACCEPT_RETRY_MS    100 /* out of descriptors: a level-triggered socket would spin */
#define HANDLES_A_LISTENER 2

struct unix_listener {
    uv_poll_t poll;
    uv_timer_t retry;
    int fd;
    int open_handles;
    struct sockaddr_un address;
    dev_t device; /* of the socket's file, to know it again */
    ino_t inode;
    unix_listener_client on_client;
    void *ctx;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

static int explain(char *out, int status, const char *what, const char *path)
{
    snprintf(out, TEXT_REASON_MAX + 1, "%s %s: %s", what, path, uv_strerror(status));
    return status;
}

static int system_failure(char *out, const char *what, const char *path)
{
    return explain(out, uv_translate_sys_error(errno), what, path);
}

/* mkdir -p, each new folder 0700. */
static int make_folder(char *path)
{
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash != NULL)
            *slash = '\0';
        int failed = mkdir(path, 0700) != 0 && errno != EEXIST && errno != EROFS;
        int error = errno;
        if (slash != NULL)
            *slash = '/';
        if (failed)
            return uv_translate_sys_error(error);
        if (slash == NULL)
            return 0;
    }
}

/* Lets the group through a folder that is private, or was another group's by an earlier configuration. Any
 * other stays as its owner made it: whether the group gets there is theirs to say. */
static int open_to_group(int fd, const struct stat *facts, gid_t group)
{
    mode_t mode = facts->st_mode & 0777;
    if (facts->st_uid != geteuid() || (mode & ~(mode_t)(S_IRWXU | S_IXGRP)) != 0)
        return 0;
    if (fchown(fd, (uid_t)-1, group) != 0 || fchmod(fd, (facts->st_mode & S_IRWXU) | S_IXGRP) != 0)
        return uv_translate_sys_error(errno);
    return 0;
}

/* Opens the socket's folder and locks it. */
static int lock_folder(const char *socket_path, const gid_t *group, int *ret_fd, char *ret_problem)
{
    char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    snprintf(folder, sizeof(folder), "%s", socket_path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        snprintf(folder, sizeof(folder), ".");
    else
        slash[slash == folder] = '\0';
    int status = make_folder(folder);
    if (status < 0)
        return explain(ret_problem, status, "can't make the folder", folder);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return system_failure(ret_problem, "can't open the folder", folder);
    struct stat facts;
    if (fstat(fd, &facts) != 0 || flock(fd, LOCK_EX) != 0) {
        status = system_failure(ret_problem, "can't lock the folder", folder);
        close(fd);
        return status;
    }
    if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (facts.st_mode & S_ISVTX) == 0) {
        close(fd);
        return explain(ret_problem, UV_EPERM, "others may write to the folder", folder);
    }
    status = group == NULL ? 0 : open_to_group(fd, &facts, *group);
    if (status < 0) {
        close(fd);
        return explain(ret_problem, status, "can't let apiSocketGroup into the folder", folder);
    }
    *ret_fd = fd;
    return 0;
}

/* 0: nothing is there (any more). */
static int remove_stale(const struct sockaddr_un *address, char *ret_problem)
{
    const char *path = address->sun_path;
    struct stat facts;
    if (lstat(path, &facts) != 0)
        return errno == ENOENT ? 0 : system_failure(ret_problem, "can't look at", path);
    if (!S_ISSOCK(facts.st_mode))
        return explain(ret_problem, UV_EEXIST, "not a socket:", path);
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0)
        return system_failure(ret_problem, "can't probe", path);
    int failed = connect(probe, (const struct sockaddr *)address, sizeof(*address));
    int error = errno;
    close(probe);
    if (failed != 0 && error == ENOENT)
        return 0;
    if (failed == 0 || error != ECONNREFUSED) /* EAGAIN: alive, with a full backlog */
        return explain(ret_problem, UV_EADDRINUSE, "another bridge answers on", path);
    if (unlink(path) != 0)
        return system_failure(ret_problem, "can't remove the stale socket", path);
    return 0;
}

/* The folder is ours alone to write, so that the path is the socket. First the group, then its right. */
static int give_to_group(const char *path, const gid_t *group)
{
    return group == NULL || (lchown(path, (uid_t)-1, *group) == 0 && chmod(path, 0660) == 0) ? 0 : -1;
}

static int bind_socket(struct unix_listener *listener, const gid_t *group, char *ret_problem)
{
    const char *path = listener->address.sun_path;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return system_failure(ret_problem, "can't make a socket for", path);
    mode_t mask = umask(0177);
    int failed = bind(fd, (struct sockaddr *)&listener->address, sizeof(listener->address));
    int error = errno;
    umask(mask);
    errno = error;
    struct stat facts;
    if (failed != 0 || give_to_group(path, group) != 0 || listen(fd, BACKLOG) != 0 ||
        lstat(path, &facts) != 0) {
        int status = system_failure(ret_problem, "can't listen on", path);
        close(fd);
        return status;
    }
    listener->fd = fd;
    listener->device = facts.st_dev;
    listener->inode = facts.st_ino;
    return 0;
}

static void handle_readable(uv_poll_t *poll, int status, int events);

static void handle_retry(uv_timer_t *timer)
{
    struct unix_listener *listener = timer->data;
    uv_poll_start(&listener->poll, UV_READABLE, handle_readable);
}

static void admit(struct unix_listener *listener, int fd)
{
    struct unix_peer peer;
    if (unix_peer_of(fd, &peer) < 0)
        close(fd);
    else
        listener->on_client(listener->ctx, listener, fd, &peer);
}

static void handle_readable(uv_poll_t *poll, int status, int events)
{
    struct unix_listener *listener = poll->data;
    for (int i = 0; i < ACCEPTS_A_WAKEUP && uv_is_active((uv_handle_t *)poll); i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            admit(listener, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            uv_poll_stop(poll);
            uv_timer_start(&listener->retry, handle_retry, ACCEPT_RETRY_MS, 0);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

int unix_listener_open(uv_loop_t *loop, const char *path, const gid_t *group, unix_listener_client on_client,
                       void *ctx, struct unix_listener **ret, char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct unix_listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL)
        return explain(ret_problem, UV_ENOMEM, "can't listen on", path);
    listener->address.sun_family = AF_UNIX;
    listener->on_client = on_client;
    listener->ctx = ctx;
    int folder = -1;
    int status = UV_ENAMETOOLONG;
    if (path[0] == '\0' || strlen(path) >= sizeof(listener->address.sun_path)) {
        explain(ret_problem, status, "can't listen on", path);
        goto fail;
    }
    memcpy(listener->address.sun_path, path, strlen(path) + 1);
    status = lock_folder(path, group, &folder, ret_problem);
    if (status == 0)
        status = remove_stale(&listener->address, ret_problem);
    if (status == 0)
        status = bind_socket(listener, group, ret_problem);
    if (folder >= 0)
        close(folder);
    if (status < 0)
        goto fail;
    status = uv_poll_init(loop, &listener->poll, listener->fd);
    if (status < 0) {
        explain(ret_problem, status, "can't watch", path);
        unlink(path);
        close(listener->fd);
        goto fail;
    }
    uv_timer_init(loop, &listener->retry);
    listener->open_handles = HANDLES_A_LISTENER;
    listener->poll.data = listener->retry.data = listener;
    uv_poll_start(&listener->poll, UV_READABLE, handle_readable);
    *ret = listener;
    return 0;
fail:
    free(listener);
    return status;
}

static void handle_closed(uv_handle_t *handle)
{
    struct unix_listener *listener = handle->data;
    if (--listener->open_handles > 0)
        return;
    void (*on_closed)(void *ctx) = listener->on_closed;
    void *ctx = listener->closed_ctx;
    free(listener);
    if (on_closed != NULL)
        on_closed(ctx);
}

void unix_listener_close(struct unix_listener *listener, void (*on_closed)(void *ctx), void *ctx)
{
    listener->on_closed = on_closed;
    listener->closed_ctx = ctx;
    uv_close((uv_handle_t *)&listener->poll, handle_closed);
    uv_close((uv_handle_t *)&listener->retry, handle_closed);
    close(listener->fd);
    struct stat facts;
    if (lstat(listener->address.sun_path, &facts) == 0 && facts.st_dev == listener->device &&
        facts.st_ino == listener->inode)
        unlink(listener->address.sun_path);
}
