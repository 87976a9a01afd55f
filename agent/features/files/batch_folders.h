/* SPDX-License-Identifier: MIT */
/* The folders that the files of one drop share. The host sends each file by itself; the first makes "photos",
 * or "photos (1)" where the name is taken, and the others must find it again. Any thread. */
#ifndef HOSPES_BATCH_FOLDERS_H
#define HOSPES_BATCH_FOLDERS_H

#include <sys/types.h>
#include <uv.h>

#include "protocol/wire/message.h"

#define BATCH_FOLDERS_MAX 64 /* remembered; the one that was not asked for longest goes */

struct batch_key {
    struct session_id session;
    struct files_id id; /* all zero: a file by itself, nothing is remembered */
    uid_t uid;
};

struct batch_folder {
    struct batch_key key;
    uint64_t used; /* 0: free */
    char asked[FILES_NAME_MAX + 1], made[FILES_NAME_MAX + 1];
};

struct batch_folders {
    uv_mutex_t lock;
    uint64_t clock;
    struct batch_folder folders[BATCH_FOLDERS_MAX];
};

int batch_folders_init(struct batch_folders *batches);
void batch_folders_finish(struct batch_folders *batches);
/* Makes the folder `asked` in `parent`, under a free name, or finds the one of this batch. 0 or -1 and errno;
 * blocks. */
int batch_folders_make(struct batch_folders *batches, const struct batch_key *key, int parent,
                       const char *asked, char ret_made[static FILES_NAME_MAX + 1]);

#endif
