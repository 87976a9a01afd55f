/* SPDX-License-Identifier: MIT */
/* Files 0600 and their folder. What is in them is their owners'. */
#include "services/identity/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"

#define LOCK_NAME    ".lock"
#define RIGHTS_OTHER (S_IRWXG | S_IRWXO)

static int failure(void)
{
    return uv_translate_sys_error(errno);
}

static bool is_trusted_owner(uid_t owner)
{
    return owner == geteuid() || owner == 0;
}

/* mkdir -p */
static int make_folder(const char *path)
{
    char part[PATH_MAX];
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof(part))
        return size == 0 ? UV_ENOENT : UV_ENAMETOOLONG;
    for (size_t end = 1; end <= size; end++) {
        if (path[end] != '/' && path[end] != '\0')
            continue;
        memcpy(part, path, end);
        part[end] = '\0';
        if (mkdir(part, 0700) < 0 && errno != EEXIST) {
            int error = failure();
            struct stat facts;
            if (stat(part, &facts) < 0) /* read-only systems say EROFS of folders that are there */
                return error;
        }
    }
    return 0;
}

int private_folder_open(const char *path, bool make, int *ret_fd)
{
    int status = make ? make_folder(path) : 0;
    if (status < 0)
        return status;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return failure();
    struct stat facts;
    if (fstat(fd, &facts) < 0) {
        status = failure();
    } else {
        bool by_group = (facts.st_mode & S_IWGRP) != 0 && facts.st_gid != getegid();
        bool by_others = (facts.st_mode & S_IWOTH) != 0;
        /* In a sticky folder others can't replace what is ours, and what they plant fails its own check. */
        bool sticky = (facts.st_mode & S_ISVTX) != 0;
        if (!is_trusted_owner(facts.st_uid) || ((by_group || by_others) && !sticky))
            status = STATUS_NOT_ALLOWED;
    }
    if (status < 0) {
        close(fd);
        return status;
    }
    *ret_fd = fd;
    return 0;
}

int private_folder_lock(int folder, int *ret_lock)
{
    /* A file, not the folder: whoever may read the folder could hold that for ever. */
    int fd = openat(folder, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd < 0)
        return failure();
    int status;
    do
        status = flock(fd, LOCK_EX) < 0 ? failure() : 0;
    while (status == UV_EINTR);
    if (status < 0) {
        close(fd);
        return status;
    }
    *ret_lock = fd;
    return 0;
}

static int read_whole(int fd, uint8_t *out, size_t max, size_t *ret_size)
{
    size_t size = 0;
    for (;;) {
        uint8_t beyond;
        ssize_t got = size < max ? read(fd, out + size, max - size) : read(fd, &beyond, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failure();
        if (got == 0)
            break;
        if (size == max)
            return STATUS_TOO_LARGE;
        size += (size_t)got;
    }
    *ret_size = size;
    return 0;
}

int private_file_read(int folder, const char *name, void *out, size_t max, size_t *ret_size)
{
    /* O_NONBLOCK: a pipe in its place must not stop the program. */
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ELOOP || errno == ENXIO ? STATUS_NOT_ALLOWED : failure();
    struct stat facts;
    int status;
    if (fstat(fd, &facts) < 0)
        status = failure();
    else if (!S_ISREG(facts.st_mode) || !is_trusted_owner(facts.st_uid) ||
             (facts.st_mode & RIGHTS_OTHER) != 0)
        status = STATUS_NOT_ALLOWED;
    else
        status = read_whole(fd, out, max, ret_size);
    close(fd);
    return status;
}

static int write_whole(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, data, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return failure();
        data += done;
        size -= (size_t)done;
    }
    return 0;
}

static int write_new(int folder, const char *name, const void *data, size_t size)
{
    unlinkat(folder, name, 0); /* the remains of one that was interrupted */
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return failure();
    int status = fchmod(fd, 0600) < 0 ? failure() : write_whole(fd, data, size);
    if (status == 0 && fsync(fd) < 0)
        status = failure();
    if (close(fd) < 0 && status == 0)
        status = failure();
    return status;
}

int private_file_replace(int folder, const char *name, const void *data, size_t size)
{
    char beside[NAME_MAX + 1];
    if (snprintf(beside, sizeof(beside), ".%s.new", name) >= (int)sizeof(beside))
        return UV_ENAMETOOLONG;
    int status = write_new(folder, beside, data, size);
    if (status == 0 && renameat(folder, beside, folder, name) < 0)
        status = failure();
    if (status < 0) {
        unlinkat(folder, beside, 0);
        return status;
    }
    return fsync(folder) < 0 && errno != EINVAL ? failure() : 0; /* EINVAL: a file system without it */
}
