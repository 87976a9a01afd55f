/* SPDX-License-Identifier: MIT */
/* Opens what there is, on the thread that writes: descriptors and sizes stay true when files are renamed or
 * grow. */
#include "host-bridge/audit/audit_snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

static int take_file(struct audit_snapshot *snapshot, const char *folder, unsigned number)
{
    char path[AUDIT_PATH_SIZE];
    struct audit_snapshot_file *file = &snapshot->files[snapshot->count];
    audit_file_path(folder, number, path);
    int status = audit_file_open_to_read(path, &file->fd);
    if (status == UV_ENOENT)
        return 0;
    if (status < 0)
        return status;
    snapshot->count++;
    struct stat facts;
    if (fstat(file->fd, &facts) != 0)
        return uv_translate_sys_error(errno);
    file->size = (uint64_t)facts.st_size;
    snprintf(file->name, sizeof(file->name), number == 0 ? "audit.log" : "audit.log.%u", number);
    if (number == AUDIT_FILES_KEPT)
        snapshot->complete = false;
    return 0;
}

int audit_snapshot_take(const struct audit_log *log, struct audit_snapshot *ret)
{
    *ret = (struct audit_snapshot){.complete = true, .head = audit_log_head(log)};
    int status = 0;
    for (unsigned number = AUDIT_FILES_KEPT + 1; status == 0 && number-- > 0;)
        status = take_file(ret, audit_log_folder(log), number);
    if (status < 0)
        audit_snapshot_finish(ret);
    return status;
}

void audit_snapshot_finish(struct audit_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->count; i++)
        close(snapshot->files[i].fd);
    snapshot->count = 0;
}
