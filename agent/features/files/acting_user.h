/* SPDX-License-Identifier: MIT */
/* On whose behalf a piece of work on files is done. */
#ifndef HOSPES_ACTING_USER_H
#define HOSPES_ACTING_USER_H

#include "protocol/wire/limits.h"
#include "services/transfer/fs_identity.h"

struct acting_user {
    struct fs_identity identity;
    char home[FILES_PATH_MAX + 1]; /* absolute; what relative paths are relative to */
};

/* `asked` if it is not empty; else `configured`; else the user of the active graphical session, of the oldest
 * session of a normal user, the agent's own. An agent that is not root's is only ever itself: UV_EPERM.
 * UV_ENOENT: no such user. With a sentence. Blocks. */
int acting_user_find(const char *asked, const char *configured, struct acting_user *ret,
                     char ret_problem[static TEXT_REASON_MAX + 1]);

#endif
