/* SPDX-License-Identifier: MIT */
/* The part of the bridge that files pass through: transfers, the inbox, what joins them, and the file that
 * remembers them. */
#ifndef HOSPES_BRIDGE_FILES_H
#define HOSPES_BRIDGE_FILES_H

#include "host-bridge/config.h"
#include "host-bridge/guests.h"
#include "host-bridge/receiving.h"

struct bridge_files; /* opaque */

struct bridge_files_options {
    uv_loop_t *loop;
    const struct bridge_config *config; /* borrowed for the whole life, as `guests` */
    struct guests *guests;
    const char *state_dir;
    void (*on_transfer)(void *ctx, const struct transfer *transfer, const char *what);
    void (*on_item)(void *ctx, const struct inbox_item *item, const char *what);
    void *ctx;
};

/* On failure a sentence. */
int bridge_files_create(const struct bridge_files_options *options, struct bridge_files **ret,
                        char ret_problem[static TEXT_REASON_MAX + 1]);
/* What was under way when the bridge ended goes on. After the guests are in their table. */
void bridge_files_load(struct bridge_files *files);
/* Saves, and ends what is under way; on_closed never before return. */
void bridge_files_close(struct bridge_files *files, void (*on_closed)(void *ctx), void *ctx);

struct transfers *bridge_files_transfers(struct bridge_files *files);
struct inbox *bridge_files_inbox(struct bridge_files *files);
struct receiving *bridge_files_receiving(struct bridge_files *files);

/* News of guests. */
void bridge_files_guest_changed(struct bridge_files *files, const struct guest *guest);
void bridge_files_guest_removed(struct bridge_files *files, const struct guest *guest);
void bridge_files_offers(struct bridge_files *files, const struct guest *guest,
                         const struct offers_message *offers);
void bridge_files_snapshot_end(struct bridge_files *files, const struct guest *guest);

#endif
