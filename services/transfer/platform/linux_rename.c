/* SPDX-License-Identifier: MIT */
/* renameat2(2) with RENAME_NOREPLACE; for file systems without it (NFS, some of FUSE), a second name by
 * linkat(2), which never replaces, and for folders a look before rename(2). */
#include "services/transfer/platform/rename.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

int rename_exclusive_by_steps(int from_folder, const char *from, int to_folder, const char *to)
{
    struct stat look;
    if (fstatat(from_folder, from, &look, AT_SYMLINK_NOFOLLOW) < 0)
        return uv_translate_sys_error(errno);
    if (!S_ISDIR(look.st_mode) && linkat(from_folder, from, to_folder, to, 0) == 0)
        return unlinkat(from_folder, from, 0) == 0 ? 0 : uv_translate_sys_error(errno);
    if (!S_ISDIR(look.st_mode) && errno != EPERM && errno != ENOTSUP && errno != ENOSYS && errno != EMLINK)
        return uv_translate_sys_error(errno);
    if (fstatat(to_folder, to, &look, AT_SYMLINK_NOFOLLOW) == 0)
        return UV_EEXIST;
    if (errno != ENOENT)
        return uv_translate_sys_error(errno);
    return renameat(from_folder, from, to_folder, to) == 0 ? 0 : uv_translate_sys_error(errno);
}

int rename_exclusive(int from_folder, const char *from, int to_folder, const char *to)
{
    if (renameat2(from_folder, from, to_folder, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return uv_translate_sys_error(errno);
    return rename_exclusive_by_steps(from_folder, from, to_folder, to);
}
