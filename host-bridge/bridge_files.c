/* SPDX-License-Identifier: MIT */
/* Owns transfers, inbox and receiving, hands their news to each other and upwards, and keeps the transfers
 * that must survive in a store of their own (<state>/transfers/pending.json), since names of files in the
 * state folder are those of guests. */
#define LOG_MODULE "files"
#include "host-bridge/bridge_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/downloads.h"
#include "host-bridge/paths.h"
#include "host-bridge/store.h"
#include "protocol/base/status.h"

#define STORE_FOLDER "transfers"
#define STORE_NAME   "pending"

struct bridge_files {
    struct bridge_files_options options;
    struct store *store;         /* NULL before it is there and after it is closed */
    struct transfers *transfers; /* so, too, and the next ones */
    struct inbox *inbox;
    struct receiving *receiving;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* ---- what they ask for, and their news ---- */

static int open_guest(void *ctx, const char *vm, const struct files_open_message *open,
                      const struct files_dial_handler *handler, void *handler_ctx, struct files_dial **ret)
{
    struct bridge_files *files = ctx;
    struct guest *guest = guests_find(files->options.guests, vm);
    if (guest == NULL)
        return STATUS_NOT_FOUND;
    return guest_open_files(guest, open, handler, handler_ctx, ret);
}

static void handle_transfer(void *ctx, const struct transfer *transfer, const char *what)
{
    struct bridge_files *files = ctx;
    files->options.on_transfer(files->options.ctx, transfer, what);
    if (files->receiving != NULL)
        receiving_transfer_changed(files->receiving, transfer, what);
}

static void handle_dirty(void *ctx)
{
    struct bridge_files *files = ctx;
    if (files->store != NULL)
        store_save_now(files->store, STORE_NAME); /* who was told that it goes on relies on it */
}

static void handle_item(void *ctx, const struct inbox_item *item, const char *what)
{
    struct bridge_files *files = ctx;
    files->options.on_item(files->options.ctx, item, what);
    if (files->receiving != NULL && strcmp(what, "offered") == 0)
        receiving_item_offered(files->receiving, item);
}

static void handle_accept(void *ctx, const struct inbox_item *item, const struct inbox_rule *rule)
{
    struct bridge_files *files = ctx;
    char problem[TEXT_REASON_MAX + 1];
    if (files->receiving != NULL && receiving_accept_by_rule(files->receiving, item, rule, problem) < 0)
        log_warn("%s: an offer that a rule accepts is not taken: %s", item->vm, problem);
}

static json_t *make_state(void *ctx, const char *name)
{
    const struct bridge_files *files = ctx;
    return files->transfers == NULL ? NULL : transfers_save(files->transfers);
}

/* ---- start ---- */

static int open_store(struct bridge_files *files, char *ret_problem)
{
    char folder[PATHS_MAX];
    if (snprintf(folder, sizeof(folder), "%s/" STORE_FOLDER, files->options.state_dir) >= PATHS_MAX) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "the state folder's path is too long");
        return UV_ENAMETOOLONG;
    }
    int status = store_open(files->options.loop, folder, &files->store, ret_problem);
    if (status < 0)
        files->store = NULL;
    else
        store_set_maker(files->store, make_state, files);
    return status;
}

static int create_parts(struct bridge_files *files)
{
    const struct bridge_config *config = files->options.config;
    char downloads[FILES_PATH_MAX + 1];
    struct transfers_io io = {
        .open = open_guest, .on_transfer = handle_transfer, .on_dirty = handle_dirty, .ctx = files};
    struct inbox_news news = {.on_item = handle_item, .on_accept = handle_accept, .ctx = files};
    int status = transfers_create(files->options.loop, &io, &files->transfers);
    if (status == 0)
        status = inbox_create(config->inbox_rules, config->inbox_rule_count, &news, &files->inbox);
    if (status < 0)
        return status;
    downloads_default(downloads);
    struct receiving_options options = {
        .loop = files->options.loop,
        .inbox = files->inbox,
        .transfers = files->transfers,
        .downloads = config->inbox_folder != NULL ? config->inbox_folder : downloads,
        .open = open_guest,
        .ctx = files,
    };
    return receiving_create(&options, &files->receiving);
}

int bridge_files_create(const struct bridge_files_options *options, struct bridge_files **ret,
                        char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct bridge_files *files = calloc(1, sizeof(*files));
    snprintf(ret_problem, TEXT_REASON_MAX + 1, "%s", status_text(UV_ENOMEM));
    if (files == NULL)
        return UV_ENOMEM;
    files->options = *options;
    int status = open_store(files, ret_problem);
    if (status == 0)
        status = create_parts(files);
    if (status < 0)
        bridge_files_close(files, NULL, NULL);
    else
        *ret = files;
    return status;
}

static void load_one(void *ctx, const char *name, const json_t *state, const char *problem)
{
    struct bridge_files *files = ctx;
    char why[TEXT_REASON_MAX + 1];
    if (strcmp(name, STORE_NAME) != 0)
        return;
    if (state == NULL) {
        log_error("transfers that were under way are forgotten: %s", problem);
    } else if (transfers_load(files->transfers, state, why) < 0) {
        log_error("transfers that were under way are forgotten, and kept as %s.json.broken: %s", name, why);
        store_set_aside(files->store, name);
    }
}

void bridge_files_load(struct bridge_files *files)
{
    store_each(files->store, load_one, files);
}

struct transfers *bridge_files_transfers(struct bridge_files *files)
{
    return files->transfers;
}

struct inbox *bridge_files_inbox(struct bridge_files *files)
{
    return files->inbox;
}

struct receiving *bridge_files_receiving(struct bridge_files *files)
{
    return files->receiving;
}

/* ---- news of guests ---- */

void bridge_files_guest_changed(struct bridge_files *files, const struct guest *guest)
{
    if (guest_state(guest) == GUEST_CONNECTED) {
        transfers_guest_up(files->transfers, guest_name(guest));
        return;
    }
    transfers_guest_down(files->transfers, guest_name(guest));
    inbox_link_lost(files->inbox, guest_name(guest));
}

void bridge_files_guest_removed(struct bridge_files *files, const struct guest *guest)
{
    transfers_guest_removed(files->transfers, guest_name(guest));
    inbox_guest_removed(files->inbox, guest_name(guest));
}

void bridge_files_offers(struct bridge_files *files, const struct guest *guest,
                         const struct offers_message *offers)
{
    inbox_apply(files->inbox, guest_name(guest), offers);
}

void bridge_files_snapshot_end(struct bridge_files *files, const struct guest *guest)
{
    inbox_snapshot_end(files->inbox, guest_name(guest));
}

/* ---- stop: one part after another, each of which may be missing ---- */

static void handle_transfers_closed(void *ctx)
{
    struct bridge_files *files = ctx;
    void (*on_closed)(void *ctx) = files->on_closed;
    void *closed_ctx = files->closed_ctx;
    inbox_destroy(files->inbox);
    free(files);
    if (on_closed != NULL)
        on_closed(closed_ctx);
}

static void handle_store_closed(void *ctx)
{
    struct bridge_files *files = ctx;
    struct transfers *transfers = files->transfers;
    files->store = NULL;
    files->transfers = NULL;
    if (transfers != NULL)
        transfers_close(transfers, handle_transfers_closed, files);
    else
        handle_transfers_closed(files);
}

static void handle_receiving_closed(void *ctx)
{
    struct bridge_files *files = ctx;
    if (files->store != NULL)
        store_close(files->store, handle_store_closed, files);
    else
        handle_store_closed(files);
}

void bridge_files_close(struct bridge_files *files, void (*on_closed)(void *ctx), void *ctx)
{
    files->on_closed = on_closed;
    files->closed_ctx = ctx;
    struct receiving *receiving = files->receiving;
    files->receiving = NULL;
    if (receiving != NULL)
        receiving_close(receiving, handle_receiving_closed, files);
    else
        handle_receiving_closed(files);
}
