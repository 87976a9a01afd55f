/* SPDX-License-Identifier: MIT */
/* Builds request paths (RFC 3986). */
#include "host-bridge/cli/api_path.h"

#include <stdio.h>
#include <string.h>

static bool append_raw(struct api_path *path, const char *text)
{
    size_t used = strlen(path->text);
    int size = snprintf(path->text + used, sizeof(path->text) - used, "%s", text);
    return size >= 0 && (size_t)size < sizeof(path->text) - used;
}

bool api_path_append(struct api_path *path, const char *text)
{
    static const char UNRESERVED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    char piece[4];
    for (; *text != '\0'; text++) {
        bool plain = strchr(UNRESERVED, *text) != NULL;
        snprintf(piece, sizeof(piece), plain ? "%c" : "%%%02X", (unsigned char)*text);
        if (!append_raw(path, piece))
            return false;
    }
    return true;
}

bool api_path_guest(struct api_path *path, const char *name, const char *rest)
{
    strcpy(path->text, "/api/v1/vms/");
    return api_path_append(path, name) && append_raw(path, rest);
}

bool api_path_query(struct api_path *path, const char *key, const char *value)
{
    bool first = strchr(path->text, '?') == NULL;
    return append_raw(path, first ? "?" : "&") && append_raw(path, key) && append_raw(path, "=") &&
           api_path_append(path, value);
}
