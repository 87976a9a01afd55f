/* SPDX-License-Identifier: MIT */
/* /proc/PID/exe. */
#include "host-bridge/platform/peer_process.h"

#include <stdio.h>
#include <unistd.h>

void peer_process_executable(pid_t pid, char ret_path[static PEER_PROCESS_PATH_MAX + 1])
{
    char link[32];
    snprintf(link, sizeof(link), "/proc/%ld/exe", (long)pid);
    ssize_t size = pid > 0 ? readlink(link, ret_path, PEER_PROCESS_PATH_MAX) : -1;
    ret_path[size > 0 ? size : 0] = '\0';
}
