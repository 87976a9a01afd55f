/* SPDX-License-Identifier: MIT */
/* A version 2 group's id is its file handle, so that the kernel finds the folder without a walk. */
#include "agent/platform/linux_cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

#define HANDLE_TYPE_KERNFS 0xfe /* FILEID_KERNFS of linux/exportfs.h, which is not exported */

int cgroup_path_by_id(uint64_t id, char *out, size_t out_size)
{
    _Alignas(struct file_handle) unsigned char storage[sizeof(struct file_handle) + sizeof(id)];
    struct file_handle *handle = (struct file_handle *)storage;
    int root = open(CGROUP_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return -errno;
    handle->handle_bytes = sizeof(id);
    handle->handle_type = HANDLE_TYPE_KERNFS;
    memcpy(storage + sizeof(*handle), &id, sizeof(id));
    int folder = open_by_handle_at(root, handle, O_PATH | O_CLOEXEC);
    int status = folder < 0 ? -errno : 0;
    close(root);
    if (status < 0)
        return status;
    char link[32];
    char path[512];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", folder);
    ssize_t size = readlink(link, path, sizeof(path) - 1);
    close(folder);
    if (size < 0)
        return -errno;
    path[size] = '\0';
    size_t prefix = strlen(CGROUP_ROOT);
    if (strncmp(path, CGROUP_ROOT, prefix) != 0 || (size_t)size - prefix >= out_size)
        return UV_ENOENT;
    memcpy(out, path + prefix, (size_t)size - prefix + 1);
    return 0;
}
