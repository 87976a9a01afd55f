/* SPDX-License-Identifier: MIT */
/* Whose is a socket? Keeps, for the sockets of the last look, the process that holds each, and searches /proc
 * for the new ones a bounded slice at a time: first the processes that a trace named, then those that held
 * sockets before, then the socket's user's, newest first, then all. Of several holders the topmost parent is
 * taken, which is stable for servers that fork workers. */
#ifndef HOSPES_LINUX_PROCESS_H
#define HOSPES_LINUX_PROCESS_H

#include "agent/platform/socket_list.h"

struct process_finder;

struct socket_owner {
    uint64_t inode;
    uint64_t cookie;
    uint64_t cgroup_id;
    uint32_t uid;
    int32_t pid;      /* 0 = not known */
    uint64_t start;   /* of the process, to tell it from a later one with the same pid */
    uint64_t version; /* never 0; another one whenever something here or the process's name changes */
    char comm[16];
    bool v6only_known; /* asked of the process, for sockets whose list did not tell */
    bool v6only;
    /* the finder's own */
    bool ask_v6only;
    uint8_t attempts;
    uint64_t retry_at_ms;
    uint64_t known_since_walk;
};

int process_finder_create(struct process_finder **ret);
void process_finder_destroy(struct process_finder *finder);

/* The process that probably owns the next new socket. */
void process_finder_hint(struct process_finder *finder, int32_t pid);

/* From now on these are the sockets; what is known of those that stay is kept. UV_ENOMEM leaves all as it
 * was. */
int process_finder_track(struct process_finder *finder, const struct socket_list *tcp,
                         const struct socket_list *udp);

/* Searches for at most about `budget_us`. True when nothing is left to search now; false: call again soon.
 * Sockets that nobody holds, or whose holder may not be looked at, are retried three times, ever later, by
 * calls after their time. */
bool process_finder_search(struct process_finder *finder, uint64_t budget_us, uint64_t now_ms);

/* True when a search has something to do. */
bool process_finder_is_due(const struct process_finder *finder, uint64_t now_ms);

/* Looks whether up to `count` owners still live under the same name, going round; forgets those that don't.
 * True when something changed. */
bool process_finder_validate(struct process_finder *finder, size_t count);

/* NULL when the socket is not tracked. Valid until the next call of track. */
const struct socket_owner *process_finder_owner(const struct process_finder *finder, uint64_t inode);

/* Fills pid, name, command, unit and container of `ret` from what /proc says now; what is not known is left
 * empty. owner can be NULL. */
void process_describe(const struct socket_owner *owner, struct port_fact *ret);

#endif
