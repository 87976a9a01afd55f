/* SPDX-License-Identifier: MIT */
/* fsetxattr(2), for the names that are harmless: security.* and trusted.* would grant rights, and system.*
 * says who may read the file, which is its mode's business here. */
#include "services/transfer/platform/attributes_write.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>
#include <uv.h>

bool attribute_may_be_given(const char *name)
{
    static const char prefix[] = "user.";
    return strncmp(name, prefix, sizeof(prefix) - 1) == 0 && name[sizeof(prefix) - 1] != '\0';
}

int attribute_write(int fd, const char *name, const void *value, size_t size)
{
    return fsetxattr(fd, name, value, size, 0) == 0 ? 0 : uv_translate_sys_error(errno);
}
