/* SPDX-License-Identifier: MIT */
/* Compares what stat(2) says. ctime is part of it, since mtime can be set back by whoever writes. */
#include "services/transfer/send/file_facts.h"

#include <errno.h>
#include <uv.h>

void file_facts_of(const struct stat *stat, struct file_facts *ret)
{
    *ret = (struct file_facts){
        .size = S_ISREG(stat->st_mode) && stat->st_size > 0 ? (uint64_t)stat->st_size : 0,
        .stored = (uint64_t)stat->st_blocks * 512,
        .mtime = {stat->st_mtim.tv_sec, (uint32_t)stat->st_mtim.tv_nsec},
        .ctime = {stat->st_ctim.tv_sec, (uint32_t)stat->st_ctim.tv_nsec},
        .device = stat->st_dev,
        .inode = stat->st_ino,
        .mode = stat->st_mode,
        .uid = stat->st_uid,
        .gid = stat->st_gid,
    };
}

int file_facts_read(int fd, struct file_facts *ret)
{
    struct stat stat;
    if (fstat(fd, &stat) < 0)
        return uv_translate_sys_error(errno);
    file_facts_of(&stat, ret);
    return 0;
}

static bool same_time(const struct files_time *a, const struct files_time *b)
{
    return a->s == b->s && a->ns == b->ns;
}

bool file_facts_same(const struct file_facts *a, const struct file_facts *b)
{
    return a->size == b->size && a->inode == b->inode && a->device == b->device && a->mode == b->mode &&
           same_time(&a->mtime, &b->mtime) && same_time(&a->ctime, &b->ctime);
}
