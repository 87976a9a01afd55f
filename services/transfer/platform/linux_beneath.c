/* SPDX-License-Identifier: MIT */
/* openat2(2) resolves a whole path beneath a folder in one call. Where the kernel lacks it (before 5.6), or a
 * filter of system calls hides it, the path is walked: each component is opened without following links. */
#include "services/transfer/platform/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)

static atomic_bool is_missing; /* openat2: found out once, for all threads */

int beneath_walk_folder(int folder, const char *path, int *ret_fd)
{
    int at = folder;
    for (;;) {
        size_t size = strcspn(path, "/");
        char name[NAME_MAX + 1];
        int fd = -1;
        if (size == 0 || size > NAME_MAX) {
            errno = size == 0 ? EINVAL : ENAMETOOLONG;
        } else {
            memcpy(name, path, size);
            name[size] = '\0';
            if (strcmp(name, "..") == 0)
                errno = EXDEV;
            else
                fd = openat(at, name, FOLDER_FLAGS);
        }
        int error = errno;
        if (at != folder)
            close(at);
        if (fd < 0)
            return uv_translate_sys_error(error);
        at = fd;
        path += size;
        if (*path == '\0')
            break;
        path++;
    }
    *ret_fd = at;
    return 0;
}

int beneath_open_folder(int folder, const char *path, int *ret_fd)
{
    if (strchr(path, '/') == NULL || atomic_load_explicit(&is_missing, memory_order_relaxed))
        return beneath_walk_folder(folder, path, ret_fd); /* one component: the same, and cheaper */
    struct open_how how = {.flags = FOLDER_FLAGS,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    for (int tries = 0; tries < 16; tries++) { /* EAGAIN: something was renamed on the way */
        long fd = syscall(SYS_openat2, folder, path, &how, sizeof(how));
        if (fd >= 0) {
            *ret_fd = (int)fd;
            return 0;
        }
        if (errno != EAGAIN && errno != EINTR)
            break;
    }
    if (errno != ENOSYS && errno != EPERM && errno != EAGAIN)
        return uv_translate_sys_error(errno);
    if (errno == ENOSYS)
        atomic_store_explicit(&is_missing, true, memory_order_relaxed);
    return beneath_walk_folder(folder, path, ret_fd);
}
