/* SPDX-License-Identifier: MIT */
/* Where drops land: the folder itself, and what a file of a drop may be called in it. Blocks; on the user's
 * behalf. */
#ifndef HOSPES_DROP_FOLDER_H
#define HOSPES_DROP_FOLDER_H

#include "agent/features/files/batch_folders.h"
#include "protocol/wire/limits.h"

/* `configured` (absolute, or relative to `home`); else XDG_DOWNLOAD_DIR of the user; else ~/Downloads. Made
 * where it is missing. < 0 with a sentence. */
int drop_folder_make(const char *home, const char *configured, char ret[static FILES_PATH_MAX + 1],
                     char ret_problem[static TEXT_REASON_MAX + 1]);

struct drop_place {
    int folder;                    /* the descriptor is the caller's */
    char path[FILES_PATH_MAX + 1]; /* of that folder */
    char name[FILES_NAME_MAX + 1]; /* of the file, as asked */
};
/* Where `to` ("a.txt", "photos/2024/a.jpg") goes beneath `drop_folder`: makes the folders on the way. The
 * first of them is made under a free name unless the same batch has made it before. Links are not followed.
 * STATUS_INVALID: a component that is no name. */
int drop_folder_enter(const char *drop_folder, const char *to, struct batch_folders *batches,
                      const struct batch_key *batch, struct drop_place *ret,
                      char ret_problem[static TEXT_REASON_MAX + 1]);

#endif
