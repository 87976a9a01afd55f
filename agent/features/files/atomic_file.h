/* SPDX-License-Identifier: MIT */
/* A file that is written beside its place, under a hidden name, and takes the place when it is whole. All of
 * it blocks: for worker threads, one call at a time. */
#ifndef HOSPES_ATOMIC_FILE_H
#define HOSPES_ATOMIC_FILE_H

#include "protocol/wire/message.h"

#define ATOMIC_FILE_PREFIX ".hospes-partial-"

struct atomic_file; /* opaque */

struct atomic_file_options {
    int folder;              /* descriptor; taken in every case */
    const char *folder_path; /* absolute, as people know it; copied */
    const char *name;        /* one component; copied */
    uint8_t conflict;        /* enum files_conflict */
    uint16_t mode;           /* 0: that of the file which is replaced, else 0644 */
};

/* Each with a sentence in ret_problem (TEXT_REASON_MAX + 1 bytes). UV_EEXIST (FILES_FAIL), UV_EISDIR,
 * UV_EINVAL: something else than a file is there; UV_EACCES: also where the file that is there may not be
 * written to … */
int atomic_file_create(const struct atomic_file_options *options, struct atomic_file **ret,
                       char *ret_problem);
int atomic_file_write(struct atomic_file *file, struct span bytes, char *ret_problem);
/* All was written: makes it durable, and puts it in its place. */
int atomic_file_place(struct atomic_file *file, char *ret_problem);
/* Removes what is not in its place. NULL allowed. */
void atomic_file_destroy(struct atomic_file *file);

/* After atomic_file_place. */
uint64_t atomic_file_size(const struct atomic_file *file);
const uint8_t *atomic_file_digest(const struct atomic_file *file); /* FILES_DIGEST_SIZE: BLAKE2b-256 */
const char *atomic_file_path(const struct atomic_file *file);      /* where it is */

#endif
