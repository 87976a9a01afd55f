/* SPDX-License-Identifier: MIT */
/* Order and pace of the walk. What is looked for is left to linux_process. */
#include "agent/platform/linux_process_walk.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define LINKS_A_CLOCK_LOOK 32 /* about 0.1 ms */

int process_walk_begin(struct process_walk *walk, const uint32_t *uids, size_t uid_count)
{
    memset(walk, 0, sizeof(*walk));
    int status = procfs_pids(&walk->pids, &walk->count);
    if (status < 0)
        return status;
    memcpy(walk->uids, uids, uid_count * sizeof(*uids));
    walk->uid_count = uid_count;
    walk->second_pass = uid_count == 0;
    return 0;
}

void process_walk_end(struct process_walk *walk)
{
    fd_scan_close(&walk->scan);
    free(walk->pids);
    memset(walk, 0, sizeof(*walk));
}

bool process_walk_is_active(const struct process_walk *walk)
{
    return walk->pids != NULL;
}

static bool is_wanted_uid(const struct process_walk *walk, int32_t pid)
{
    uint32_t uid;
    if (procfs_uid(pid, &uid) < 0)
        return false;
    for (size_t i = 0; i < walk->uid_count; i++) {
        if (walk->uids[i] == uid)
            return true;
    }
    return false;
}

/* Opens the next process that this pass visits; false when both passes are over. */
static bool open_next(struct process_walk *walk, uint64_t deadline_ns, int32_t *ret_pid)
{
    for (;;) {
        if (walk->at == walk->count) {
            if (walk->second_pass)
                return false;
            walk->second_pass = true;
            walk->at = 0;
        }
        while (walk->at < walk->count) {
            int32_t pid = walk->pids[walk->at++];
            bool visit = walk->uid_count == 0 || is_wanted_uid(walk, pid) != walk->second_pass;
            if (visit && fd_scan_open(&walk->scan, pid) == 0) {
                *ret_pid = pid;
                return true;
            }
            if (uv_hrtime() >= deadline_ns) {
                *ret_pid = 0;
                return true;
            }
        }
    }
}

bool process_walk_step(struct process_walk *walk, uint64_t deadline_ns,
                       bool (*on_socket)(void *ctx, int32_t pid, int fd, uint64_t inode), void *ctx)
{
    unsigned links = 0;
    for (;;) {
        int32_t pid = walk->at > 0 ? walk->pids[walk->at - 1] : 0;
        if (walk->scan.folder == NULL && !open_next(walk, deadline_ns, &pid))
            return true;
        if (walk->scan.folder == NULL)
            return false;
        int fd;
        uint64_t inode;
        while (fd_scan_next(&walk->scan, &fd, &inode)) {
            if (inode != 0 && !on_socket(ctx, pid, fd, inode))
                return false;
            if (++links % LINKS_A_CLOCK_LOOK == 0 && uv_hrtime() >= deadline_ns)
                return false;
        }
        fd_scan_close(&walk->scan);
        if (uv_hrtime() >= deadline_ns)
            return false;
    }
}
