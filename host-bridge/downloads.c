/* SPDX-License-Identifier: MIT */
/* Reads user-dirs.dirs; how it is understood is services/config's. */
#include "host-bridge/downloads.h"

#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host-bridge/paths.h"
#include "services/config/user_dirs.h"

#define USER_DIRS_MAX 8192 /* it has eight lines, as a rule */

static bool read_text(const char *path, char text[static USER_DIRS_MAX])
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t size = fread(text, 1, USER_DIRS_MAX - 1, file);
    fclose(file);
    text[size] = '\0';
    return true;
}

void downloads_default(char ret[static FILES_PATH_MAX + 1])
{
    char path[PATHS_MAX + 32], text[USER_DIRS_MAX];
    const char *folder = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    const struct passwd *user = home == NULL || home[0] != '/' ? getpwuid(getuid()) : NULL;
    if (home == NULL || home[0] != '/')
        home = user != NULL ? user->pw_dir : "/";
    if (folder != NULL && folder[0] == '/')
        snprintf(path, sizeof(path), "%s/user-dirs.dirs", folder);
    else
        snprintf(path, sizeof(path), "%s/.config/user-dirs.dirs", home);
    if (!read_text(path, text) || !user_dirs_download(text, home, ret))
        snprintf(ret, FILES_PATH_MAX + 1, "%s/Downloads", home);
}
