/* SPDX-License-Identifier: MIT */
/* Reads the environment once, at start. */
#include "host-bridge/paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

/* "$VARIABLE/hospes", or "$HOME/<fallback>/hospes". */
static void xdg_folder(const char *variable, const char *fallback, char *out, size_t size)
{
    const char *value = getenv(variable);
    const char *home = getenv("HOME");
    if (value != NULL && value[0] == '/')
        snprintf(out, size, "%s/hospes", value);
    else
        snprintf(out, size, "%s/%s/hospes", home != NULL ? home : "", fallback);
}

static void runtime_folder(char *out, size_t size)
{
    const char *value = getenv("XDG_RUNTIME_DIR");
    if (value != NULL && value[0] == '/')
        snprintf(out, size, "%s/hospes", value);
    else
        snprintf(out, size, "/run/user/%u/hospes", (unsigned)getuid());
}

void paths_default(struct paths *ret)
{
    char folder[PATHS_MAX - 16];
    if (geteuid() == 0) {
        snprintf(ret->config, sizeof(ret->config), "/etc/hospes/config.json");
        snprintf(ret->state_dir, sizeof(ret->state_dir), "/var/lib/hospes");
        snprintf(ret->socket, sizeof(ret->socket), "/run/hospes/api.sock");
    } else {
        xdg_folder("XDG_CONFIG_HOME", ".config", folder, sizeof(folder));
        snprintf(ret->config, sizeof(ret->config), "%s/config.json", folder);
        xdg_folder("XDG_STATE_HOME", ".local/state", folder, sizeof(folder));
        snprintf(ret->state_dir, sizeof(ret->state_dir), "%s", folder);
        runtime_folder(folder, sizeof(folder));
        snprintf(ret->socket, sizeof(ret->socket), "%s/api.sock", folder);
    }
    const char *socket = getenv("HOSPES_SOCKET");
    if (socket != NULL && socket[0] != '\0')
        snprintf(ret->socket, sizeof(ret->socket), "%s", socket);
}

int paths_make_folder(const char *path)
{
    char part[PATHS_MAX];
    if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part))
        return UV_ENAMETOOLONG;
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0755) < 0 && errno != EEXIST)
            return uv_translate_sys_error(errno);
        *slash = '/';
    }
    if (mkdir(part, 0700) < 0 && errno != EEXIST)
        return uv_translate_sys_error(errno);
    return 0;
}
