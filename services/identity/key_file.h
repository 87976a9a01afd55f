/* SPDX-License-Identifier: MIT */
/* A program's static key pair in a file of its own, 0600, replaced atomically. */
#ifndef HOSPES_KEY_FILE_H
#define HOSPES_KEY_FILE_H

#include <stdbool.h>

#include "protocol/wire/limits.h"
#include "protocol/wire/noise.h"

/* What the key is bound to ("machine-id 4c4c…, generation 7f…"): a copy of the file in another machine is
 * noticed, and is not used. "" = bound to nothing. */
#define KEY_FILE_BINDING_MAX 255

enum key_file_origin { KEY_FILE_READ = 1, KEY_FILE_MADE, KEY_FILE_MADE_FOR_ANOTHER_BINDING };

/* Reads folder/name, or makes a new pair and writes it (making the folder 0700 when it is missing). A file
 * that is not a regular one, is not ours or root's, or that others may read is refused, not repaired:
 * STATUS_NOT_ALLOWED, also when it can't be read. One that makes no sense: STATUS_MALFORMED. libuv's codes
 * (UV_EROFS and the like) when a new one can't be kept: *ret and *ret_origin are filled all the same, so that
 * a program on a read-only system can go on with it. All failures with a sentence. `ret` is locked memory of
 * the caller. */
int key_file_load(const char *folder, const char *name, const char *binding, struct noise_key_pair *ret,
                  enum key_file_origin *ret_origin, char ret_problem[static TEXT_REASON_MAX + 1]);

/* What the file that is there is bound to; False, and "", when there is none that can be read. */
bool key_file_binding(const char *folder, const char *name, char ret[static KEY_FILE_BINDING_MAX + 1]);
/* Binds the file that is there to something else and keeps its key. Statuses as from key_file_load;
 * UV_ENOENT. */
int key_file_rebind(const char *folder, const char *name, const char *binding);
/* The public key of the file that is there, whatever it is bound to; makes nothing. Statuses as from
 * key_file_load; UV_ENOENT. */
int key_file_public(const char *folder, const char *name, uint8_t ret[static NOISE_KEY_SIZE]);

#endif
