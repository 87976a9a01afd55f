/* SPDX-License-Identifier: MIT */
/* A folder that is missing on the other side moves as a whole, so that only folders which both sides have are
 * entered. Below DEPTH_MAX of those nothing is moved: a few descriptors are enough, and no transfer that
 * people make is so deep. */
#include "services/transfer/receive/reunion.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "services/transfer/platform/beneath.h"
#include "services/transfer/platform/rename.h"

#define DEPTH_MAX 64

static void move_entries(int from, int to, int depth);

static void move_named(int parent_from, const char *from_name, int parent_to, const char *to_name, int depth)
{
    int from = -1, to = -1;
    if (depth < DEPTH_MAX && beneath_open_folder(parent_from, from_name, &from) == 0 &&
        beneath_open_folder(parent_to, to_name, &to) == 0)
        move_entries(from, to, depth);
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
}

static void move_entries(int from, int to, int depth)
{
    fchmod(from, 0700); /* a folder that was complete has its own mode by now */
    fchmod(to, 0700);
    int listed = -1;
    if (beneath_open_folder(from, ".", &listed) < 0)
        return;
    DIR *entries = fdopendir(listed);
    if (entries == NULL) {
        close(listed);
        return;
    }
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        if (rename_exclusive(from, name, to, name) == UV_EEXIST && entry->d_type != DT_REG)
            move_named(from, name, to, name, depth + 1);
    }
    closedir(entries);
}

void reunion_move(int parent, const char *from, const char *to)
{
    move_named(parent, from, parent, to, 0);
}
