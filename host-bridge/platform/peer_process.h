/* SPDX-License-Identifier: MIT */
/* Which program a process of this host runs. */
#ifndef HOSPES_HOST_PEER_PROCESS_H
#define HOSPES_HOST_PEER_PROCESS_H

#include <sys/types.h>

#define PEER_PROCESS_PATH_MAX 1023

/* The path of its executable as the kernel tells it now, cut; "" when it can't be told: the process has
 * ended, or belongs to another user and we are not root. A number may have gone to another process since it
 * was learnt, and a process may have become another program: what is told is evidence, not proof. */
void peer_process_executable(pid_t pid, char ret_path[static PEER_PROCESS_PATH_MAX + 1]);

#endif
