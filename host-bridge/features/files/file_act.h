/* SPDX-License-Identifier: MIT */
/* What is done to a guest's files and answered in a word: folders made, paths moved and removed, offers
 * declined. */
#ifndef HOSPES_FILE_ACT_H
#define HOSPES_FILE_ACT_H

#include "host-bridge/features/files/file_work.h"

struct file_act; /* opaque */

struct file_act_request {           /* borrowed for the call */
    enum files_operation operation; /* MAKE, MOVE, REMOVE, DECLINE */
    const char *user;               /* "": the agent's choice */
    const char *path;               /* NULL with DECLINE */
    const char *to;                 /* MOVE; else NULL */
    uint32_t flags;                 /* FILES_PARENTS, FILES_RECURSIVE */
    enum files_conflict conflict;   /* MOVE */
    uint16_t mode;                  /* MAKE; 0: the agent's choice */
    uint64_t offer;                 /* DECLINE */
};

/* Once. 0 and the path that came of it, valid until return; else `text` may say more. */
typedef void (*file_act_done)(void *ctx, int status, const char *text, const char *path);

/* on_done never before return; within it file_act_close is allowed. UV_ENOMEM, errors of files_io.open: no
 * callback at all. */
int file_act_begin(const struct files_io *io, const struct file_act_request *request, file_act_done on_done,
                   void *ctx, struct file_act **ret);
/* What was begun may happen all the same. NULL allowed. */
void file_act_close(struct file_act *act);

#endif
