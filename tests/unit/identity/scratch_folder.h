/* SPDX-License-Identifier: MIT */
/* A folder of a test, 0700, with helps to put files into it. */
#ifndef HOSPES_SCRATCH_FOLDER_H
#define HOSPES_SCRATCH_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SCRATCH_PATH_MAX 256

struct scratch_folder {
    char path[64];
};

void scratch_make(struct scratch_folder *folder);
void scratch_remove(struct scratch_folder *folder);

/* "FOLDER/NAME", in one of eight static buffers. */
const char *scratch_path(const struct scratch_folder *folder, const char *name);
/* Makes the folders on the way. */
void scratch_write(const struct scratch_folder *folder, const char *name, const void *data, size_t size,
                   mode_t mode);
void scratch_write_text(const struct scratch_folder *folder, const char *name, const char *text);
/* The file's text with a terminator, static; fails the test when it is not there. */
const char *scratch_read(const struct scratch_folder *folder, const char *name);
bool scratch_has(const struct scratch_folder *folder, const char *name);
mode_t scratch_mode(const struct scratch_folder *folder, const char *name); /* the rights */

/* Runs `body` in a child process as `user` (0: as we are), and fails unless it returns 0. For rights that
 * root has anyway. */
void scratch_run_as(uid_t user, int (*body)(void *ctx), void *ctx);

#endif
