/* SPDX-License-Identifier: MIT */
/* Linux: /sys/module, /proc and /dev, looked at by name. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "host-bridge/cli/platform/host_facts.h"

static bool module_is_there(const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "/sys/module/%s", name);
    return access(path, F_OK) == 0;
}

/* Whether modules.dep or modules.builtin of the running kernel names the module's file. */
static bool kernel_has_file(const char *list, const char *file)
{
    struct utsname system;
    char path[PATH_MAX];
    bool found = false;
    if (uname(&system) != 0)
        return false;
    snprintf(path, sizeof(path), "/lib/modules/%s/%s", system.release, list);
    FILE *in = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    while (in != NULL && !found && getline(&line, &room, in) > 0) {
        line[strcspn(line, ":\n")] = '\0';
        const char *name = strrchr(line, '/');
        found = name != NULL && strncmp(name + 1, file, strlen(file)) == 0;
    }
    free(line);
    if (in != NULL)
        fclose(in);
    return found;
}

void host_facts_vsock(struct vsock_facts *ret)
{
    *ret = (struct vsock_facts){.applies = true};
    ret->host_device = access("/dev/vhost-vsock", F_OK) == 0;
    ret->device_allowed = access("/dev/vhost-vsock", R_OK | W_OK) == 0;
    ret->host_module = module_is_there("vhost_vsock");
    ret->socket_module = module_is_there("vsock") || kernel_has_file("modules.builtin", "vsock.ko");
    ret->module_available = kernel_has_file("modules.dep", "vhost_vsock.ko") ||
                            kernel_has_file("modules.builtin", "vhost_vsock.ko");
    ret->is_guest =
        module_is_there("vmw_vsock_virtio_transport") || module_is_there("vmw_vsock_vmci_transport");
}

static bool read_limit(const char **cursor, uint64_t *ret)
{
    *cursor += strspn(*cursor, " ");
    size_t size = strcspn(*cursor, " ");
    if (strncmp(*cursor, "unlimited", size) == 0 && size == 9)
        *ret = UINT64_MAX;
    else if (sscanf(*cursor, "%" SCNu64, ret) != 1)
        return false;
    *cursor += size;
    return true;
}

bool host_facts_descriptor_limit(long pid, uint64_t *ret_soft, uint64_t *ret_hard)
{
    static const char LABEL[] = "Max open files";
    char path[64], line[256];
    bool found = false;
    uint64_t soft = 0, hard = 0;
    snprintf(path, sizeof(path), "/proc/%ld/limits", pid);
    FILE *in = fopen(path, "re");
    while (in != NULL && !found && fgets(line, sizeof(line), in) != NULL) {
        const char *cursor = line + sizeof(LABEL) - 1;
        found = strncmp(line, LABEL, sizeof(LABEL) - 1) == 0 && read_limit(&cursor, &soft) &&
                read_limit(&cursor, &hard);
    }
    if (in != NULL)
        fclose(in);
    if (found) {
        *ret_soft = soft;
        *ret_hard = hard;
    }
    return found;
}

bool host_facts_has_program(const char *name)
{
    const char *folder = getenv("PATH");
    char path[PATH_MAX];
    while (folder != NULL && *folder != '\0') {
        size_t size = strcspn(folder, ":");
        int length = snprintf(path, sizeof(path), "%.*s/%s", (int)size, folder, name);
        if (size > 0 && length > 0 && (size_t)length < sizeof(path) && access(path, X_OK) == 0)
            return true;
        folder += size + (folder[size] == ':' ? 1 : 0);
    }
    return false;
}
