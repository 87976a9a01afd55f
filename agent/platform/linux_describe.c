/* SPDX-License-Identifier: MIT */
/* Puts what /proc says about a socket's owner into the words of a port fact. Finding the owner is left to
 * linux_process. */
#include <string.h>

#include "agent/platform/cgroup_name.h"
#include "agent/platform/docker_proxy.h"
#include "agent/platform/linux_cgroup.h"
#include "agent/platform/linux_process.h"
#include "agent/platform/linux_procfs.h"
#include "agent/platform/process_name.h"

#define COMMAND_LINE_SIZE 4096
#define CGROUP_SIZE       2048

static bool describe_group(int32_t pid, struct port_fact *ret)
{
    char text[CGROUP_SIZE];
    size_t size;
    size_t path_size;
    if (procfs_read(pid, "cgroup", text, sizeof(text), &size) < 0)
        return false;
    const char *path = cgroup_path_of(text, size, &path_size);
    if (path == NULL)
        return false;
    cgroup_name(path, path_size, ret->unit, ret->container);
    return true;
}

static void describe_process(const struct socket_owner *owner, struct port_fact *ret)
{
    char line[COMMAND_LINE_SIZE];
    size_t size = 0;
    if (procfs_read(owner->pid, "cmdline", line, sizeof(line), &size) < 0)
        size = 0;
    process_name(owner->comm, line, size, ret->name);
    process_command(line, size, ret->command);
    if (strcmp(ret->name, "docker-proxy") == 0)
        docker_proxy_name(line, size, ret->name, ret->container);
}

void process_describe(const struct socket_owner *owner, struct port_fact *ret)
{
    ret->pid = 0;
    ret->name[0] = '\0';
    ret->command[0] = '\0';
    ret->unit[0] = '\0';
    ret->container[0] = '\0';
    if (owner == NULL)
        return;
    ret->pid = owner->pid;
    bool grouped = owner->pid != 0 && describe_group(owner->pid, ret);
    if (owner->pid != 0)
        describe_process(owner, ret);
    char path[512];
    if (!grouped && owner->cgroup_id != 0 && cgroup_path_by_id(owner->cgroup_id, path, sizeof(path)) == 0)
        cgroup_name(path, strlen(path), ret->unit, ret->container);
}
