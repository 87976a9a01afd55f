/* SPDX-License-Identifier: MIT */
/* Walks logind's folder of sessions. What is in a file is its reader's. */
#include "agent/platform/linux_logind.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define SESSIONS_PATH "/run/systemd/sessions"
#define SESSION_SIZE  4096

/* Hidden ones are being written; NAME.ref is a pipe that tells logind of the session's end. */
static bool is_session(const char *name)
{
    size_t size = strlen(name);
    return name[0] != '.' && (size <= 4 || strcmp(name + size - 4, ".ref") != 0);
}

void logind_each_session(bool (*on_session)(void *ctx, const char *text, size_t size), void *ctx)
{
    DIR *folder = opendir(SESSIONS_PATH);
    struct dirent *entry;
    bool goes_on = true;
    while (folder != NULL && goes_on && (entry = readdir(folder)) != NULL) {
        if (!is_session(entry->d_name))
            continue;
        int fd = openat(dirfd(folder), entry->d_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
        if (fd < 0)
            continue;
        char text[SESSION_SIZE];
        ssize_t size = read(fd, text, sizeof(text));
        close(fd);
        goes_on = size <= 0 || on_session(ctx, text, (size_t)size);
    }
    if (folder != NULL)
        closedir(folder);
}
