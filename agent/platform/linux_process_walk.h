/* SPDX-License-Identifier: MIT */
/* A walk over the descriptors of all processes that can stop anywhere and go on later. */
#ifndef HOSPES_LINUX_PROCESS_WALK_H
#define HOSPES_LINUX_PROCESS_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/platform/linux_procfs.h"

#define WALK_UIDS_MAX 16

struct process_walk {
    int32_t *pids; /* NULL = no walk under way */
    size_t count;
    size_t at;
    bool second_pass; /* the first visits the wanted users' processes, the second all others */
    size_t uid_count; /* 0 = everybody's in one pass */
    uint32_t uids[WALK_UIDS_MAX];
    struct fd_scan scan;
};

/* uid_count <= WALK_UIDS_MAX. */
int process_walk_begin(struct process_walk *walk, const uint32_t *uids, size_t uid_count);
void process_walk_end(struct process_walk *walk);
bool process_walk_is_active(const struct process_walk *walk);

/* Visits descriptors until on_socket returns false (enough), the deadline (uv_hrtime) has passed, or all are
 * seen. True when all are seen. */
bool process_walk_step(struct process_walk *walk, uint64_t deadline_ns,
                       bool (*on_socket)(void *ctx, int32_t pid, int fd, uint64_t inode), void *ctx);

#endif
