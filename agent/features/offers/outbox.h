/* SPDX-License-Identifier: MIT */
/* A folder of the user: what is put there is offered to the host, and moved to its folder "Sent" when it was
 * taken. On the loop's thread. */
#ifndef HOSPES_OUTBOX_H
#define HOSPES_OUTBOX_H

#include "agent/features/offers/offers.h"

struct outbox; /* opaque */

struct outbox_options { /* texts are borrowed for the whole life */
    uv_loop_t *uv;
    struct offers *offers;
    const char *path; /* absolute, or relative to the user's home */
    /* Whose outbox it is. UV_ENOENT: nobody's now. On a worker. `ret_home` has FILES_PATH_MAX + 1 bytes. */
    int (*find_user)(void *ctx, struct fs_identity *ret, char *ret_home);
    void *ctx;
};

int outbox_create(const struct outbox_options *options, struct outbox **ret); /* UV_ENOMEM */
/* Before offers_close. Frees itself. NULL allowed. */
void outbox_close(struct outbox *outbox);
/* Looks for its user and its folder, when it has none. Call it now and then. NULL allowed. */
void outbox_check(struct outbox *outbox);
/* What became of an offer, anybody's. NULL allowed. */
void outbox_take_news(struct outbox *outbox, uint64_t offer, enum offer_news news);

#endif
