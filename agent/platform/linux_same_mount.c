/* SPDX-License-Identifier: MIT */
/* openat2(2), and what does nearly the same on kernels without it. */
#include "agent/platform/same_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A mount of the same file system is not noticed. */
static int enter_by_device(int folder, const char *name)
{
    struct stat above, info;
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -1;
    if (fstat(folder, &above) == 0 && fstat(fd, &info) == 0 && above.st_dev == info.st_dev)
        return fd;
    close(fd);
    errno = EXDEV;
    return -1;
}

int same_mount_enter(int folder, const char *name)
{
    struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
                           .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH};
    long fd = syscall(SYS_openat2, folder, name, &how, sizeof(how));
    if (fd < 0 && (errno == ENOSYS || errno == EPERM)) /* older kernels; filters that don't know it */
        return enter_by_device(folder, name);
    return (int)fd;
}
