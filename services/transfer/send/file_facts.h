/* SPDX-License-Identifier: MIT */
/* What is known of one file at one moment, and whether it is the same at another. */
#ifndef HOSPES_FILE_FACTS_H
#define HOSPES_FILE_FACTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "protocol/wire/message.h"

struct file_facts {
    uint64_t size;
    uint64_t stored; /* bytes on the disk: less than size where there are holes */
    struct files_time mtime, ctime;
    dev_t device;
    ino_t inode;
    mode_t mode; /* with its type */
    uid_t uid;
    gid_t gid;
};

void file_facts_of(const struct stat *stat, struct file_facts *ret);
/* Of an open descriptor. Errors of fstat(2). */
int file_facts_read(int fd, struct file_facts *ret);
/* The same file with the same content: nothing was written between the two looks. */
bool file_facts_same(const struct file_facts *a, const struct file_facts *b);

#endif
