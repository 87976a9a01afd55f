/* SPDX-License-Identifier: MIT */
/* Finds and makes the drop folder, and walks down to where a dropped file goes, one checked component at a
 * time. */
#include "agent/features/files/drop_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/features/files/complaint.h"
#include "protocol/base/status.h"
#include "services/config/user_dirs.h"
#include "services/transfer/entry_name.h"
#include "services/transfer/target_path.h"

#define USER_DIRS_PATH ".config/user-dirs.dirs"
#define USER_DIRS_SIZE 8192
#define DROP_DEFAULT   "Downloads"
#define FOLDER_FLAGS   (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK)

static bool read_user_dirs(const char *home, char *ret)
{
    char path[FILES_PATH_MAX + 1], text[USER_DIRS_SIZE];
    if (target_path_absolute(USER_DIRS_PATH, home, path) < 0)
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return false;
    ssize_t size = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (size <= 0)
        return false;
    text[size] = '\0';
    return user_dirs_download(text, home, ret);
}

/* As mkdir -p. */
static int make_with_parents(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int failed = mkdir(path, 0777);
        int error = errno;
        *slash = '/';
        if (failed < 0 && error != EEXIST && error != EROFS && error != EACCES)
            return error;
    }
    struct stat info;
    if (mkdir(path, 0777) == 0 || (stat(path, &info) == 0 && S_ISDIR(info.st_mode)))
        return 0;
    return errno == EEXIST ? ENOTDIR : errno;
}

int drop_folder_make(const char *home, const char *configured, char ret[static FILES_PATH_MAX + 1],
                     char ret_problem[static TEXT_REASON_MAX + 1])
{
    bool found = configured[0] == '\0' && read_user_dirs(home, ret);
    if (!found) {
        const char *wanted = configured[0] != '\0' ? configured : DROP_DEFAULT;
        int status = target_path_absolute(wanted, home, ret);
        if (status < 0)
            return complaint_of_path(ret_problem, status, wanted, "can't be the drop folder");
    }
    int error = make_with_parents(ret);
    return error == 0 ? 0 : complaint_of_errno(ret_problem, error, "can't make the drop folder", ret);
}

static int refuse_name(const char *to, char *ret_problem)
{
    return complaint_of_path(ret_problem, STATUS_INVALID, to,
                             "can't be dropped: a part of it is no name for a file");
}

/* Into the next folder on the way. */
static int descend(struct drop_place *place, const char *name)
{
    int next = openat(place->folder, name, FOLDER_FLAGS | O_NOFOLLOW);
    if (next < 0)
        return -1;
    close(place->folder);
    place->folder = next;
    size_t used = strlen(place->path);
    int size = snprintf(place->path + used, sizeof(place->path) - used, "%s%s", used == 1 ? "" : "/", name);
    if (size < 0 || (size_t)size >= sizeof(place->path) - used) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return 0;
}

/* Takes the component at *at; false: it is no name. */
static bool take_component(const char **at, char ret[static FILES_NAME_MAX + 1], bool *ret_last)
{
    size_t size = strcspn(*at, "/");
    if (size > FILES_NAME_MAX)
        return false;
    memcpy(ret, *at, size);
    ret[size] = '\0';
    *ret_last = (*at)[size] == '\0';
    *at += size + (*ret_last ? 0 : 1);
    return entry_name_is_valid(ret);
}

static bool all_are_names(const char *to)
{
    char name[FILES_NAME_MAX + 1];
    bool last = false;
    for (size_t depth = 0; !last; depth++) {
        if (depth > FILES_DEPTH_MAX || !take_component(&to, name, &last))
            return false;
    }
    return true;
}

int drop_folder_enter(const char *drop_folder, const char *to, struct batch_folders *batches,
                      const struct batch_key *batch, struct drop_place *ret,
                      char ret_problem[static TEXT_REASON_MAX + 1])
{
    if (!all_are_names(to))
        return refuse_name(to, ret_problem);
    ret->folder = open(drop_folder, FOLDER_FLAGS);
    if (ret->folder < 0)
        return complaint_of_errno(ret_problem, errno, "can't open", drop_folder);
    snprintf(ret->path, sizeof(ret->path), "%s", drop_folder);
    bool last = false;
    const char *at = to;
    for (bool top = true; take_component(&at, ret->name, &last) && !last; top = false) {
        char made[FILES_NAME_MAX + 1];
        int failed;
        if (top) {
            failed = batch_folders_make(batches, batch, ret->folder, ret->name, made);
        } else {
            memcpy(made, ret->name, sizeof(made));
            failed = mkdirat(ret->folder, made, 0777) < 0 && errno != EEXIST ? -1 : 0;
        }
        if (failed < 0 || descend(ret, made) < 0) {
            int error = errno;
            close(ret->folder);
            return complaint_of_errno(ret_problem, error, "can't make the folders of", to);
        }
    }
    return 0;
}
