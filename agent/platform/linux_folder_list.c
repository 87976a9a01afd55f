/* SPDX-License-Identifier: MIT */
/* Reads folders with statx(2), which knows when an inode was born: numbers of inodes are used again at once,
 * and a file must not be taken for another that had its number. */
#include "agent/platform/folder_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <uv.h>

#define WANTED (STATX_TYPE | STATX_INO | STATX_SIZE | STATX_MTIME | STATX_BTIME)

static int64_t nanoseconds(const struct statx_timestamp *time)
{
    return (int64_t)((uint64_t)time->tv_sec * 1000000000U + time->tv_nsec);
}

int folder_list_look(int folder, const char *name, struct folder_entry *ret)
{
    struct statx facts;
    if (statx(folder, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, WANTED, &facts) < 0)
        return uv_translate_sys_error(errno);
    *ret = (struct folder_entry){.folder = S_ISDIR(facts.stx_mode),
                                 .file = S_ISREG(facts.stx_mode),
                                 .device = makedev(facts.stx_dev_major, facts.stx_dev_minor),
                                 .inode = facts.stx_ino,
                                 .size = facts.stx_size,
                                 .mtime_ns = nanoseconds(&facts.stx_mtime)};
    if ((facts.stx_mask & STATX_BTIME) != 0)
        ret->birth_ns = nanoseconds(&facts.stx_btime);
    return 0;
}

int folder_list_read(int folder,
                     bool (*on_entry)(void *ctx, const char *name, const struct folder_entry *entry),
                     void *ctx)
{
    DIR *list = fdopendir(folder);
    if (list == NULL) {
        int status = uv_translate_sys_error(errno);
        close(folder);
        return status;
    }
    int status = 0;
    while (status == 0) {
        struct folder_entry facts;
        errno = 0;
        const struct dirent *entry = readdir(list);
        if (entry == NULL) {
            status = errno != 0 ? uv_translate_sys_error(errno) : UV_EOF;
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            folder_list_look(folder, entry->d_name, &facts) < 0)
            continue;
        if (!on_entry(ctx, entry->d_name, &facts))
            status = UV_ECANCELED;
    }
    closedir(list);
    return status == UV_EOF ? 0 : status;
}
