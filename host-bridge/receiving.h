/* SPDX-License-Identifier: MIT */
/* What joins the inbox with the transfers: an offer that is accepted becomes a transfer of kind TAKE, one
 * that is declined is told to the guest, and what becomes of the transfer is noted in the inbox. */
#ifndef HOSPES_RECEIVING_H
#define HOSPES_RECEIVING_H

#include "host-bridge/features/inbox/inbox.h"
#include "host-bridge/features/transfers/transfers.h"

#define RECEIVING_DECLINES_MAX       64    /* under way at a time */
#define RECEIVING_DECLINE_TIMEOUT_MS 10000 /* until the guest has answered */

struct receiving; /* opaque */

struct receiving_options {
    uv_loop_t *loop;
    struct inbox *inbox;         /* all borrowed for the whole life */
    struct transfers *transfers; /* their news are to be handed on, see below */
    const char *downloads;       /* absolute: below it each guest has its folder */
    /* As in struct transfers_io. */
    int (*open)(void *ctx, const char *vm, const struct files_open_message *open,
                const struct files_dial_handler *handler, void *handler_ctx, struct files_dial **ret);
    void *ctx;
};

int receiving_create(const struct receiving_options *options, struct receiving **ret); /* UV_ENOMEM */
/* What is being declined ends with STATUS_GONE before return; on_closed never before return. */
void receiving_close(struct receiving *receiving, void (*on_closed)(void *ctx), void *ctx);

/* Takes an offer into the folder `to` (absolute; NULL: the guest's own below the downloads; made on demand).
 * `conflict`: enum files_conflict. *ret is the transfer, borrowed from the transfers. `ret_problem` has
 * TEXT_REASON_MAX + 1 bytes. STATUS_NOT_FOUND; STATUS_CONFLICT: it is being taken already; STATUS_INVALID:
 * `to`; errors of transfers_add; each with a sentence. */
int receiving_accept(struct receiving *receiving, const char *id, const char *to, uint8_t conflict,
                     const struct transfer **ret, char *ret_problem);
/* For the inbox's on_accept. A guest that sends more than the rule allows, whatever it said before, is
 * stopped. */
int receiving_accept_by_rule(struct receiving *receiving, const struct inbox_item *item,
                             const struct inbox_rule *rule, char *ret_problem);
/* on_done fires exactly once, never before return: 0 when the guest has taken note (the item goes when it
 * says so in its events), else why not; `text` may be empty. STATUS_NOT_FOUND; STATUS_CONFLICT: it is being
 * taken; STATUS_LIMIT; errors of `open` (STATUS_NOT_CONNECTED, STATUS_NOT_SUPPORTED): no callback. */
int receiving_decline(struct receiving *receiving, const char *id,
                      void (*on_done)(void *ctx, int status, const char *text), void *ctx);

/* To be called with the inbox's news "offered": an offer that is being taken already (the bridge was started
 * anew) is joined with its transfer. */
void receiving_item_offered(struct receiving *receiving, const struct inbox_item *item);
/* To be called with the transfers' news: a TAKE that ended without success is offered again. */
void receiving_transfer_changed(struct receiving *receiving, const struct transfer *transfer,
                                const char *what);

#endif
