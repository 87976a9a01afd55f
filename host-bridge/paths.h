/* SPDX-License-Identifier: MIT */
/* Where the bridge's files are when nobody says otherwise (contract: root has system paths, others the XDG
 * ones). */
#ifndef HOSPES_PATHS_H
#define HOSPES_PATHS_H

#include <stddef.h>

#define PATHS_MAX 512

struct paths {
    char config[PATHS_MAX];    /* …/hospes/config.json */
    char state_dir[PATHS_MAX]; /* …/hospes */
    char socket[PATHS_MAX];    /* …/hospes/api.sock; HOSPES_SOCKET overrides */
};

void paths_default(struct paths *ret);

/* Makes a folder 0700 with its parents (0755). libuv's codes. */
int paths_make_folder(const char *path);

#endif
