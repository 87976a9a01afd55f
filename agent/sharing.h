/* SPDX-License-Identifier: MIT */
/* What the guest tells and gives of its files on its own accord: offers, the outbox, the session socket,
 * watches. */
#ifndef HOSPES_SHARING_H
#define HOSPES_SHARING_H

#include "agent/config.h"
#include "agent/features/files/files.h"
#include "protocol/link/feed.h"

struct sharing; /* opaque */

/* `config`, `feed` and `files` are borrowed for the whole life; `files` gets its sources of offers and
 * watches. With the class "files" switched off there is only the session socket, which says so. UV_ENOMEM. */
int sharing_create(uv_loop_t *uv, const struct agent_config *config, struct feed *feed, struct files *files,
                   struct sharing **ret);
/* Its handles close as the loop runs out; nothing is asked of feed and files any more. NULL allowed. */
void sharing_close(struct sharing *sharing);
void sharing_destroy(struct sharing *sharing); /* after the loop has run out; NULL allowed */

/* A bridge is there: now and then. */
void sharing_check(struct sharing *sharing);
/* As feed_offers. */
void sharing_snapshot(struct sharing *sharing,
                      void (*emit)(void *emit_ctx, const struct offers_message *part), void *emit_ctx);

#endif
