/* SPDX-License-Identifier: MIT */
/* Where this user's downloads go when the configuration does not say. */
#ifndef HOSPES_DOWNLOADS_H
#define HOSPES_DOWNLOADS_H

#include "protocol/wire/limits.h"

/* $XDG_DOWNLOAD_DIR of user-dirs.dirs, else ~/Downloads. Reads the environment and one small file, at start.
 */
void downloads_default(char ret[static FILES_PATH_MAX + 1]);

#endif
