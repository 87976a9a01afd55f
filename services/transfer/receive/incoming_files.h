/* SPDX-License-Identifier: MIT */
/* The files that were announced and are not settled, by their entries. At most FILES_WINDOW of them, and as
 * many that failed here while their bytes were under way. */
#ifndef HOSPES_INCOMING_FILES_H
#define HOSPES_INCOMING_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "services/transfer/receive/folder_stack.h"

#define ATTRIBUTES_BYTES_MAX (2 << 20) /* kept of all files together, until these are made */

struct file_target; /* file_target.h */

struct kept_attribute {
    struct kept_attribute *next;
    uint16_t size;
    const uint8_t *value; /* behind the name */
    char name[];
};

struct incoming_file {
    struct incoming_file *next;   /* of the same bucket */
    struct incoming_file *behind; /* in the queue of doomed ones */
    struct folder *folder;        /* NULL when doomed */
    uint64_t entry, size;
    struct files_time mtime;
    uint32_t root, uid, gid;
    uint16_t mode;              /* as it will be */
    bool is_doomed;             /* failed and settled: what still comes of it is dropped */
    bool lost_attributes;       /* some did not fit */
    struct file_target *target; /* of a large or compared one; can be NULL */
    struct kept_attribute *attributes;
    char name[];
};

#define INCOMING_BUCKETS FILES_WINDOW

struct incoming_files {
    struct incoming_file *buckets[INCOMING_BUCKETS];
    struct incoming_file *doomed_first, *doomed_last;
    size_t count, doomed_count; /* count: without the doomed */
    size_t attribute_bytes;
};

/* UV_ENOMEM. */
int incoming_files_add(struct incoming_files *files, struct folder *folder,
                       const struct manifest_entry *entry, uint64_t number, const char *name,
                       struct incoming_file **ret);
/* NULL: no such file. */
struct incoming_file *incoming_files_find(const struct incoming_files *files, uint64_t entry);
/* Frees it; its target must be gone, its folder's count is the caller's. */
void incoming_files_drop(struct incoming_files *files, struct incoming_file *file);
/* Drops it, but remembers that it was there. */
void incoming_files_doom(struct incoming_files *files, struct incoming_file *file);
/* UV_ENOBUFS: too much is kept already. UV_ENOMEM. */
int incoming_files_keep(struct incoming_files *files, struct incoming_file *file,
                        const struct attribute_message *attribute);

#endif
