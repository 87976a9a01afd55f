/* SPDX-License-Identifier: MIT */
/* The disks that a person would name, out of everything that is mounted. */
#ifndef HOSPES_LINUX_MOUNTS_H
#define HOSPES_LINUX_MOUNTS_H

#include "protocol/wire/message.h"

/* Pure: the text of /proc/self/mountinfo (proc(5)). Real, local file systems, each device once, at its
 * shortest mount point; what lies beneath or behind a file system that may not answer (network, FUSE, autofs)
 * is left out, so that asking for its size can't hang. Sizes are 0. At most HEALTH_DISKS_MAX. */
size_t mounts_parse(const char *text, size_t size, struct health_disk disks[static HEALTH_DISKS_MAX]);

/* The same from this machine, with sizes. UV_ENOENT without /proc. */
int mounts_read(struct health_disk disks[static HEALTH_DISKS_MAX], size_t *ret_count);

#endif
