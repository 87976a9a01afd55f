/* SPDX-License-Identifier: MIT */
/* docker-proxy listens for a container; people know the container. */
#ifndef HOSPES_DOCKER_PROXY_H
#define HOSPES_DOCKER_PROXY_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol/wire/limits.h"

/* `arguments` as in /proc/PID/cmdline. "docker: web" where Docker's own files tell the container's name, else
 * "docker: 172.17.0.2:80", and "docker:<id>" as container where known; outputs untouched when the command
 * line names no container. */
void docker_proxy_name(const char *arguments, size_t size, char ret_name[static TEXT_NAME_MAX + 1],
                       char ret_container[static TEXT_CONTAINER_MAX + 1]);

/* Pure: Docker's config.v2.json. True when the container has this address; *ret_name gets its name without
 * the slash. */
bool docker_config_match(const char *json, size_t size, const char *address,
                         char ret_name[static TEXT_NAME_MAX + 1]);

#endif
