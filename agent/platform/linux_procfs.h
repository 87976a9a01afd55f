/* SPDX-License-Identifier: MIT */
/* What /proc says about one process (proc(5)). The answers are a moment old: a pid may be another process by
 * the next call; the start time tells. */
#ifndef HOSPES_LINUX_PROCFS_H
#define HOSPES_LINUX_PROCFS_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct process_stat {
    int32_t parent;
    uint64_t start; /* clock ticks since boot */
    char comm[16];  /* any bytes, terminated */
};

/* UV_ENOENT when there is no such process. */
int procfs_stat(int32_t pid, struct process_stat *ret);

/* Pure: the text of /proc/PID/stat. UV_EPROTO. */
int procfs_parse_stat(const char *text, size_t size, struct process_stat *ret);

/* Reads up to `size` bytes of /proc/PID/FILE. */
int procfs_read(int32_t pid, const char *file, void *out, size_t size, size_t *ret_size);

/* The effective user, or root for a process that does not let itself be looked at. */
int procfs_uid(int32_t pid, uint32_t *ret_uid);

/* All pids, newest (highest) first; free(3) it. At most 65,536. */
int procfs_pids(int32_t **ret_pids, size_t *ret_count);

/* The open descriptors of a process, one after another. */
struct fd_scan {
    DIR *folder; /* NULL = not open */
};

/* UV_EACCES when this process may not look. */
int fd_scan_open(struct fd_scan *scan, int32_t pid);
/* False at the end. *ret_inode is 0 for a descriptor that is no socket. */
bool fd_scan_next(struct fd_scan *scan, int *ret_fd, uint64_t *ret_inode);
void fd_scan_close(struct fd_scan *scan);

/* True when one of the first `limit` descriptors of `pid` is this socket. */
bool procfs_holds_socket(int32_t pid, uint64_t inode, size_t limit);

/* IPV6_V6ONLY of another process's socket: pidfd_getfd(2), where the kernel has it and allows it. */
int procfs_v6only(int32_t pid, int fd, bool *ret_v6only);

#endif
