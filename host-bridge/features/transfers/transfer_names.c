/* SPDX-License-Identifier: MIT */
/* Names of roots, of kinds and of states. What may be a name is services/transfer's. */
#include "host-bridge/features/transfers/transfer_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/transfer/entry_name.h"

bool transfer_name_of_path(const char *path, char ret[static FILES_NAME_MAX + 1])
{
    size_t size;
    const char *name = entry_name_of_path(path, &size);
    if (size == 0 || size > FILES_NAME_MAX || (size == 1 && name == path && name[0] == '~'))
        return false;
    memcpy(ret, name, size);
    ret[size] = '\0';
    return entry_name_is_valid(ret);
}

char *transfer_origin(const char *vm, const char *name)
{
    static const char UNRESERVED[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    size_t room = sizeof("hospes:///") + strlen(vm) + 3 * strlen(name);
    char *origin = malloc(room);
    if (origin == NULL)
        return NULL;
    size_t size = (size_t)snprintf(origin, room, "hospes://%s/", vm);
    for (; *name != '\0'; name++) {
        if (strchr(UNRESERVED, *name) != NULL)
            origin[size++] = *name;
        else
            size += (size_t)snprintf(origin + size, room - size, "%%%02X", (unsigned char)*name);
    }
    origin[size] = '\0';
    return origin;
}

const char *transfer_kind_name(enum transfer_kind kind)
{
    static const char *const NAMES[] = {
        [TRANSFER_COPY] = "copy", [TRANSFER_DROP] = "drop", [TRANSFER_TAKE] = "take"};
    return NAMES[kind];
}

const char *transfer_state_name(enum transfer_state state)
{
    static const char *const NAMES[] = {
        [TRANSFER_WAITING] = "waiting", [TRANSFER_RUNNING] = "running", [TRANSFER_PAUSED] = "paused",
        [TRANSFER_DONE] = "done",       [TRANSFER_FAILED] = "failed",   [TRANSFER_CANCELLED] = "cancelled",
    };
    return NAMES[state];
}

const char *transfer_phase_name(uint8_t phase)
{
    static const char *const NAMES[] = {
        [TRANSFER_SCAN] = "scan", [TRANSFER_SEND] = "send", [TRANSFER_FINISH] = "verify"};
    return phase < TRANSFER_SCAN || phase > TRANSFER_FINISH ? "" : NAMES[phase];
}
