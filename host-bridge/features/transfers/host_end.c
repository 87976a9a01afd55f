/* SPDX-License-Identifier: MIT */
/* Finds out where on the host a transfer comes from or goes to, and makes the engine. Blocks: worker threads
 * only, and nobody changes the entry meanwhile. */
#include "host-bridge/features/transfers/host_end.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host-bridge/features/transfers/transfer_names.h"
#include "protocol/base/status.h"
#include "services/config/reason.h"
#include "services/transfer/receive/receiver.h"
#include "services/transfer/receive/resumed_target.h"
#include "services/transfer/send/sender.h"

int host_end_make_sender(void *ctx, const struct engine_keys *keys, struct engine **ret,
                         char ret_problem[static TEXT_REASON_MAX + 1])
{
    const struct transfer_entry *entry = ctx;
    const struct transfer_place *from = &entry->transfer.from;
    struct sender_options options = {
        .pool = entry->table->pool,
        .keys = *keys,
        .path_count = from->path_count,
        .paths = (const char *const *)from->paths,
        .flags = entry->flags,
        .links = entry->links,
    };
    return sender_create(&options, ret, ret_problem);
}

/* With its parents, 0755. */
static int make_folder(const char *path, char *ret_problem)
{
    char part[FILES_PATH_MAX + 1];
    snprintf(part, sizeof(part), "%s", path);
    for (char *slash = strchr(part + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash != NULL)
            *slash = '\0';
        if (mkdir(part, 0755) < 0 && errno != EEXIST) {
            int status = uv_translate_sys_error(errno);
            reason_format(ret_problem, "cannot make the folder %.150s: %s", part, status_text(status));
            return status;
        }
        if (slash == NULL)
            return 0;
        *slash = '/';
    }
}

static int find_target(struct transfer_entry *entry, char *ret_problem)
{
    const char *to = entry->transfer.to.paths[0];
    struct target_path *target = &entry->target;
    int status;
    if (entry->transfer.kind == TRANSFER_TAKE) {
        snprintf(target->folder, sizeof(target->folder), "%s", to);
        target->name[0] = '\0';
        status = make_folder(to, ret_problem);
    } else if (entry->has_target) {
        return 0; /* a folder of that name may be there by now: it is ours */
    } else if (entry->begun && resumed_target_find(to, &entry->id, target)) {
        status = 0;
    } else {
        status = target_path_resolve(to, "/", entry->transfer.from.path_count, target, ret_problem);
    }
    entry->has_target = status == 0;
    return status;
}

/* What the roots are called here: as they were asked for, whatever the guest announces. An offer's are not
 * known. */
static int find_names(const struct transfer_entry *entry, char (*names)[FILES_NAME_MAX + 1],
                      char *ret_problem)
{
    const struct transfer_place *from = &entry->transfer.from;
    for (size_t i = 0; i < from->path_count; i++) {
        if (from->path_count == 1 && entry->target.name[0] != '\0') {
            snprintf(names[i], sizeof(names[i]), "%s", entry->target.name);
        } else if (!transfer_name_of_path(from->paths[i], names[i])) {
            reason_format(ret_problem, "%.150s names no file or folder; name the target", from->paths[i]);
            return STATUS_INVALID;
        }
    }
    return 0;
}

static int make_receiver(const struct transfer_entry *entry, const struct engine_keys *keys,
                         const char *origin, char (*names)[FILES_NAME_MAX + 1], struct engine **ret,
                         char *ret_problem)
{
    const char *list[FILES_PATHS_MAX];
    for (size_t i = 0; i < entry->transfer.from.path_count; i++)
        list[i] = names[i];
    struct receiver_options options = {
        .pool = entry->table->pool,
        .keys = *keys,
        .folder = entry->target.folder,
        .name_count = entry->transfer.from.path_count,
        .names = list,
        .id = entry->id,
        .flags = entry->flags | (entry->begun ? FILES_RESUME : 0),
        .conflict = entry->conflict,
        .links = entry->links,
        .strip_executable = entry->strip_executable,
        .origin = origin,
    };
    return receiver_create(&options, ret, ret_problem);
}

int host_end_make_receiver(void *ctx, const struct engine_keys *keys, struct engine **ret,
                           char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct transfer_entry *entry = ctx;
    int status = find_target(entry, ret_problem);
    if (status < 0)
        return status;
    char(*names)[FILES_NAME_MAX + 1] = calloc(FILES_PATHS_MAX, sizeof(*names));
    char *origin =
        entry->offer_name != NULL ? transfer_origin(entry->transfer.from.vm, entry->offer_name) : NULL;
    if (names == NULL || (origin == NULL && entry->offer_name != NULL))
        status = UV_ENOMEM;
    if (status == 0)
        status = find_names(entry, names, ret_problem);
    if (status == 0)
        status = make_receiver(entry, keys, origin, names, ret, ret_problem);
    free(names);
    free(origin);
    return status;
}
