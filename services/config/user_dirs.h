/* SPDX-License-Identifier: MIT */
/* The folder for downloads as a desktop's user-dirs.dirs names it. Pure. */
#ifndef HOSPES_USER_DIRS_H
#define HOSPES_USER_DIRS_H

#include <stdbool.h>

#include "protocol/wire/limits.h"

/* XDG_DOWNLOAD_DIR in `text`, the file's contents: absolute, "$HOME" replaced by `home`. False: it names
 * none, or the home itself, which means that it is switched off. */
bool user_dirs_download(const char *text, const char *home, char ret[static FILES_PATH_MAX + 1]);

#endif
