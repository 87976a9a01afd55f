/* SPDX-License-Identifier: MIT */
/* The guest's names and ids on Linux. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/platform/system.h"
#include "agent/platform/text.h"

/* The file's first line; empty when it cannot be read. */
static void read_line(const char *path, char out[static TEXT_NAME_MAX + 1])
{
    char text[256];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, text, sizeof(text)) : 0;
    if (fd >= 0)
        close(fd);
    size_t length = 0;
    while (size > 0 && length < (size_t)size && text[length] != '\n')
        length++;
    text_copy(out, TEXT_NAME_MAX + 1, text, length);
}

int system_describe(struct welcome_message *welcome)
{
    struct utsname names;
    if (uname(&names) < 0)
        return -errno;
    char os[sizeof(names.sysname) + sizeof(names.release) + 1];
    snprintf(os, sizeof(os), "%s %s", names.sysname, names.release);
    text_copy_string(welcome->os, sizeof(welcome->os), os);
    text_copy_string(welcome->arch, sizeof(welcome->arch), names.machine);
    text_copy_string(welcome->hostname, sizeof(welcome->hostname), names.nodename);
    read_line("/etc/machine-id", welcome->machine_id);
    read_line("/proc/sys/kernel/random/boot_id", welcome->boot_id);
    return 0;
}
