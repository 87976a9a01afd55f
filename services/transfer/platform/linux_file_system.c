/* SPDX-License-Identifier: MIT */
/* statvfs(3), syncfs(2) and the thread's file system user. */
#include "services/transfer/platform/file_system.h"

#include <errno.h>
#include <sys/fsuid.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"

int file_status(int error)
{
    return error == EDQUOT ? STATUS_QUOTA : uv_translate_sys_error(error);
}

int file_system_space(int folder, uint64_t *ret_free, uint64_t *ret_total)
{
    struct statvfs look;
    if (fstatvfs(folder, &look) < 0)
        return file_status(errno);
    *ret_free = (uint64_t)look.f_bavail * look.f_frsize;
    *ret_total = (uint64_t)look.f_blocks * look.f_frsize;
    return 0;
}

int file_system_sync(int folder)
{
    return syncfs(folder) == 0 ? 0 : file_status(errno);
}

uid_t file_system_user(void)
{
    return (uid_t)setfsuid((uid_t)-1); /* refused, and tells who it is */
}
