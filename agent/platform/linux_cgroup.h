/* SPDX-License-Identifier: MIT */
/* Control groups by the id that a socket carries. */
#ifndef HOSPES_LINUX_CGROUP_H
#define HOSPES_LINUX_CGROUP_H

#include <stddef.h>
#include <stdint.h>

/* The group's path below the version 2 root ("/system.slice/x.service"). Needs CAP_DAC_READ_SEARCH;
 * UV_ENOENT, UV_EPERM, UV_ENOSYS otherwise. */
int cgroup_path_by_id(uint64_t id, char *out, size_t out_size);

#endif
