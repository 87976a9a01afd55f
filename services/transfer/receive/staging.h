/* SPDX-License-Identifier: MIT */
/* The hidden folder of one transfer: PARTIAL_FOLDER/<id in hex>/ in the target folder, the user's own, 0700,
 * locked as long as it is used. In it are
 *   tree/    what was taken in this run, its roots named by their numbers
 *   old/     what earlier runs left: moved to tree/ piece by piece as it is announced again. So tree/ holds
 *            nothing but names of this run, and a name that comes twice is found out by the file system,
 *            which knows best which names are the same to it
 *   trash/   on its way out
 *   journal  see journal.h
 * Blocks. */
#ifndef HOSPES_STAGING_H
#define HOSPES_STAGING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "protocol/wire/message.h"
#include "services/transfer/receive/journal.h"

#define STAGING_TREE  "tree"
#define STAGING_OLD   "old"
#define STAGING_TRASH "trash"

struct staging {
    int target;       /* the folder that roots go into */
    int partial, own; /* PARTIAL_FOLDER, and what is this transfer's in it */
    int tree, old;    /* old: -1 when there is none */
    char id[2 * FILES_ID_SIZE + 1];
    mode_t mask;      /* bits of a mode that new files do not get */
    bool was_resumed; /* something was there */
    unsigned trash_count;
};

/* `resume`: what is there is kept (and *ret_journal says how far it came; once it has begun, tree/ stays as
 * it is), else removed. STATUS_CONFLICT: locked by another; UV_EACCES with a sentence when PARTIAL_FOLDER is
 * another user's; others as of open(2). */
int staging_open(struct staging *staging, const char *folder, const struct files_id *id, bool resume,
                 struct journal_state *ret_journal, char ret_problem[static TEXT_REASON_MAX + 1]);
/* Moves what `name` in `folder` is out of sight; it goes with the rest. */
int staging_throw_away(struct staging *staging, int folder, const char *name);
/* `remove`: with all that is in it. Else it stays for PARTIAL_AGE_MAX_S. Twice is allowed. */
void staging_close(struct staging *staging, bool remove);

#endif
