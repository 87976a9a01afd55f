/* SPDX-License-Identifier: MIT */
/* What a worker does with the outbox on its user's behalf. Blocks. */
#ifndef HOSPES_OUTBOX_LOOK_H
#define HOSPES_OUTBOX_LOOK_H

#include "agent/features/offers/outbox_state.h"

/* Makes the folder where it is missing, but not the one above it. < 0: UV_… */
int outbox_make(const char *path);
/* Everything in it that is not ignored. UV_ENOENT: the folder is gone. */
int outbox_look(const char *path,
                void (*see)(void *ctx, const char *name, const struct outbox_signature *signature),
                void *ctx);
/* Moves it to OUTBOX_SENT, under a free name. */
int outbox_put_away(const char *path, const char *name);

#endif
