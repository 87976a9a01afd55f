/* SPDX-License-Identifier: MIT */
/* Files that people in the guest offer to the host: kept until the host takes or declines them, or they are
 * withdrawn. On the loop's thread; files are looked at by worker threads, on the user's behalf. */
#ifndef HOSPES_OFFERS_H
#define HOSPES_OFFERS_H

#include <stdbool.h>
#include <uv.h>

#include "agent/features/offers/offer_table.h"

struct offers; /* opaque */

enum offer_news {
    OFFER_MOVING = 1, /* the host takes it: `bytes` so far */
    OFFER_WAITS,      /* that broke off: it is still offered */
    OFFER_TAKEN,
    OFFER_DECLINED,
    OFFER_WITHDRAWN,
};

struct offers_options { /* texts are borrowed for the whole life */
    uv_loop_t *uv;
    const char *state_dir;
    /* Something came or went: for the host. Valid until return. */
    void (*on_delta)(void *ctx, const struct offers_message *delta);
    /* For who offered it. The last three are the last of an offer. */
    void (*on_news)(void *ctx, uint64_t id, enum offer_news news, uint64_t bytes, const char *problem);
    void *ctx;
};

/* Reads what was offered before. UV_ENOMEM. */
int offers_create(const struct offers_options *options, struct offers **ret);
/* Calls of `on_added` that are due come with UV_ECANCELED; it frees itself when the workers are through. NULL
 * allowed. */
void offers_close(struct offers *offers);

/* Paths are copied and looked at; on_added comes once, never before return: `record` (NULL: it failed, with a
 * sentence) is valid until return. < 0 with a sentence: nothing comes. */
int offers_add(struct offers *offers, uid_t uid, const char *const *paths, size_t count,
               void (*on_added)(void *ctx, int status, const struct offer_record *record,
                                const char *problem),
               void *ctx, char ret_problem[static TEXT_REASON_MAX + 1]);
/* STATUS_NOT_FOUND: there is none, or another user's. */
int offers_withdraw(struct offers *offers, uid_t uid, uint64_t id);
const struct offer_table *offers_table(const struct offers *offers);
/* As parts of a snapshot, each with `more`. */
void offers_snapshot(const struct offers *offers,
                     void (*emit)(void *emit_ctx, const struct offers_message *part), void *emit_ctx);

/* What a transfer needs and tells. */
int offers_begin(struct offers *offers, uint64_t id, const struct offer_record **ret); /* STATUS_NOT_FOUND */
void offers_progress(struct offers *offers, uint64_t id, uint64_t bytes);
void offers_end(struct offers *offers, uint64_t id, int status); /* 0: the host has it */
int offers_decline(struct offers *offers, uint64_t id);          /* STATUS_NOT_FOUND */

#endif
