/* SPDX-License-Identifier: MIT */
/* fw_cfg's items in sysfs (the module qemu_fw_cfg). What they mean is their readers'. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

#include "agent/platform/firmware_config.h"
#include "protocol/base/status.h"

int firmware_config_read(const char *root, const char *name, void *out, size_t max, size_t *ret_size)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s/sys/firmware/qemu_fw_cfg/by_name/%s/raw", root, name);
    if (length < 0 || (size_t)length >= sizeof(path))
        return UV_ENAMETOOLONG;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOTDIR ? UV_ENOENT : uv_translate_sys_error(errno);
    size_t size = 0;
    int status = 0;
    while (status == 0) {
        char beyond;
        ssize_t got = size < max ? read(fd, (char *)out + size, max - size) : read(fd, &beyond, 1);
        if (got == 0)
            break;
        if (got < 0)
            status = errno == EINTR ? 0 : uv_translate_sys_error(errno);
        else if (size == max)
            status = STATUS_TOO_LARGE;
        else
            size += (size_t)got;
    }
    close(fd);
    if (status == 0)
        *ret_size = size;
    return status;
}
