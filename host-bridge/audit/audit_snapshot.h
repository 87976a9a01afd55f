/* SPDX-License-Identifier: MIT */
/* The log's files as they are at one moment, open for a reader on another thread. */
#ifndef HOSPES_AUDIT_SNAPSHOT_H
#define HOSPES_AUDIT_SNAPSHOT_H

#include "host-bridge/audit/audit_file.h"
#include "host-bridge/audit/audit_log.h"

#define AUDIT_SNAPSHOT_FILES_MAX (AUDIT_FILES_KEPT + 1)

struct audit_snapshot_file {
    int fd;
    uint64_t size; /* bytes beyond were written later */
    char name[24]; /* "audit.log.1" */
};

struct audit_snapshot {
    size_t count; /* the eldest first */
    struct audit_snapshot_file files[AUDIT_SNAPSHOT_FILES_MAX];
    bool complete;          /* none was rotated away yet: the first line must be number 1 */
    struct audit_hash head; /* of the last line */
};

/* Errors of opening; a file that is not there is left out. On success audit_snapshot_finish is owed. */
int audit_snapshot_take(const struct audit_log *log, struct audit_snapshot *ret);
void audit_snapshot_finish(struct audit_snapshot *snapshot);

#endif
