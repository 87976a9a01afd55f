/* SPDX-License-Identifier: MIT */
/* Finds tracefs, mounting it at its usual place when nobody has. */
#include "agent/platform/linux_tracefs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>
#include <uv.h>

#define TRACEFS_PATH "/sys/kernel/tracing"

static int read_id(const char *root, const char *system, const char *event, uint64_t *ret_id)
{
    char path[192];
    int length = snprintf(path, sizeof(path), "%s/events/%s/%s/id", root, system, event);
    if (length < 0 || (size_t)length >= sizeof(path))
        return UV_ENAMETOOLONG;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    char text[32];
    ssize_t size = read(fd, text, sizeof(text) - 1);
    int status = size < 0 ? -errno : 0;
    close(fd);
    if (status < 0)
        return status;
    text[size] = '\0';
    char *end;
    errno = 0;
    unsigned long long id = strtoull(text, &end, 10);
    if (errno != 0 || end == text)
        return UV_EPROTO;
    *ret_id = id;
    return 0;
}

int tracefs_event_id(const char *system, const char *event, uint64_t *ret_id)
{
    int status = read_id(TRACEFS_PATH, system, event, ret_id);
    if (status == 0)
        return 0;
    if (read_id("/sys/kernel/debug/tracing", system, event, ret_id) == 0)
        return 0;
    if (status != UV_ENOENT || access(TRACEFS_PATH "/events", F_OK) == 0)
        return status;
    if (mount("tracefs", TRACEFS_PATH, "tracefs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        return errno == EPERM ? UV_EACCES : UV_ENOENT;
    return read_id(TRACEFS_PATH, system, event, ret_id);
}
