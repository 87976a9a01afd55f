/* SPDX-License-Identifier: MIT */
/* What is in a folder of a guest. */
#ifndef HOSPES_FILE_LIST_H
#define HOSPES_FILE_LIST_H

#include "host-bridge/features/files/file_work.h"

#define FILE_LIST_ENTRIES_MAX 100000
#define FILE_LIST_BYTES_MAX   (32 * 1024 * 1024) /* of names and targets; 100,000 of usual length are 3 MiB */

struct file_list_entry {
    uint8_t type; /* enum entry_type: folder, file, link */
    uint16_t mode;
    uint32_t uid, gid;
    uint64_t size;
    struct files_time mtime;
    const char *name;
    const char *target; /* of a link; else "" */
};

struct file_list; /* opaque */

struct file_list_handler {
    void (*on_progress)(void *ctx); /* a part came; on_done follows */
    /* Once: 0 when all is there (or as much as is kept). `text` may be empty. */
    void (*on_done)(void *ctx, int status, const char *text);
};

/* No callback before return; within each, file_list_close is allowed. UV_ENOMEM, errors of files_io.open: no
 * callback at all. */
int file_list_begin(const struct files_io *io, const char *user, const char *path,
                    const struct file_list_handler *handler, void *ctx, struct file_list **ret);
void file_list_close(struct file_list *list); /* NULL allowed */

/* After on_done with 0, until file_list_close. */
const char *file_list_path(const struct file_list *list); /* as the guest has it: absolute */
size_t file_list_count(const struct file_list *list);
const struct file_list_entry *file_list_at(const struct file_list *list, size_t index); /* sorted by name */
bool file_list_is_truncated(const struct file_list *list); /* there were more than are kept */

#endif
