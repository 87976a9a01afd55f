/* SPDX-License-Identifier: MIT */
/* Looks for the partial folder of an earlier try. What it finds is only a place: receiver_create checks
 * everything. */
#include "services/transfer/receive/resumed_target.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "services/transfer/entry_name.h"
#include "services/transfer/receive/receiver.h"

bool resumed_target_find(const char *path, const struct files_id *id, struct target_path *ret)
{
    char hex[2 * FILES_ID_SIZE + 1], partial[FILES_PATH_MAX + sizeof(PARTIAL_FOLDER) + sizeof(hex) + 3];
    size_t name_size;
    const char *name = entry_name_of_path(path, &name_size);
    if (name_size == 0 || name_size > FILES_NAME_MAX || path[strlen(path) - 1] == '/')
        return false; /* a slash at the end: into the folder */
    int folder_size = (int)(name - path);
    sodium_bin2hex(hex, sizeof(hex), id->bytes, sizeof(id->bytes));
    int size = snprintf(partial, sizeof(partial), "%.*s" PARTIAL_FOLDER "/%s", folder_size, path, hex);
    struct stat look;
    if (size < 0 || (size_t)size >= sizeof(partial) || lstat(partial, &look) < 0 || !S_ISDIR(look.st_mode))
        return false;
    while (folder_size > 1 && path[folder_size - 1] == '/')
        folder_size--;
    snprintf(ret->folder, sizeof(ret->folder), "%.*s", folder_size, path);
    snprintf(ret->name, sizeof(ret->name), "%.*s", (int)name_size, name);
    return true;
}
