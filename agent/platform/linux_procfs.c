/* SPDX-License-Identifier: MIT */
/* Reads single files and folders of /proc. Which process to look at is left to linux_process. */
#include "agent/platform/linux_procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

#define PIDS_MAX 65536

int procfs_read(int32_t pid, const char *file, void *out, size_t size, size_t *ret_size)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    size_t used = 0;
    int status = 0;
    while (used < size) {
        ssize_t got = read(fd, (char *)out + used, size - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            status = got < 0 ? (errno == ESRCH ? UV_ENOENT : -errno) : 0;
            break;
        }
        used += (size_t)got;
    }
    close(fd);
    if (status == 0)
        *ret_size = used;
    return status;
}

int procfs_parse_stat(const char *text, size_t size, struct process_stat *ret)
{
    /* The name is in parentheses and may hold any character, parentheses too. */
    const char *open_mark = memchr(text, '(', size);
    const char *close_mark = memrchr(text, ')', size);
    if (open_mark == NULL || close_mark == NULL || close_mark < open_mark)
        return UV_EPROTO;
    char rest[512];
    size_t rest_size = size - (size_t)(close_mark + 1 - text);
    if (rest_size >= sizeof(rest))
        rest_size = sizeof(rest) - 1;
    memcpy(rest, close_mark + 1, rest_size);
    rest[rest_size] = '\0';
    int parent;
    unsigned long long start;
    /* fields 3 (state), 4 (ppid), then 5 … 21, and 22 (starttime) */
    if (sscanf(rest, " %*c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
               &parent, &start) != 2)
        return UV_EPROTO;
    size_t name_size = (size_t)(close_mark - open_mark) - 1;
    if (name_size >= sizeof(ret->comm))
        name_size = sizeof(ret->comm) - 1;
    memcpy(ret->comm, open_mark + 1, name_size);
    ret->comm[name_size] = '\0';
    ret->parent = parent;
    ret->start = start;
    return 0;
}

int procfs_stat(int32_t pid, struct process_stat *ret)
{
    char text[1024];
    size_t size;
    int status = procfs_read(pid, "stat", text, sizeof(text), &size);
    return status < 0 ? status : procfs_parse_stat(text, size, ret);
}

int procfs_uid(int32_t pid, uint32_t *ret_uid)
{
    char path[32];
    struct stat attributes;
    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    if (stat(path, &attributes) < 0)
        return -errno;
    *ret_uid = attributes.st_uid;
    return 0;
}

static int compare_descending(const void *left, const void *right)
{
    int32_t a = *(const int32_t *)left;
    int32_t b = *(const int32_t *)right;
    return (a < b) - (a > b);
}

static int32_t parse_number(const char *text)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    bool valid = text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && value <= INT32_MAX;
    return valid ? (int32_t)value : -1;
}

int procfs_pids(int32_t **ret_pids, size_t *ret_count)
{
    DIR *folder = opendir("/proc");
    if (folder == NULL)
        return -errno;
    int32_t *pids = NULL;
    size_t count = 0;
    size_t capacity = 0;
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL && count < PIDS_MAX) {
        int32_t pid = parse_number(entry->d_name);
        if (pid <= 0)
            continue;
        if (count == capacity) {
            capacity = capacity == 0 ? 256 : capacity * 2;
            int32_t *grown = realloc(pids, capacity * sizeof(*grown));
            if (grown == NULL) {
                free(pids);
                closedir(folder);
                return UV_ENOMEM;
            }
            pids = grown;
        }
        pids[count++] = pid;
    }
    closedir(folder);
    if (count > 0)
        qsort(pids, count, sizeof(*pids), compare_descending);
    *ret_pids = pids;
    *ret_count = count;
    return 0;
}

int fd_scan_open(struct fd_scan *scan, int32_t pid)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    scan->folder = opendir(path);
    return scan->folder != NULL ? 0 : -errno;
}

bool fd_scan_next(struct fd_scan *scan, int *ret_fd, uint64_t *ret_inode)
{
    static const char PREFIX[] = "socket:[";
    struct dirent *entry;
    int32_t fd;
    do {
        entry = readdir(scan->folder);
        if (entry == NULL)
            return false;
        fd = parse_number(entry->d_name);
    } while (fd < 0);
    char target[64];
    ssize_t size = readlinkat(dirfd(scan->folder), entry->d_name, target, sizeof(target) - 1);
    *ret_fd = fd;
    *ret_inode = 0;
    if (size <= 0)
        return true;
    target[size] = '\0';
    if (strncmp(target, PREFIX, sizeof(PREFIX) - 1) == 0)
        *ret_inode = strtoull(target + sizeof(PREFIX) - 1, NULL, 10);
    return true;
}

void fd_scan_close(struct fd_scan *scan)
{
    if (scan->folder != NULL)
        closedir(scan->folder);
    scan->folder = NULL;
}

bool procfs_holds_socket(int32_t pid, uint64_t inode, size_t limit)
{
    struct fd_scan scan;
    bool found = false;
    if (fd_scan_open(&scan, pid) < 0)
        return false;
    int fd;
    uint64_t seen;
    for (size_t i = 0; i < limit && !found && fd_scan_next(&scan, &fd, &seen); i++)
        found = seen == inode;
    fd_scan_close(&scan);
    return found;
}

int procfs_v6only(int32_t pid, int fd, bool *ret_v6only)
{
#if defined(SYS_pidfd_open) && defined(SYS_pidfd_getfd)
    int value = 0;
    socklen_t size = sizeof(value);
    int process = (int)syscall(SYS_pidfd_open, pid, 0);
    if (process < 0)
        return -errno;
    int copy = (int)syscall(SYS_pidfd_getfd, process, fd, 0);
    int status = copy < 0 ? -errno : 0;
    if (status == 0 && getsockopt(copy, IPPROTO_IPV6, IPV6_V6ONLY, &value, &size) < 0)
        status = -errno;
    if (copy >= 0)
        close(copy);
    close(process);
    if (status == 0)
        *ret_v6only = value != 0;
    return status;
#else
    return UV_ENOSYS;
#endif
}
