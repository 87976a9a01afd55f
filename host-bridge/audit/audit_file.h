/* SPDX-License-Identifier: MIT */
/* The files of the log: audit.log is written, audit.log.1 is the one before, and so on. */
#ifndef HOSPES_AUDIT_FILE_H
#define HOSPES_AUDIT_FILE_H

#include "host-bridge/audit/audit_chain.h"
#include "protocol/wire/limits.h"

#define AUDIT_FILES_KEPT 8 /* beside the one that is written */
#define AUDIT_PATH_SIZE  640

/* `number` 0 is audit.log. UV_ENAMETOOLONG. */
int audit_file_path(const char *folder, unsigned number, char out[static AUDIT_PATH_SIZE]);

/* For appending, made 0600 if there is none; locked against another bridge. A file that is no regular one, or
 * not ours alone to write, is refused (STATUS_NOT_ALLOWED). UV_EBUSY: another bridge has it. A sentence in
 * ret_problem. */
int audit_file_open(const char *path, int *ret_fd, char ret_problem[static TEXT_REASON_MAX + 1]);
/* For reading. UV_ENOENT; STATUS_NOT_ALLOWED when it is no regular file. */
int audit_file_open_to_read(const char *path, int *ret_fd);

/* Where the chain stands. */
struct audit_end {
    struct audit_hash hash; /* of the last line */
    uint64_t seq;           /* its number; an unfinished or foreign line counts as one */
    bool unfinished;        /* it has no newline */
    uint64_t size;          /* of the file */
};

/* Moves `end` on to the end of this file; hash and number stay when the file is empty. System errors. */
int audit_file_end(int fd, struct audit_end *end);

/* Renames audit.log to audit.log.1 and so on; the eldest goes. System errors of the first step that fails. */
int audit_file_rotate(const char *folder);
void audit_file_rotate_back(const char *folder); /* only audit.log.1, where there is no audit.log */

#endif
