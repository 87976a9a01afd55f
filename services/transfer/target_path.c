/* SPDX-License-Identifier: MIT */
/* The rules of cp(1) for where things go. Only looks; what is made there is the receiver's business, which
 * does not trust that it is still as it was seen here. */
#include "services/transfer/target_path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/transfer/entry_name.h"

enum found { FOUND_NOTHING, FOUND_FOLDER, FOUND_OTHER };

static void cut_slashes(char *path)
{
    for (size_t size = strlen(path); size > 1 && path[size - 1] == '/'; size--)
        path[size - 1] = '\0';
}

int target_path_absolute(const char *path, const char *base, char ret[static FILES_PATH_MAX + 1])
{
    char joined[FILES_PATH_MAX + 1];
    int size;
    if (*path == '\0' || *base != '/')
        return STATUS_INVALID;
    if (*path == '/')
        size = snprintf(joined, sizeof(joined), "%s", path);
    else if (strcmp(path, "~") == 0)
        size = snprintf(joined, sizeof(joined), "%s", base);
    else
        size = snprintf(joined, sizeof(joined), "%s%s%s", base, base[strlen(base) - 1] == '/' ? "" : "/",
                        path[0] == '~' && path[1] == '/' ? path + 2 : path);
    if (size < 0 || (size_t)size >= sizeof(joined))
        return UV_ENAMETOOLONG;
    cut_slashes(joined);
    memcpy(ret, joined, strlen(joined) + 1);
    return 0;
}

static int look(const char *path, enum found *ret)
{
    struct stat status;
    if (stat(path, &status) == 0) {
        *ret = S_ISDIR(status.st_mode) ? FOUND_FOLDER : FOUND_OTHER;
        return 0;
    }
    *ret = FOUND_NOTHING;
    return errno == ENOENT ? 0 : uv_translate_sys_error(errno);
}

static int explain(int status, const char *before, const char *path, const char *after,
                   char ret_problem[static TEXT_REASON_MAX + 1])
{
    int room = TEXT_REASON_MAX - (int)strlen(before) - (int)strlen(after);
    int size = (int)strlen(path);
    if (size <= room) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "%s%s%s", before, path, after);
        return status;
    }
    const char *end = path + size - room + 3; /* the end tells more than the beginning */
    while ((*end & 0xc0) == 0x80)
        end++;
    snprintf(ret_problem, TEXT_REASON_MAX + 1, "%s...%s%s", before, end, after);
    return status;
}

/* The only root under a new name: the folder above must be there. */
static int take_new_name(const char *path, struct target_path *ret,
                         char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct target_path made;
    size_t name_size, folder_size;
    enum found found;
    const char *name = entry_name_of_path(path, &name_size);
    if (name_size > FILES_NAME_MAX)
        return explain(UV_ENAMETOOLONG, "", name, " is too long for a name", ret_problem);
    memcpy(made.name, name, name_size);
    made.name[name_size] = '\0';
    if (!entry_name_is_valid(made.name))
        return explain(STATUS_INVALID, "", path, " can't be used as a name", ret_problem);
    folder_size = (size_t)(name - path);
    memcpy(made.folder, path, folder_size);
    made.folder[folder_size] = '\0';
    cut_slashes(made.folder);
    int status = look(made.folder, &found);
    if (status < 0)
        return explain(status, "can't look at ", made.folder, "", ret_problem);
    if (found == FOUND_NOTHING)
        return explain(UV_ENOENT, "there is no folder ", made.folder, "", ret_problem);
    if (found == FOUND_OTHER)
        return explain(UV_ENOTDIR, "", made.folder, " is no folder", ret_problem);
    *ret = made;
    return 0;
}

int target_path_resolve(const char *to, const char *base, size_t root_count, struct target_path *ret,
                        char ret_problem[static TEXT_REASON_MAX + 1])
{
    char path[FILES_PATH_MAX + 1];
    enum found found;
    int status = target_path_absolute(to, base, path);
    if (status == UV_ENAMETOOLONG)
        return explain(status, "the path is too long: ", to, "", ret_problem);
    if (status < 0)
        return explain(status, "no target was named", "", "", ret_problem);
    status = look(path, &found);
    if (status == UV_ENOTDIR) /* a file where a folder would have to be */
        return explain(status, "a part of ", path, " is no folder", ret_problem);
    if (status < 0)
        return explain(status, "can't look at ", path, "", ret_problem);
    if (found == FOUND_FOLDER) {
        memcpy(ret->folder, path, sizeof(path));
        ret->name[0] = '\0';
        return 0;
    }
    bool must_be_folder = root_count > 1 || to[strlen(to) - 1] == '/' || strcmp(to, "~") == 0;
    if (must_be_folder && found == FOUND_NOTHING)
        return explain(UV_ENOTDIR, "there is no folder ", path, "", ret_problem);
    if (must_be_folder)
        return explain(UV_ENOTDIR, "", path, " is no folder", ret_problem);
    return take_new_name(path, ret, ret_problem);
}
