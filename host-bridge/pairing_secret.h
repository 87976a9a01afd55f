/* SPDX-License-Identifier: MIT */
/* A guest's provisioned secret ("pskFile"). */
#ifndef HOSPES_PAIRING_SECRET_H
#define HOSPES_PAIRING_SECRET_H

#include <stdint.h>

#include "protocol/wire/limits.h"
#include "protocol/wire/noise.h"

/* Reads a regular file of 44 characters of base64 (spaces and line ends around them are allowed) or of
 * exactly 32 bytes. It must be ours or root's, and nobody else may read it: STATUS_NOT_ALLOWED.
 * STATUS_MALFORMED, errors of open(2). All with a sentence; ret is untouched then. `ret` is a secret: the
 * caller's to wipe. Blocks as long as a small file takes. */
int pairing_secret_load(const char *path, uint8_t ret[static NOISE_KEY_SIZE],
                        char ret_problem[static TEXT_REASON_MAX + 1]);

#endif
