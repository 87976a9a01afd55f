/* SPDX-License-Identifier: MIT */
/* From a control group's path to the systemd unit and the container that it stands for. Pure. */
#ifndef HOSPES_CGROUP_NAME_H
#define HOSPES_CGROUP_NAME_H

#include <stddef.h>

#include "protocol/wire/limits.h"

/* "/system.slice/nginx.service" → unit "nginx.service";
 * "/system.slice/docker-<64 hex>.scope", "/docker/<64 hex>" → container "docker:<64 hex>". Either may be
 * empty. `path` need not be terminated. */
void cgroup_name(const char *path, size_t size, char ret_unit[static TEXT_UNIT_MAX + 1],
                 char ret_container[static TEXT_CONTAINER_MAX + 1]);

/* The path in the text of /proc/PID/cgroup: version 2's, or systemd's own hierarchy where version 2 says
 * nothing. NULL and 0 when there is none. */
const char *cgroup_path_of(const char *text, size_t size, size_t *ret_size);

#endif
