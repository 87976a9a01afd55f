/* SPDX-License-Identifier: MIT */
/* A file that comes by chunks, or is compared: what it is compared with, and how far it has come. Few of them
 * have descriptors; the others are opened again. Returns as receiver_internal.h says; STATUS_MALFORMED is the
 * sender's fault. Blocks. */
#ifndef HOSPES_FILE_TARGET_H
#define HOSPES_FILE_TARGET_H

#include <sys/stat.h>

#include "protocol/base/buffer.h"
#include "services/transfer/receive/incoming_files.h"

#define TARGETS_OPEN_MAX 8

struct receiver;

enum target_base {
    BASE_NONE,   /* made anew */
    BASE_STAGED, /* what an earlier run left is changed where it lies */
    BASE_PLACE,  /* the file in the target gives what is the same; a new one is staged once something isn't */
};

struct file_target {
    struct file_target *newer, *older; /* those with descriptors */
    struct file_target *next_compared;
    struct incoming_file *file;
    int fd, base_fd; /* staged, and in place; -1 */
    bool is_open, is_staged, is_compared;
    uint8_t base; /* enum target_base */
    dev_t device; /* of the staged one */
    ino_t inode;
    struct stat base_look; /* when the comparison began */
    uint64_t reached;      /* up to here it is as the sender wants it */
    uint64_t copied;       /* BASE_PLACE: and so far in the staged file */
    uint64_t staged_size;  /* of the staged file */
    uint64_t next_digest;  /* chunk */
};

struct target_set {
    struct file_target *newest, *oldest;
    size_t open_count;
    struct file_target *compared_first, *compared_last; /* whose digests are to be told */
};

/* For a file without one; compared with `look`, of the file that `fd` (taken on success) has open. */
int target_create(struct receiver *receiver, struct incoming_file *file, enum target_base base, int fd,
                  const struct stat *look);
/* `discard`: the staged file goes, too. NULL allowed. */
void target_destroy(struct receiver *receiver, struct incoming_file *file, bool discard);

int target_take_chunk(struct receiver *receiver, struct incoming_file *file, uint64_t offset,
                      struct span bytes);
int target_take_zero(struct receiver *receiver, struct incoming_file *file, uint64_t offset, uint64_t size);
int target_take_keep(struct receiver *receiver, struct incoming_file *file, uint64_t offset, uint64_t size);
/* Whole: settles the file. */
int target_take_end(struct receiver *receiver, struct incoming_file *file, uint64_t size,
                    const struct files_time *mtime);
/* What came is void, and so is the comparison. */
int target_take_again(struct receiver *receiver, struct incoming_file *file);
/* The descriptor of what is compared, for reading. */
int target_open_base(struct receiver *receiver, struct file_target *target, int *ret_fd);

#endif
