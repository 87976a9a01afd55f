/* SPDX-License-Identifier: MIT */
/* Lists and reads by flistxattr(2) and fgetxattr(2). Setting them is another file's. */
#include "services/transfer/platform/attributes_read.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/wire/limits.h"

#define LIST_MAX (64 * 1024) /* what the kernel has at most */

static bool begins_with(const char *name, const char *beginning)
{
    return strncmp(name, beginning, strlen(beginning)) == 0;
}

static bool is_wanted(const char *name)
{
    if (begins_with(name, "user."))
        return true;
    return geteuid() == 0 && !begins_with(name, "security.") && !begins_with(name, "system.") &&
           !begins_with(name, "trusted.");
}

static int read_one(int fd, const char *name, const struct attribute_taker *taker, void *ctx)
{
    uint8_t value[FILES_ATTRIBUTE_MAX];
    ssize_t size = fgetxattr(fd, name, value, sizeof(value));
    if (size >= 0)
        return taker->on_attribute(ctx, name, value, (size_t)size);
    if (errno != ENODATA) /* else it has gone meanwhile */
        taker->on_failed(ctx, name, errno == ERANGE ? UV_E2BIG : uv_translate_sys_error(errno));
    return 0;
}

static int read_all(int fd, const char *names, size_t size, const struct attribute_taker *taker, void *ctx)
{
    for (size_t at = 0; at < size; at += strlen(names + at) + 1) {
        int status = is_wanted(names + at) ? read_one(fd, names + at, taker, ctx) : 0;
        if (status != 0)
            return status;
    }
    return 0;
}

int attributes_read(int fd, const struct attribute_taker *taker, void *ctx)
{
    char few[1024], *names = few;
    ssize_t size = flistxattr(fd, few, sizeof(few));
    if (size < 0 && errno == ERANGE) {
        names = malloc(LIST_MAX);
        if (names == NULL)
            return UV_ENOMEM;
        size = flistxattr(fd, names, LIST_MAX);
    }
    int status = 0;
    if (size > 0)
        status = read_all(fd, names, (size_t)size, taker, ctx);
    else if (size < 0 && errno != ENOTSUP)
        status = uv_translate_sys_error(errno);
    if (names != few)
        free(names);
    return status;
}
